/** Who comes to the door of a self-hosted router: connections that never send, requests that can be read in two ways, a restart. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../../support/fleet.ts";
import { rawCall } from "../../support/raw-client.ts";
import { startModelServer } from "../../support/model-server.ts";
import { startRecorder } from "../../support/recorder.ts";
import { endServed, startServe } from "../../support/serve.ts";
import { ask } from "../client.ts";
import { inParallel, judge, quantile, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 2 };

/** R19 */
export const slowloris: Experiment = {
  id: "R19",
  what: "connections that send half of a request's head and wait",
  threshold: "others are served, p99 at most 2 ×; closed within 10 s",
  async run({ short }) {
    const count = short ? 50 : 500;
    const fleet = await startFleet({ endpoints: [{ id: "us-a", region: "us-east", simulator: { engine } }] });
    const { must, within, finding } = judge();
    const sockets: Socket[] = [];
    try {
      const calm = await inParallel(100, 4, () => ask(fleet));
      let closed = 0;
      const openedAt = performance.now();
      const opening = Array.from({ length: count }, () => {
        const socket = connect(fleet.router.port, "127.0.0.1");
        sockets.push(socket);
        socket.on("error", () => {});
        socket.on("close", () => (closed += 1));
        return new Promise<void>((resolve) =>
          socket.once("connect", () =>
            socket.write("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n", () => resolve()),
          ),
        );
      });
      await Promise.all(opening);
      const busy = await inParallel(100, 4, () => ask(fleet));
      must(
        busy.every(({ name }) => name === "ok"),
        tally(busy.map(({ name }) => name)),
      );
      const [before, during] = [calm, busy].map((all) =>
        quantile(
          all.map(({ tookMs }) => tookMs),
          0.99,
        ),
      ) as [number, number];
      within(during, Math.max(2 * before, 50), "others, p99");
      if (!short) {
        await fleet.until(
          async () => closed,
          (sum) => sum === count,
          60_000,
        );
        within(performance.now() - openedAt, 10_000, "all of them closed, by workerd's own limit of 15 s");
      }
      return finding(`${count} open; others p99 ${before.toFixed(0)} → ${during.toFixed(0)} ms; ${closed} closed`);
    } finally {
      for (const socket of sockets) socket.destroy();
      await fleet.close();
    }
  },
};

