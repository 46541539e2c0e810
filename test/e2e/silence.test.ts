/**
 * Endpoints that fall silent: before the first token, in the midst of an answer, or before anything at all. What is
 * late is moved to where it is not and blamed on nobody; what has begun ends with an error; what is not there is left.
 */
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MOVE_AFTER_MS_DEFAULT } from "../../src/routing/core/endpoint/first-byte.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { chatStream, chatText, chunk, DONE } from "../support/output-stage.ts";
import { freshPlace } from "../support/openai.ts";
import { rawCall } from "../support/raw-client.ts";

/** An endpoint that begins its answers and goes on with them when the test says so. */
type Scripted = {
  readonly url: string;
  readonly waiting: ServerResponse[];
  /** Answers at once; else only what begins an answer. */
  isQuick: boolean;
  begins: string;
  /** Takes connections and answers nothing, its health path included. */
  isGone: boolean;
  close(): void;
};

async function startServer(begins: string): Promise<Scripted> {
  const waiting: ServerResponse[] = [];
  const server: Server = createServer((request, response) => {
    if (one.isGone) return;
    if (request.method === "GET") {
      response.writeHead(200, { "content-length": 2 }).end("{}");
      return;
    }
    request.resume().on("end", () => {
      if (one.begins !== "" || one.isQuick) response.writeHead(200, { "content-type": typeOf(one.begins) });
      if (one.isQuick) {
        response.end(chatStream(["quick"]));
        return;
      }
      waiting.push(response);
      if (one.begins !== "") response.write(one.begins);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const one: Scripted = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting,
    isQuick: false,
    begins,
    isGone: false,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return one;
}

const typeOf = (begins: string): string => (begins.startsWith("{") ? "application/json" : "text/event-stream");

const ROLE = chunk({ role: "assistant", content: "" });
const REST = chunk({ content: "late" }) + chunk({}, "stop") + DONE;

let fleet: Fleet;
const servers: Scripted[] = [];
const pools: Record<string, unknown> = {};

async function pool(id: string, begins: string, options: Readonly<Record<string, unknown>> = {}) {
  const pair = [await startServer(begins), await startServer(begins)] as const;
  servers.push(...pair);
  const endpoints = pair.map(({ url }, index) => ({
    id: `${id}-${index}`,
    region: index === 0 ? "us-east" : "eu-west",
    backend: "openai",
    url,
    concurrencyPerWorker: 16,
  }));
  pools[id] = { models: [id], patienceMs: 5_000, endpoints, ...options };
  return pair;
}

let pairs: Record<"moved" | "slow" | "stalls" | "reader" | "whole" | "gone", readonly [Scripted, Scripted]>;
beforeAll(async () => {
  pairs = {
    moved: await pool("moved", ROLE),
    slow: await pool("slow", `: waiting\n\n${ROLE}`),
    stalls: await pool("stalls", ROLE + chunk({ content: "half" }), { stallTimeoutMs: 500 }),
    reader: await pool("reader", ROLE + chunk({ content: "half" }), { stallTimeoutMs: READER_STALL_MS }),
    whole: await pool("whole", LONG_WHOLE.slice(0, -WHOLE_PIECES), { stallTimeoutMs: WHOLE_STALL_MS }),
    gone: await pool("gone", "", { connectTimeoutMs: 500 }),
  };
  fleet = await startFleet({ endpoints: [{ id: "us-a", region: "us-east" }], morePools: pools });
});
afterAll(async () => {
  await fleet.close();
  for (const server of servers) server.close();
});

const READER_STALL_MS = 500;
const WHOLE_STALL_MS = 500;
/** Pieces that come after the start of a long answer, one each fifth of the silence that is allowed. */
const WHOLE_PIECES = 12;
/** Too long to be read before it is passed on. */
const LONG_WHOLE = JSON.stringify({
  choices: [{ index: 0, message: { role: "assistant", content: "x".repeat(80_000) }, finish_reason: "stop" }],
});

const ask = (model: string) =>
  rawCall(`${fleet.router.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${fleet.key}`,
      "content-type": "application/json",
      "x-warmpath-place": freshPlace("us-east"),
    },
    body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "x" }] }),
  });
const endpoints = async (id: string) =>
  (await fleet.shards())
    .flatMap(({ status }) => status?.endpoints ?? [])
    .filter((endpoint) => endpoint.id.startsWith(`${id}-`));
const PATIENT_MS = 3 * MOVE_AFTER_MS_DEFAULT;

