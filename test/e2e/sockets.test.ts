/** WebSockets through the router on raw workerd, with servers and clients of the `ws` package. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, startSocketEndpoint, startSocketFleet } from "../support/socket-fleet.ts";
import type { SocketEndpoint } from "../support/socket-fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { LOG_ALL, recordOf } from "../support/records.ts";

let endpoint: SocketEndpoint;
let fleet: Fleet;
beforeAll(async () => {
  endpoint = await startSocketEndpoint(["chosen", "realtime"]);
  fleet = await startSocketFleet([endpoint], {}, { config: LOG_ALL });
});
afterAll(async () => {
  await fleet.close();
  await endpoint.kill();
});

const idle = async (): Promise<void> => void (await fleet.until(fleet.liveLeases, (live) => live === 0));

describe("a socket to a path of a pool", () => {
  test("carries text as text and bytes as bytes, both ways, in order, also empty ones", async () => {
    const { socket, nth, heard, closed } = await connect(fleet, "/p/sockets/echo");
    socket.send("one");
    socket.send(Buffer.from([0, 1, 255]));
    socket.send("");
    socket.send(Buffer.alloc(0));
    socket.send("grüße 👋");
    expect(await nth(5)).toBe("grüße 👋");
    expect(heard.map(({ data, isBinary }) => [isBinary, data.toString("hex" as never)])).toEqual([
      [false, "one"],
      [true, "0001ff"],
      [false, ""],
      [true, ""],
      [false, "grüße 👋"],
    ]);
    socket.close(1000);
    await closed;
  });

  test("holds one lease from its handshake to its end", async () => {
    await idle();
    const one = await connect(fleet, "/p/sockets/echo");
    const other = await connect(fleet, "/p/sockets/echo");
    expect(await fleet.liveLeases()).toBe(2);
    one.socket.close(1000);
    await fleet.until(fleet.liveLeases, (live) => live === 1);
    other.socket.terminate();
    await idle();
  });

  test("says where it leads, and that it has an id", async () => {
    const { socket, headers, closed } = await connect(fleet, "/p/sockets/echo?a=1");
    expect(headers["x-warmpath-endpoint"]).toBe("s0");
    expect(headers["x-request-id"]).toMatch(/^req_/);
    expect((await endpoint.seen()).asked.at(-1)?.path).toBe("/echo?a=1");
    socket.close(1000);
    await closed;
  });

  test.each([
    ["close 4001 I am done", 4001, "I am done"],
    ["close 1000 fine", 1000, "fine"],
    ["close 1011 oh", 1011, "oh"],
    ["close 1013 later", 1013, "later"],
    ["close", 1005, ""],
  ])("the endpoint's %j is the client's close", async (words, code, reason) => {
    const { socket, closed } = await connect(fleet, "/p/sockets/echo");
    socket.send(words);
    expect(await closed).toEqual({ code, reason });
    await idle();
  });

  test.each([
    [4321, "tired"],
    [1001, "elsewhere"],
    [undefined, ""],
  ])("the client's close with %s is the endpoint's", async (code, reason) => {
    const { socket, closed } = await connect(fleet, "/p/sockets/echo");
    const before = (await endpoint.seen()).closed.length;
    if (code === undefined) socket.close();
    else socket.close(code, reason);
    await closed;
    const seen = await fleet.until(endpoint.seen, (now) => now.closed.length > before);
    expect(seen.closed.at(-1)).toEqual({ code: code ?? 1005, reason });
    await idle();
  });

  test("a client that vanishes is told to the endpoint as going away, and its lease is settled", async () => {
    const { socket } = await connect(fleet, "/p/sockets/echo");
    const before = (await endpoint.seen()).closed.length;
    socket.terminate();
    const seen = await fleet.until(endpoint.seen, (now) => now.closed.length > before);
    expect(seen.closed.at(-1)).toEqual({ code: 1001, reason: "The client has gone." });
    await idle();
  });

  test("the subprotocol is the endpoint's choice of what the client offers", async () => {
    const one = await connect(fleet, "/p/sockets/echo", ["other", "chosen"]);
    expect(one.socket.protocol).toBe("chosen");
    one.socket.close(1000);
    await one.closed;
  });

  test("a key among the subprotocols opens it, and goes no further", async () => {
    const secret = `openai-insecure-api-key.${fleet.key}`;
    const { socket, closed } = await connect(fleet, "/v1/realtime?model=voice", ["realtime", secret], {
      headers: { authorization: "" },
    });
    expect(socket.protocol).toBe("realtime");
    const { path, headers } = (await endpoint.seen()).asked.at(-1) ?? { path: "", headers: {} };
    expect([path, headers["sec-websocket-protocol"]]).toEqual(["/v1/realtime?model=voice", "realtime"]);
    expect(JSON.stringify(headers)).not.toContain(fleet.key);
    expect(fleet.router.output()).not.toContain(fleet.key);
    socket.close(1000);
    await closed;
  });

  test("a key that is not good is 401, whatever else is offered", async () => {
    const opening = connect(fleet, "/v1/realtime?model=voice", ["realtime", "openai-insecure-api-key.wp_no"], {
      headers: { authorization: "" },
    });
    await expect(opening).rejects.toThrow(/^401 .*invalid_api_key/);
  });

  test.each([
    ["/p/sockets/refuse/404", /^404 \{"error":"not"\}/],
    ["/p/sockets/refuse/500", /^500 \{"error":"not"\}/],
    ["/v1/realtime", /^400 .*Name a model/],
    ["/v1/realtime?model=nobody", /^404 .*model_not_found/],
    ["/p/none/echo", /^404 .*pool_not_found/],
    ["/p/main/v1/realtime", /^400 .*size, secrets.*pools\.main\.rails\.sockets/],
  ])("%s opens none and says why", async (path, said) => {
    await expect(connect(fleet, path)).rejects.toThrow(said);
    await idle();
  });

  test("without an upgrade the answer says what to ask", async () => {
    const response = await fleet.call("/v1/realtime?model=voice");
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("Upgrade: websocket")]);
  });

  test("is told as a request that was served, with the bytes both ways and what was counted on it", async () => {
    const { socket, nth, closed, headers } = await connect(fleet, "/v1/realtime?model=voice");
    expect(await nth(1)).toContain("session.created");
    const sent = JSON.stringify({ type: "response.create" });
    socket.send(sent);
    expect(await nth(6)).toContain("response.done");
    socket.send(sent);
    expect(await nth(11)).toContain("response.done");
    socket.close(1000);
    await closed;
    const record = await recordOf(fleet, String(headers["x-request-id"]));
    expect(record).toMatchObject({
      route: "/v1/realtime",
      outcome: "served",
      status: 101,
      model: "voice",
      tokens: { in: 12, cached: 4, out: 6 },
      bytes: { in: 2 * sent.length },
    });
    expect(record.bytes?.out).toBeGreaterThan(500);
    expect(record.attempts).toHaveLength(1);
  });
});