/** Heads that two parsers read differently. `KEY` becomes the key; each is followed by a request of its own. */
const AMBIGUOUS: readonly (readonly [name: string, head: string])[] = [
  ["length and chunked", "content-length: 5\r\ntransfer-encoding: chunked\r\n"],
  ["two lengths", "content-length: 5\r\ncontent-length: 50\r\n"],
  ["a list of lengths", "content-length: 5, 50\r\n"],
  ["a signed length", "content-length: +5\r\n"],
  ["a length in hex", "content-length: 0x5\r\n"],
  ["a negative length", "content-length: -5\r\n"],
  ["a space before the colon", "content-length : 5\r\n"],
  ["a length on a folded line", "x: y\r\n content-length: 50\r\ncontent-length: 5\r\n"],
  ["an unknown coding", "transfer-encoding: xchunked\r\n"],
  ["chunked twice", "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"],
  ["chunked in quotes", 'transfer-encoding: "chunked"\r\n'],
  ["chunked and identity", "transfer-encoding: chunked, identity\r\n"],
  ["a tab before chunked", "transfer-encoding:\tchunked\r\n"],
  ["a vertical tab", "transfer-encoding: \x0bchunked\r\n"],
  ["a NUL in a value", "x: a\0b\r\ncontent-length: 5\r\n"],
  ["a bare CR", "x: a\rcontent-length: 50\r\ncontent-length: 5\r\n"],
  ["a bare LF", "x: a\ncontent-length: 5\r\n"],
  ["an empty name", ": x\r\ncontent-length: 5\r\n"],
];
const CHUNKS: readonly (readonly [name: string, body: string])[] = [
  ["a chunk size in 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a negative chunk", "-5\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size that is too long", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"],
  ["an extension with a bare LF", "5;x\nhello\r\n0\r\n\r\n"],
  ["no CRLF after a chunk", "5\r\nhello0\r\n\r\n"],
];

/**
 * R20: what workerd and the router make of them. A request behind an ambiguous one must never reach an endpoint: its
 * path is one that nobody else asks for.
 */
export const smuggling: Experiment = {
  id: "R20",
  what: "requests whose length can be read in two ways",
  threshold: "0 of the requests that hide behind them reach an endpoint",
  async run() {
    const recorder = await startRecorder();
    const fleet = await startFleet({
      endpoints: [],
      pool: { endpoints: [{ id: "recorder", region: "us-east", backend: "openai", url: recorder.url }] },
    });
    const { must, finding } = judge();
    const statuses: string[] = [];
    try {
      const start = `POST /p/main/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${fleet.key}\r\ncontent-type: application/json\r\n`;
      const hidden = `GET /p/main/smuggled HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${fleet.key}\r\n\r\n`;
      const cases = [
        ...AMBIGUOUS.map(([name, head]) => [name, `${start}${head}\r\n0\r\n\r\n`] as const),
        ...CHUNKS.map(([name, body]) => [name, `${start}transfer-encoding: chunked\r\n\r\n${body}`] as const),
      ];
      for (const [name, bytes] of cases) {
        const seen = recorder.seen.length;
        // The second request is a well-formed one's body or nothing at all, if both sides agree on where the first ends.
        const text = await exchange(fleet.router.port, `${bytes}${hidden}`);
        const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? "closed";
        statuses.push(status);
        const reachedBy = recorder.seen.slice(seen);
        const first = text.split("HTTP/1.1 ").length - 1;
        const smuggled = reachedBy.filter(({ url }) => url.includes("smuggled")).length;
        // One answer for the first and one for the second is two requests that everybody saw.
        must(smuggled === 0 || first >= 2, `${name}: a hidden request reached the endpoint behind ${first} answers`);
        const lengths = reachedBy.map(
          ({ headers }) => headers.filter((header) => /^(content-length|transfer-encoding)$/i.test(header)).length,
        );
        must(
          lengths.every((count) => count <= 1),
          `${name}: the endpoint was sent two lengths`,
        );
      }
      must(!statuses.includes("500"), "a malformed body is called a fault of the router");
      return finding(`${cases.length} heads and bodies: ${tally(statuses)}`);
    } finally {
      await fleet.close();
      recorder.close();
    }
  },
};

/** All that comes back until the other side closes, or is silent for a while. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(300, () => socket.destroy());
    socket.on("connect", () => socket.write(bytes, "latin1"));
    socket.on("data", (piece) => (text += piece.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}

/** R29 */
export const rollingDeploy: Experiment = {
  id: "R29",
  what: "the router is told to end while streams run, and another one takes its place",
  threshold: "0 streams are broken within the grace; the next process serves",
  async run({ short }) {
    const streams = short ? 10 : 100;
    const model = await startModelServer({ holds: true, words: ["warm", " path"] });
    const { must, finding } = judge();
    try {
      const pools = {
        main: {
          endpoints: [{ id: "a", region: "here", backend: "openai", url: model.url, concurrencyPerWorker: 256 }],
          // The model is silent while the second process starts, however long that takes here.
          stallTimeoutMs: 600_000,
        },
      };
      const first = await startServe({ pools });
      const call = (url: string, key: string) =>
        rawCall(`${url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body: JSON.stringify({ model: "main", stream: true, messages: [{ role: "user", content: "x" }] }),
        });
      const open = Array.from({ length: streams }, () => call(first.url, first.key));
      while (open.some((one) => one.received().length === 0)) await new Promise((resolve) => setTimeout(resolve, 10));
      // Before the first is told to end: the grace is for the streams, not for the start of another process.
      const second = await startServe({ pools, stateDir: `${first.stateDir}-next` });
      process.kill(first.nodePid, "SIGTERM");
      await first.says(/ends|ending|drain|open/i);
      model.goOn();
      const answers = await Promise.all(open.map((one) => one.answer));
      const whole = answers.filter(
        ({ whole: isWhole, body }) =>
          isWhole && body.toString().endsWith("data: [DONE]\n\n") && !body.includes('"error"'),
      );
      const next = call(second.url, second.key);
      while (next.received().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      model.goOn();
      must(whole.length === streams, `${streams - whole.length} of ${streams} streams were broken`);
      must((await next.answer).status === 200, "the next process does not serve");
      return finding(`${whole.length} of ${streams} streams ended whole; the next process serves`);
    } finally {
      await endServed();
      await model.close();
    }
  },
};