test.concurrent(
  "a role chunk and then nothing, with a good endpoint farther: the client is served there, and nobody is blamed",
  async () => {
    pairs.moved[1].isQuick = true;
    const { status, headers, body } = await ask("moved").answer;
    expect([status, headers["x-warmpath-endpoint"], chatText(body).text]).toEqual([200, "moved-1", "quick"]);
    const seen = await fleet.until(
      async () => endpoints("moved"),
      (all) => all.some(({ lateMs = 0 }) => lateMs > 0),
    );
    expect(seen.every(({ standing }) => standing === "admitting")).toBe(true);
  },
  PATIENT_MS,
);

test.concurrent(
  "first tokens that are late everywhere: every client is served, hardly anything is worked at twice, nobody is ejected",
  async () => {
    const { slow } = pairs;
    const clients = Array.from({ length: 6 }, async () => ask("slow").answer);
    await fleet.until(
      async () => endpoints("slow"),
      (all) => all.some(({ lateMs = 0 }) => lateMs > 0),
      PATIENT_MS,
    );
    const begun = () => slow[0].waiting.length + slow[1].waiting.length;
    // Whatever was moved is there by the time another request has been.
    await ask("moved").answer;
    expect(begun()).toBeLessThanOrEqual(12);
    for (const response of slow.flatMap(({ waiting }) => waiting)) response.end(REST);
    for (const { status, body } of await Promise.all(clients)) {
      expect([status, chatText(body).text, chatText(body).isDone]).toEqual([200, "late", true]);
    }
    expect((await endpoints("slow")).every(({ standing }) => standing === "admitting")).toBe(true);
  },
  PATIENT_MS,
);

test.concurrent("a stream that stops in the midst ends with an error, and its connection is closed", async () => {
  const [near] = pairs.stalls;
  const { status, body } = await ask("stalls").answer;
  expect([status, chatText(body)]).toMatchObject([200, { text: "half", isDone: true }]);
  expect(chatText(body).error).toMatchObject({ code: "upstream_timeout" });
  await fleet.until(
    async () => near.waiting.filter(({ destroyed }) => destroyed).length,
    (closed) => closed === 1,
  );
});

test.concurrent(
  "a client that does not read for longer than an endpoint may be silent gets the whole answer",
  async () => {
    // Whichever of the two it is sent to, also when the test is tried again.
    const known = new Set(pairs.reader.flatMap(({ waiting }) => waiting));
    const big = chunk({ content: "x".repeat(200_000) });
    const exchange = ask("reader");
    // From the first byte on: it may be here before this test has seen its endpoint begin.
    const { promise: paused, resolve } = Promise.withResolvers<void>();
    exchange.request.once("response", (answer) => {
      answer.pause();
      setTimeout(() => {
        answer.resume();
        resolve();
      }, 4 * READER_STALL_MS);
    });
    const [response] = await fleet.until(
      async () => pairs.reader.flatMap(({ waiting }) => waiting).filter((one) => !known.has(one)),
      (begun) => begun.length === 1,
    );
    // As fast as it is taken; the sockets between hold some of it.
    let sent = 0;
    const feed = setInterval(() => {
      if (response === undefined || response.writableNeedDrain) return;
      response.write(big);
      sent += 1;
    }, 10);
    await paused;
    clearInterval(feed);
    response?.end(REST);
    const { body } = await exchange.answer;
    const { text, error, isDone } = chatText(body);
    expect([error, isDone, text.length]).toEqual([null, true, "half".length + sent * 200_000 + "late".length]);
  },
  PATIENT_MS,
);

test.concurrent("an endpoint at which nothing answers any more is left, also by a whole answer", async () => {
  const [near, far] = pairs.gone;
  // Both are seen as well first.
  [near.isQuick, far.isQuick] = [true, true];
  expect((await ask("gone").answer).status).toBe(200);
  near.isGone = true;
  const { status, headers } = await ask("gone").answer;
  expect([status, headers["x-warmpath-endpoint"]]).toEqual([200, "gone-1"]);
});

test.concurrent("a long whole answer that comes slowly, and never falls silent, arrives whole", async () => {
  const asked = ask("whole").answer;
  const response = await fleet.until(
    async () => pairs.whole.flatMap(({ waiting }) => waiting)[0],
    (one) => one !== undefined,
  );
  for (const piece of LONG_WHOLE.slice(-WHOLE_PIECES)) {
    await new Promise((resolve) => setTimeout(resolve, WHOLE_STALL_MS / 5));
    response?.write(piece);
  }
  response?.end();
  const { status, body } = await asked;
  expect([status, body.toString() === LONG_WHOLE]).toEqual([200, true]);
});
