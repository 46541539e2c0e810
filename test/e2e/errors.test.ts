/** What the router itself refuses: the status, a code for programs, and a message that says what to do. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { APIError, AuthenticationError, BadRequestError, NotFoundError } from "openai";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";
import { rawCall } from "../support/raw-client.ts";

const BODY_BYTES_MAX = 65_536;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east", simulator: { engine: ENGINE_PRESETS.fast } }],
    keys: [
      { id: "user", scopes: ["infer"] },
      { id: "ops", scopes: ["admin"] },
      { id: "old", expiresAt: "2020-01-31" },
      { id: "later", expiresAt: "2999-01-31" },
    ],
    config: { limits: { bodyBytesMax: BODY_BYTES_MAX }, cors: { allowOrigin: "https://app.example" } },
  });
});
afterAll(() => fleet.close());

type WireError = { error: { message: string; type: string; param: string | null; code: string } };

const json = { "content-type": "application/json" };
const chatBody = (changes: Record<string, unknown> = {}) =>
  JSON.stringify({ model: fleet.model, max_tokens: 1, messages: [{ role: "user", content: "x" }], ...changes });
const postChat = (body: string, headers: Record<string, string> = {}) =>
  fleet.call("/v1/chat/completions", { method: "POST", headers: { ...json, ...headers }, body });
/** A key that was good before its entry was taken out of the config. */
const revokedKey = () => fleet.key.replace("wp_test_", "wp_gone_");

type Case = readonly [
  name: string,
  call: () => Promise<Response>,
  expected: { readonly status: number; readonly code: string; readonly says: RegExp; readonly param?: string },
];

