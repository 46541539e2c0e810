/** Clients that hardly read what an endpoint sends as fast as it is taken. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { startWorkerd } from "../../../tools/cli/workerd.ts";
import type { Workerd } from "../../../tools/cli/workerd.ts";
import { startFleet } from "../../support/fleet.ts";
import { ask, watchFloor } from "../client.ts";
import type { Answered } from "../client.ts";
import { inParallel, judge, quantile, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";
import { residentMb } from "../growth.ts";

/** A Worker that hands on what it fetches and does nothing else: what it grows by, any Worker on this runtime does. */
const FLOOR_SCRIPT = "export default { fetch: (request, env) => fetch(env.UPSTREAM, request) };";

const ROUND_MS = 1_000;

/** Of a kilobyte: the buffers of sockets take some 8 MB of them. */
const STREAM_EVENTS = 40_000;

/** What the router may take of a stream beyond what that Worker takes for the same client, MB. */
const AHEAD_MB_MAX = 2;

/** R18 */
export const slowReaders: Experiment = {
  id: "R18",
  what: "readers at 1 KB/s of streams of 40 MB",
  threshold:
    "endpoints are held back; resident memory grows by 100 MB at most; first tokens of others at most 1.5 × (p99)",
  async run({ short }) {
    const [readers, rounds] = short ? [20, 3] : [200, 20];
    const flood = await startFlood();
    const plain = await startWorkerd({ script: FLOOR_SCRIPT, bindings: { UPSTREAM: flood.url } });
    const fleet = await startFleet({
      endpoints: [{ id: "us-a", region: "us-east", simulator: { engine: { ...ENGINE_PRESETS.fast, stepBaseMs: 2 } } }],
      morePools: {
        flood: {
          models: ["flood"],
          endpoints: [{ id: "flood", region: "us-east", backend: "openai", url: flood.url, concurrencyPerWorker: 256 }],
        },
      },
    });
    const { must, should, within, finding } = judge();
    try {
      const quiet = watchFloor(fleet);
      const before = await inParallel(60, 4, () => ask(fleet));
      const quietMs = await quiet.ends();
      const held = { key: fleet.key, readers, rounds, flood };
      const floorGrowth = await growthUnder(plain, held, async () => undefined);
      const floor = watchFloor(fleet);
      const during: Answered[] = [];
      const growth = await growthUnder(fleet.router, held, async () => {
        during.push(...(await inParallel(10, 4, () => ask(fleet))));
      });
      const floorMs = Math.max(0, (await floor.ends()) - quietMs);
      must(
        during.every(({ name }) => name === "ok"),
        `others saw ${tally(during.map(({ name }) => name))}`,
      );
      const figures = `${told(growth)}; a Worker that only fetches ${told(floorGrowth)}`;
      must(growth.takenMb - floorGrowth.takenMb <= AHEAD_MB_MAX, `read ahead of the clients: ${figures}`);
      should(growth.residentMb <= 100, `resident memory: ${figures}`);
      const [calm, busy] = [before, during].map((all) =>
        quantile(
          all.map(({ firstMs }) => firstMs),
          0.99,
        ),
      ) as [number, number];
      within(busy, Math.max(1.5 * calm, 20), "first byte of others, p99", floorMs);
      return finding(
        `${readers} readers for ${rounds} rounds: ${figures}; others' first byte p99 ${calm.toFixed(0)} → ${busy.toFixed(0)} ms (/livez +${floorMs.toFixed(0)})`,
      );
    } finally {
      await plain.kill();
      await fleet.close();
      flood.close();
    }
  },
};

type Held = {
  readonly key: string;
  readonly readers: number;
  readonly rounds: number;
  readonly flood: Flood;
};

/** `takenMb`: of each stream. */
type Growth = { readonly residentMb: number; readonly takenMb: number };

const told = ({ residentMb: grown, takenMb }: Growth): string =>
  `+${grown.toFixed(0)} MB, ${takenMb.toFixed(1)} MB taken of each stream`;

/** By how much a process grows at most under so many slow readers. A round is a second, and what `each` takes. */
async function growthUnder(
  server: Workerd,
  { key, readers, rounds, flood }: Held,
  each: () => Promise<void>,
): Promise<Growth> {
  const restMb = residentMb(server);
  const body = JSON.stringify({ model: "flood", stream: true, messages: [{ role: "user", content: "x" }] });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const begun = flood.begun() + readers;
  const sent = flood.sentBytes();
  const sockets = Array.from({ length: readers }, () => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(head + body);
    socket.pause();
    return socket;
  });
  try {
    await flood.hasBegun(begun);
    let mostMb = 0;
    for (let round = 0; round < rounds; round++) {
      const next = sleep(ROUND_MS);
      for (const socket of sockets) socket.read(1_024);
      await each();
      await next;
      mostMb = Math.max(mostMb, residentMb(server));
    }
    return { residentMb: mostMb - restMb, takenMb: (flood.sentBytes() - sent) / readers / 1_048_576 };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

type Flood = Awaited<ReturnType<typeof startFlood>>;

/** An endpoint that sends 40 MB of events as fast as they are taken. */
async function startFlood() {
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(1_000) }, finish_reason: null }] })}\n\n`;
  // Not how many are open: where the machine's own buffers take all of it, the first have ended before the last begin.
  let begun = 0;
  let sentBytes = 0;
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    if (request.method === "GET") return void response.end("ok");
    request.resume();
    begun += 1;
    for (const { count, resolve } of waiting) if (begun >= count) resolve();
    response.writeHead(200, { "content-type": "text/event-stream" });
    let left = STREAM_EVENTS;
    const more = (): void => {
      while (left > 0) {
        left -= 1;
        sentBytes += event.length;
        if (!response.write(event)) return void response.once("drain", more);
      }
      response.end("data: [DONE]\n\n");
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    begun: () => begun,
    sentBytes: () => sentBytes,
    hasBegun: async (count: number): Promise<void> => {
      if (begun < count) await new Promise<void>((resolve) => void waiting.push({ count, resolve }));
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
