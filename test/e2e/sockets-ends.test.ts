/** How WebSockets end: at their bounds, with their endpoint, with the router; and where they are led before they begin. */
import { mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { connect as tcp, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect, startSocketEndpoint, startSocketFleet } from "../support/socket-fleet.ts";
import type { SocketEndpoint } from "../support/socket-fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { LOG_ALL, recordOf } from "../support/records.ts";

const MIB = 1_048_576;

let endpoint: SocketEndpoint;
let fleet: Fleet | null = null;
const dirs: string[] = [];
beforeEach(async () => {
  endpoint = await startSocketEndpoint();
});
afterEach(async () => {
  await fleet?.close();
  fleet = null;
  await endpoint.kill();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

async function start(pool: object = {}, plan: object = {}, endpoints = [endpoint]): Promise<Fleet> {
  fleet = await startSocketFleet(endpoints, { ...pool }, { config: LOG_ALL, ...plan });
  return fleet;
}

const idle = async ({ until, liveLeases }: Fleet): Promise<void> =>
  void (await until(liveLeases, (live) => live === 0));

describe("bounds", () => {
  test("a message of messageBytesMax passes, and one byte more closes both sides", async () => {
    const router = await start({ sockets: { messageBytesMax: 1_000 } });
    const { socket, nth, closed } = await connect(router, "/p/sockets/echo");
    socket.send("é".repeat(500));
    expect(await nth(1)).toHaveLength(500);
    socket.send(`${"é".repeat(500)}x`);
    expect(await closed).toEqual({ code: 1009, reason: expect.stringContaining("sockets.messageBytesMax") });
    await idle(router);
    expect((await endpoint.seen()).closed.at(-1)).toEqual({ code: 1001, reason: "The client has gone." });
  });

  test("a message of the endpoint's that is too large is the endpoint's fault, in what the client is told", async () => {
    const router = await start({ sockets: { messageBytesMax: 1_023 } });
    const { socket, closed } = await connect(router, "/p/sockets/echo");
    socket.send("flood 1");
    expect(await closed).toEqual({ code: 1014, reason: expect.stringContaining("sockets.messageBytesMax") });
    await router.until(endpoint.seen, ({ closed: all }) => all.at(-1)?.code === 1009);
    await idle(router);
  });

  test("32 MiB pass where the pool allows them, and what is beyond them is 1009 by the platform's own bound", async () => {
    const router = await start({ sockets: { messageBytesMax: 32 * MIB, unheardBytesMax: 64 * MIB } });
    const { socket, nth, closed } = await connect(router, "/p/sockets/echo", [], { maxPayload: 64 * MIB });
    socket.send(Buffer.alloc(32 * MIB, 1));
    expect(await nth(1)).toHaveLength(32 * MIB);
    socket.send(Buffer.alloc(32 * MIB + 1, 1));
    expect((await closed).code).toBe(1009);
    await idle(router);
  });

  test("a socket on which nothing is said is closed after idleTimeoutMs, and one on which something is, is not", async () => {
    const router = await start({ sockets: { idleTimeoutMs: 700 } });
    const quiet = await connect(router, "/p/sockets/echo");
    const busy = await connect(router, "/p/sockets/echo");
    const ticking = setInterval(() => busy.socket.send("tick"), 100);
    expect(await quiet.closed).toEqual({ code: 1001, reason: expect.stringContaining("sockets.idleTimeoutMs") });
    expect(busy.socket.readyState).toBe(busy.socket.OPEN);
    clearInterval(ticking);
    expect((await busy.closed).reason).toContain("sockets.idleTimeoutMs");
    await idle(router);
    const record = await recordOf(router, String(quiet.headers["x-request-id"]));
    expect(record.outcome).toBe("expired");
  });

  test("a socket is closed after lifeMsMax, whatever is said on it", async () => {
    const router = await start({ sockets: { lifeMsMax: 600 } });
    const { socket, closed } = await connect(router, "/p/sockets/echo");
    const ticking = setInterval(() => socket.send("tick"), 50);
    expect(await closed).toEqual({ code: 1001, reason: expect.stringContaining("sockets.lifeMsMax") });
    clearInterval(ticking);
    await idle(router);
  });

  test("unheardBytesMax may be sent to a side without a word from it, and not one message more", async () => {
    const router = await start({ sockets: { unheardBytesMax: 65_536 } });
    const { socket, nth, heard, closed } = await connect(router, "/p/sockets/echo");
    socket.send("flood 64");
    await nth(64);
    // A word from the client: what was sent before is taken for read.
    socket.send("flood 64");
    await nth(128);
    socket.send("flood 65");
    expect(await closed).toEqual({ code: 1013, reason: expect.stringContaining("sockets.unheardBytesMax") });
    expect(heard).toHaveLength(192);
    await idle(router);
  });

  test("seventeen subprotocols are refused, sixteen are not", async () => {
    const router = await start();
    const names = Array.from({ length: 17 }, (_, index) => `p${index}`);
    await expect(connect(router, "/p/sockets/echo", names)).rejects.toThrow(/^400 .*PROTOCOLS_MAX/);
    await expect(connect(router, "/p/sockets/echo", names.slice(1))).rejects.toThrow("no subprotocol");
  });
});

describe("failures", () => {
  test("an endpoint that is killed in the middle is told as 1014, at once, and blamed", async () => {
    const router = await start();
    const { socket, nth, closed, headers } = await connect(router, "/p/sockets/echo");
    socket.send("hello");
    await nth(1);
    await endpoint.kill();
    expect(await closed).toEqual({ code: 1014, reason: expect.stringContaining("broke") });
    const record = await recordOf(router, String(headers["x-request-id"]));
    expect([record.outcome, record.reason]).toEqual(["upstream_failed", "upstream_cut"]);
  });

  test("a client that sends a frame of no known kind is gone, and its lease is settled", async () => {
    const router = await start();
    const socket = tcp(router.router.port, "127.0.0.1");
    const lines = ["GET /p/sockets/echo HTTP/1.1", "host: here", `authorization: Bearer ${router.key}`];
    const upgrade = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
    socket.write([...lines, ...upgrade, "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "", ""].join("\r\n"));
    const [head] = (await once(socket, "data")) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /);
    expect(await router.liveLeases()).toBe(1);
    socket.write(Buffer.from([0x83, 0x81, 0, 0, 0, 0, 0x61]));
    const { closed } = await router.until(endpoint.seen, (seen) => seen.closed.length > 0);
    expect(closed).toEqual([{ code: 1001, reason: "The client has gone." }]);
    await idle(router);
    socket.destroy();
  });

  test("an endpoint that sends what is no frame is told as 1014, and blamed", async () => {
    const router = await start();
    const { socket, closed, headers } = await connect(router, "/p/sockets/echo");
    socket.send("garble");
    expect((await closed).code).toBe(1014);
    const record = await recordOf(router, String(headers["x-request-id"]));
    expect([record.outcome, record.reason]).toEqual(["upstream_failed", "upstream_cut"]);
  });

  test("before the upgrade is answered another endpoint is asked", async () => {
    const other = await startSocketEndpoint();
    const gone = await startSocketEndpoint();
    await gone.kill();
    const router = await start({}, {}, [gone, other]);
    const { socket, headers, closed } = await connect(router, "/p/sockets/echo");
    expect(headers["x-warmpath-endpoint"]).toBe("s1");
    socket.close(1000);
    await closed;
    await other.kill();
  });

  test("an endpoint that does not speak WebSocket on /v1/realtime is a failed attempt", async () => {
    const router = await start({
      endpoints: [{ id: "plain", region: "eu-west", backend: "openai", url: await plainServer() }],
    });
    await expect(connect(router, "/v1/realtime?model=voice")).rejects.toThrow(/^502 /);
    await idle(router);
  });

  test("the router's own end by kill leaves no lease behind", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "warmpath-sockets-"));
    dirs.push(stateDir);
    const router = await start({ leaseTtlMs: 500 }, { stateDir });
    const { closed } = await connect(router, "/p/sockets/echo");
    expect(await router.liveLeases()).toBe(1);
    await router.crash();
    expect((await closed).code).toBe(1006);
    await idle(router);
    const again = await connect(router, "/p/sockets/echo");
    again.socket.close(1000);
    await again.closed;
  });

  test("an endpoint that an operator drains keeps its sockets and gets no new one", async () => {
    const router = await start();
    const { socket, nth } = await connect(router, "/p/sockets/echo");
    expect((await router.call("/admin/endpoints/s0/drain", { method: "POST" })).status).toBe(200);
    await expect(connect(router, "/p/sockets/echo")).rejects.toThrow(/^503 /);
    socket.send("still here");
    expect(await nth(1)).toBe("still here");
    socket.close(1000);
    await idle(router);
  });
});

describe("what is counted", () => {
  test("a socket is one of the requests that its tenant may have at once, until it ends", async () => {
    const tenants = { tests: { limits: { concurrency: 1, queueMax: 0 } } };
    const router = await start({}, { config: { ...LOG_ALL, tenants } });
    const first = await connect(router, "/p/sockets/echo");
    await expect(connect(router, "/p/sockets/echo")).rejects.toThrow(/^429 .*rate_limit_exceeded/);
    first.socket.close(1000);
    await idle(router);
    const opened = async () => connect(router, "/p/sockets/echo").catch(() => null);
    const second = await router.until(opened, (client) => client !== null);
    second?.socket.close(1000);
  });

  test("sockets hold slots: with all of them taken the next one is 429", async () => {
    const entry = { id: "s0", region: "eu-west", backend: "openai", url: endpoint.url, concurrencyPerWorker: 1 };
    const router = await start({ endpoints: [{ ...entry, queuesExcess: false }], queueWaitMsMax: 100 });
    const first = await connect(router, "/p/sockets/echo");
    await expect(connect(router, "/p/sockets/echo")).rejects.toThrow(/^429 .*saturated/);
    first.socket.close(1000);
    await idle(router);
  });
});

describe("guardrails", () => {
  test("a pool with rails refuses sockets, by their names and the option", async () => {
    const router = await start({ rails: { input: ["secrets"], output: ["pii"] } });
    const refused = connect(router, "/p/sockets/echo");
    await expect(refused).rejects.toThrow(/^400 .*secrets, output\.pii.*pools\.sockets\.rails\.sockets/);
    expect((await endpoint.seen()).asked).toEqual([]);
  });

  test("one that lets them pass unread records each rail as one that has not read", async () => {
    const router = await start({ rails: { input: ["secrets"], output: ["pii"], sockets: "unread" } });
    const { socket, headers, closed } = await connect(router, "/p/sockets/echo");
    expect(headers["x-warmpath-rails"]).toBe("secrets=rail_error;0;not_read");
    socket.close(1000);
    await closed;
    const { rails } = await recordOf(router, String(headers["x-request-id"]));
    expect(rails?.map(({ rail, stage, status }) => [stage, rail, status])).toEqual([
      ["input", "secrets", "unread"],
      ["output", "pii", "unread"],
    ]);
  });
});

test("the endpoint's own name for the model takes the place of the pool's", async () => {
  const entry = { id: "s0", region: "eu-west", backend: "openai", url: endpoint.url, model: "org/own-name" };
  const router = await start({ endpoints: [entry] });
  const { socket, nth, closed } = await connect(router, "/v1/realtime?model=voice&a=b");
  expect(await nth(1)).toContain('"model":"org/own-name"');
  socket.close(1000);
  await closed;
});

const servers: { close: () => void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers 200 to everything. */
async function plainServer(): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
