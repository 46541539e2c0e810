/** What `npm run bench:dashboard` measures: a router with many endpoints, and requests that come at a steady pace. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Fleet, REGIONS, startFleet } from "../test/support/fleet.ts";

export type Stage = {
  readonly fleet: Fleet;
  readonly models: readonly string[];
  close(): Promise<void>;
};

const REGION_NAMES = Object.keys(REGIONS);

/** A pool has 64 at most. */
const POOL_ENDPOINTS = 50;

/** All endpoints are one process, under a path each: what is measured is the page. */
export async function startStage(bundlePath: string, endpoints: number): Promise<Stage> {
  const mock = fork(join(import.meta.dirname, "mock-endpoint.ts"));
  const [{ port }] = (await once(mock, "message")) as [{ readonly port: number }];
  const list = Array.from({ length: endpoints }, (_, at) => ({
    id: `gpu-${String(at + 1).padStart(3, "0")}`,
    region: REGION_NAMES[at % REGION_NAMES.length] ?? "",
    backend: "openai",
    url: `http://127.0.0.1:${port}/gpu-${at + 1}`,
    concurrencyPerWorker: 8,
  }));
  const pools = Array.from({ length: Math.ceil(endpoints / POOL_ENDPOINTS) }, (_, at) => ({
    endpoints: list.slice(at * POOL_ENDPOINTS, (at + 1) * POOL_ENDPOINTS),
  }));
  const [first, ...others] = pools;
  const morePools = Object.fromEntries(others.map((pool, at) => [`model-${at + 2}`, pool]));
  const fleet = await startFleet({ endpoints: [], pool: first ?? {}, morePools, bundlePath });
  return {
    fleet,
    models: [fleet.model, ...Object.keys(morePools)],
    async close() {
      await fleet.close();
      if (mock.connected) mock.disconnect();
    },
  };
}

export type Load = {
  /** Resolves when the last one has ended. */
  stop(): Promise<{ readonly served: number; readonly failed: number }>;
};

/** Streams of half a second, one begun every `1000 / perSecond` ms, to each pool and from each region in turn. */
export function startLoad({ fleet, models }: Stage, perSecond: number): Load {
  const counts = { served: 0, failed: 0 };
  const open = new Set<Promise<void>>();
  const startedAtMs = performance.now();
  let begun = 0;
  const send = async (at: number): Promise<void> => {
    try {
      const response = await fetch(`${fleet.router.url}/v1/chat/completions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${fleet.key}`,
          "content-type": "application/json",
          "x-warmpath-place": REGION_NAMES[at % REGION_NAMES.length] ?? "",
        },
        body: JSON.stringify({
          model: models[at % models.length],
          stream: true,
          mock_stream: { chunks: 10, intervalMs: 50 },
          messages: [{ role: "user", content: "hello" }],
        }),
      });
      await response.arrayBuffer();
      counts[response.ok ? "served" : "failed"] += 1;
    } catch {
      counts.failed += 1;
    }
  };
  // Those that a busy machine was late for are sent together: the pace holds.
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAtMs) / 1_000) * perSecond);
    for (; begun < due; begun += 1) {
      const one = send(begun).finally(() => open.delete(one));
      open.add(one);
    }
  }, 10);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      return counts;
    },
  };
}