const cases: readonly Case[] = [
  [
    "no key",
    () => fetch(`${fleet.router.url}/v1/models`),
    { status: 401, code: "invalid_api_key", says: /Send it as/ },
  ],
  [
    "a wrong key",
    () => postChat(chatBody(), { authorization: `Bearer ${fleet.key.slice(0, -1)}!` }),
    { status: 401, code: "invalid_api_key", says: /Send it as: Authorization: Bearer/ },
  ],
  [
    "a revoked key",
    () => postChat(chatBody(), { authorization: `Bearer ${revokedKey()}` }),
    { status: 401, code: "invalid_api_key", says: /Send it as/ },
  ],
  [
    "an expired key",
    () => postChat(chatBody(), { authorization: `Bearer ${fleet.keyOf("old")}` }),
    { status: 401, code: "key_expired", says: /Ask the operator for a new one/ },
  ],
  [
    "a key without the admin scope",
    () => fleet.call("/admin/fleet", { headers: { authorization: `Bearer ${fleet.keyOf("user")}` } }),
    { status: 403, code: "forbidden", says: /it needs the scope "admin"/ },
  ],
  [
    "a key without the infer scope",
    () => postChat(chatBody(), { authorization: `Bearer ${fleet.keyOf("ops")}` }),
    { status: 403, code: "forbidden", says: /it needs the scope "infer"/ },
  ],
  [
    "an unknown model",
    () => postChat(chatBody({ model: "nobody-knows" })),
    {
      status: 404,
      code: "model_not_found",
      says: /No pool serves the model "nobody-knows"\. Models: test-model\./,
      param: "model",
    },
  ],
  [
    "an unknown pool",
    () => fleet.call("/p/nowhere/x"),
    { status: 404, code: "pool_not_found", says: /There is no pool "nowhere"\. Pools: main\./ },
  ],
  [
    "a stray percent sign",
    () => fleet.call("/p/%zz/x"),
    { status: 400, code: "invalid_request", says: /a percent sign stands before two hex digits/ },
  ],
  [
    "an unknown path",
    () => fleet.call("/nothing"),
    {
      status: 404,
      code: "not_found",
      says: /Nothing is served at \/nothing\. Served are \/v1\/chat\/completions, /,
    },
  ],
  [
    "a path that is nearly one",
    () => fleet.call("/openai/v1/chat/completions", { method: "POST", body: "{}" }),
    { status: 404, code: "not_found", says: /Did you mean \/v1\/chat\/completions\?/ },
  ],
  [
    "a path that only endpoints have",
    () => fleet.call("/v1/classify", { method: "POST", body: "{}" }),
    { status: 404, code: "not_found", says: /At a pool's endpoints it is reached as \/p\/\{pool\}\/v1\/classify\./ },
  ],
  [
    "a wrong method",
    () => fleet.call("/v1/chat/completions"),
    { status: 405, code: "method_not_allowed", says: /The Allow header lists/ },
  ],
  ["broken JSON", () => postChat('{"model": "x",}'), { status: 400, code: "invalid_json", says: /trailing comma/ }],
  ["an empty body", () => postChat(""), { status: 400, code: "invalid_json", says: /Check it/ }],
  ["a list", () => postChat("[1]"), { status: 400, code: "invalid_request", says: /must be a JSON object/ }],
  [
    "no model",
    () => postChat('{"messages":[]}'),
    { status: 400, code: "invalid_request", says: /model is required/, param: "model" },
  ],
  [
    "a stream that is not a boolean",
    () => postChat(chatBody({ stream: "yes" })),
    { status: 400, code: "invalid_request", says: /true or false/, param: "stream" },
  ],
  [
    "a request that came through a router",
    () => postChat(chatBody(), { "x-warmpath-hop": "1" }),
    { status: 508, code: "request_loop", says: /must correct its URL/ },
  ],
  [
    "a body beyond the limit",
    () => postChat(chatBody({ pad: "x".repeat(BODY_BYTES_MAX) })),
    { status: 413, code: "body_too_large", says: /larger than 65536 bytes .*Send a shorter request/ },
  ],
];

describe("a refusal says what is wrong and what to do", () => {
  test.each(cases)("%s", async (_, call, { status, code, says, param }) => {
    const response = await call();
    const text = await response.text();
    expect([response.status, text]).toEqual([status, expect.any(String)]);
    const { error } = JSON.parse(text) as WireError;
    expect(error).toMatchObject({ code, param: param ?? null });
    expect(error.message).toMatch(says);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(response.headers.get("request-id")).toBe(response.headers.get("x-request-id"));
    expect(response.headers.get("content-type")).toBe("application/json");
    // None of them may be retried unchanged.
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(response.headers.get("access-control-expose-headers")).toContain("x-request-id");
    expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
  });

  test("none of them reaches an endpoint or leaves a lease", async () => {
    expect(fleet.simulator("us-a").stats.requests).toBe(0);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  test("a wrong method is told the right one", async () => {
    expect((await fleet.call("/v1/chat/completions")).headers.get("allow")).toBe("POST");
  });

  test("a key that has not expired yet is good, also as x-api-key", async () => {
    const key = fleet.keyOf("later");
    const response = await fetch(`${fleet.router.url}/v1/models`, { headers: { "x-api-key": key } });
    expect(response.status).toBe(200);
  });
});

describe("the openai package raises its own errors", () => {
  const ask = (changes: Record<string, unknown> = {}, apiKey = fleet.key) =>
    openaiOf(fleet, { apiKey }).chat.completions.create({
      model: fleet.model,
      messages: [{ role: "user", content: "x" }],
      ...changes,
    });

  test.each([
    ["AuthenticationError", AuthenticationError, () => ask({}, revokedKey())],
    ["NotFoundError", NotFoundError, () => ask({ model: "nobody-knows" })],
    ["BadRequestError", BadRequestError, () => ask({ stream: 1 })],
  ])("%s", async (_, errorClass, call) => {
    const error: unknown = await call().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(errorClass);
    expect(error instanceof APIError ? error.requestID : null).toMatch(/^req_/);
  });

  test("413 with what the router says", async () => {
    const error: unknown = await ask({ user: "x".repeat(BODY_BYTES_MAX) }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 413, code: "body_too_large", message: expect.stringMatching(/shorter/) });
  });
});

describe("a body of unknown length", () => {
  const chunked = () =>
    rawCall(`${fleet.router.url}/v1/chat/completions`, {
      method: "POST",
      headers: { ...json, authorization: `Bearer ${fleet.key}`, "transfer-encoding": "chunked" },
    });

  test("is refused as soon as it is too long: the router does not wait for its end", async () => {
    const { request, answer, leave } = chunked();
    request.write(Buffer.alloc(BODY_BYTES_MAX + 1, 46));
    expect((await answer).status).toBe(413);
    leave("close");
  });

  test.each([
    ["at the limit is read", BODY_BYTES_MAX, 400],
    ["one byte beyond is not", BODY_BYTES_MAX + 1, 413],
  ])("%s", async (_, bytes, status) => {
    const { request, answer } = chunked();
    // Not JSON: what was read to its end is refused as that.
    for (let left = bytes; left > 0; left -= 8_192) request.write(Buffer.alloc(Math.min(8_192, left), 46));
    request.end();
    expect((await answer).status).toBe(status);
  });

  test.each([
    ["at the limit is read", BODY_BYTES_MAX, 400],
    ["one byte beyond is not", BODY_BYTES_MAX + 1, 413],
  ])("and of a declared one: %s", async (_, bytes, status) => {
    expect((await postChat(".".repeat(bytes))).status).toBe(status);
  });
});

describe("a browser", () => {
  test("may ask first", async () => {
    const response = await fetch(`${fleet.router.url}/v1/chat/completions`, {
      method: "OPTIONS",
      headers: { origin: "https://app.example", "access-control-request-method": "POST" },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(response.headers.get("access-control-allow-methods")).toContain("POST");
    // `*` does not cover Authorization in any browser.
    expect(response.headers.get("access-control-allow-headers")).toBe("*, authorization");
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  });

  test("may read the headers that explain a served answer", async () => {
    const response = await postChat(chatBody());
    const exposed = response.headers.get("access-control-expose-headers") ?? "";
    for (const name of ["x-request-id", "x-warmpath-endpoint", "server-timing", "retry-after"]) {
      expect(exposed).toContain(name);
    }
    expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
  });
});

describe("health", () => {
  test.each(["/livez", "/readyz", "/ping"])("%s needs no key", async (path) => {
    const response = await fetch(fleet.router.url + path);
    expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  });
});
