/** What crosses the router: the same bytes, every method, and only the headers that are meant for the other side. */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { rawCall } from "../support/raw-client.ts";

const MEBIBYTE = 1024 * 1024;
const ENDPOINT_KEY = "the-endpoint's-own-credential";

/** What the simulator's `/echo` tells of a request. */
type Echo = { method: string; url: string; headers: Record<string, string>; bodyBytes: number; bodyBase64: string };

/** An endpoint with bad manners: it says everything that a client must not hear. */
let rude: Server;
let seenByRude: IncomingHttpHeaders = {};
let fleet: Fleet;
beforeAll(async () => {
  rude = createServer((request, response) => {
    // Not what a shard asks for itself.
    if (request.url === "/x") seenByRude = request.headers;
    response.setHeader("set-cookie", ["a=1", "b=2"]);
    response.writeHead(request.url === "/moved" ? 307 : 200, {
      server: "secret-engine/1.2",
      "x-powered-by": "secrets",
      via: "1.1 inner",
      location: "http://10.0.0.1/internal",
      "access-control-allow-origin": "*",
      "x-request-id": "theirs",
      "x-warmpath-endpoint": "forged",
      "server-timing": "gpu;dur=1",
      "x-custom": "is the client's",
      "x-runpod-worker-id": "w-1",
    });
    response.end("ok");
  });
  await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
  const rudeUrl = `http://127.0.0.1:${(rude.address() as AddressInfo).port}`;
  fleet = await startFleet({
    endpoints: [
      {
        id: "us-a",
        region: "us-east",
        simulator: { engine: ENGINE_PRESETS.fast, apiKey: ENDPOINT_KEY },
        config: { auth: { secret: "ENDPOINT_KEY" } },
      },
    ],
    bindings: { ENDPOINT_KEY },
    config: {
      limits: { bodyBytesMax: 8 * MEBIBYTE },
      routes: [
        { path: "/score", pool: "main", upstreamPath: "/echo/score" },
        { path: "/open", pool: "main", upstreamPath: "/echo/open", openTo: "guests" },
      ],
    },
    morePools: {
      rude: { paths: ["*"], endpoints: [{ id: "rude", region: "us-east", backend: "openai", url: rudeUrl }] },
    },
  });
});
afterAll(async () => {
  rude.closeAllConnections();
  rude.close();
  await fleet.close();
});

const echo = async (path: string, init: RequestInit = {}): Promise<Echo> =>
  (await (await fleet.call(path, init)).json()) as Echo;

describe("the body", () => {
  const bodies: readonly (readonly [name: string, body: Buffer])[] = [
    ["JSON with its white space and its order", Buffer.from('{ "b": 1.0,\n "a": [ 9007199254740993 ] }')],
    ["text that is not UTF-8", Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ["a JSON null", Buffer.from("null")],
    ["a byte order mark", Buffer.from("\ufeff{}")],
    ["nothing", Buffer.alloc(0)],
    ["four megabytes of noise", randomBytes(4 * MEBIBYTE)],
  ];

  test.each(bodies)("goes and comes back as the same bytes: %s", async (_, body) => {
    const response = await fleet.call("/p/main/raw", {
      method: "POST",
      body,
      headers: { "content-type": "image/png" },
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
  });

  test.each(["application/json", "application/vnd.api+json; charset=utf-8", "text/plain", "image/png"])(
    "keeps its type: %s",
    async (type) => {
      const init = { method: "POST", body: "not json", headers: { "content-type": type } };
      expect((await echo("/p/main/echo", init)).headers["content-type"]).toBe(type);
      expect((await fleet.call("/p/main/raw", init)).headers.get("content-type")).toBe(type);
    },
  );

  test("of unknown length arrives whole", async () => {
    const { request, answer } = rawCall(`${fleet.router.url}/p/main/raw`, {
      method: "POST",
      headers: { authorization: `Bearer ${fleet.key}`, "transfer-encoding": "chunked" },
    });
    const parts = Array.from({ length: 20 }, () => randomBytes(50_000));
    for (const part of parts) request.write(part);
    request.end();
    expect((await answer).body.equals(Buffer.concat(parts))).toBe(true);
  });

  test("of an inference request is not touched by rails that find nothing", async () => {
    const body = '{ "messages": [ {"role":"user", "content":"caf\\u00e9 \\ud83d\\ude00"} ], "seed": 9007199254740993 }';
    const { bodyBase64 } = await echo("/p/main/echo/v1", { method: "POST", body });
    expect(Buffer.from(bodyBase64, "base64").toString()).toBe(body);
  });
});

describe("method, path and query", () => {
  test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "%s arrives as it is, its path in one spelling",
    async (method) => {
      const body = method === "GET" ? null : "x";
      const seen = await echo("/p/main//echo/a%20b/%c3%a9//%63?x=1&x=2&y=%2F&z", { method, body });
      expect(seen).toMatchObject({
        method,
        url: "/echo/a%20b/%C3%A9/c?x=1&x=2&y=%2F&z",
        bodyBytes: body === null ? 0 : 1,
      });
    },
  );

  test("HEAD gives the headers and no body", async () => {
    const response = await fleet.call("/p/main/echo", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("content-type")).toBe("application/json");
  });

  test("a declared route leads to the pool, whatever the method", async () => {
    expect(await echo("/score?k=3", { method: "PUT", body: "x" })).toMatchObject({
      method: "PUT",
      url: "/echo/score?k=3",
    });
  });

  test("a declared route may be open to who has no key, and is closed to who has a wrong one", async () => {
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(fleet.router.url + path, { method: "POST", headers, body: "{}" })).status;
    expect(await status("/open")).toBe(200);
    expect(await status("//open")).toBe(200);
    expect(await status("/open", { authorization: "Bearer no" })).toBe(401);
    expect(await status("/score")).toBe(401);
  });

  test("rails read every text on a path whose shape they do not know", async () => {
    const text = `the key is sk-${"abc1".repeat(5)}T3BlbkFJ${"xyz9".repeat(5)}`;
    const sent = await fetch(`${fleet.router.url}/p/main/echo`, {
      method: "POST",
      headers: { authorization: `Bearer ${fleet.key}`, "content-type": "application/json" },
      body: JSON.stringify({ question: text, n: 1 }),
    });
    expect(sent.status).toBe(200);
    expect(sent.headers.get("x-warmpath-rails")).toContain("secrets=redact");
  });

  test("another protocol than WebSocket is refused with a reason", async () => {
    const { answer } = rawCall(`${fleet.router.url}/p/main/echo`, {
      headers: { authorization: `Bearer ${fleet.key}`, connection: "Upgrade", upgrade: "h2c" },
      body: "",
    });
    const { status, body } = await answer;
    expect([status, body.toString()]).toEqual([400, expect.stringContaining("Upgrade: websocket")]);
  });
});

describe("what the endpoint sees of the request's headers", () => {
  test("the client's credentials, cookies and address stay here; what it means for the endpoint goes on", async () => {
    const dropped = {
      "x-api-key": "wp_something",
      cookie: "session=1",
      "x-forwarded-for": "1.2.3.4",
      "x-forwarded-host": "evil.example",
      forwarded: "for=1.2.3.4",
      "x-real-ip": "1.2.3.4",
      "x-warmpath-endpoint": "us-a",
      "x-warmpath-anything": "1",
      "proxy-authorization": "Basic x",
      "x-http-method-override": "DELETE",
      x_forwarded_for: "1.2.3.4",
      "x-request-id": "client-chosen",
      "x-custom-hop": "listed in Connection",
      "keep-alive": "timeout=5",
      connection: "x-custom-hop",
    };
    const { answer } = rawCall(`${fleet.router.url}/p/main/echo`, {
      headers: { ...dropped, authorization: `Bearer ${fleet.key}`, "x-tenant-hint": "kept", accept: "text/x" },
      body: "",
    });
    const { headers } = JSON.parse((await answer).body.toString()) as Echo;
    const leaked = Object.keys(dropped).filter((name) => !["x-request-id", "connection"].includes(name));
    expect(Object.keys(headers).filter((name) => leaked.includes(name))).toEqual([]);
    expect(headers).toMatchObject({
      authorization: `Bearer ${ENDPOINT_KEY}`,
      "x-tenant-hint": "kept",
      accept: "text/x",
      "x-warmpath-hop": "1",
      "x-request-id": expect.stringMatching(/^req_/),
    });
    expect(JSON.stringify(headers)).not.toContain(fleet.key);
  });

  test("an endpoint without a credential of its own gets none", async () => {
    await fleet.call("/p/rude/x");
    expect(seenByRude.authorization).toBeUndefined();
    expect(JSON.stringify(seenByRude)).not.toContain(fleet.key);
  });

  test("the caller's trace goes on with a step of our own", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const { headers } = await echo("/p/main/echo", { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
    expect(headers["traceparent"]).toMatch(new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
  });
});

describe("what the client sees of the answer's headers", () => {
  test("no cookie, no server, nothing in our name that we did not say", async () => {
    const response = await fleet.call("/p/rude/x");
    expect([response.status, await response.text()]).toEqual([200, "ok"]);
    for (const name of ["set-cookie", "server", "x-powered-by", "via", "location", "access-control-allow-origin"]) {
      expect([name, response.headers.get(name)]).toEqual([name, null]);
    }
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(response.headers.get("x-warmpath-endpoint")).toBe("rude");
    expect(response.headers.get("server-timing")).toMatch(/^router;/);
    expect(response.headers.get("x-custom")).toBe("is the client's");
    expect(response.headers.get("x-runpod-worker-id")).toBe("w-1");
  });

  test("a redirect is not followed, and does not show where it leads", async () => {
    const response = await fleet.call("/p/rude/moved", { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([307, null]);
  });
});
