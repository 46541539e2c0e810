/** What the router does without its shards: they restart with requests in flight, they throw, they do not answer. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildWorker } from "../../tools/cli/build.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet, FleetPlan } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";

const LEASE_TTL_MS = 3_000;
const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 10 };

const dir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let fleet: Fleet | null = null;
afterEach(async () => {
  await fleet?.close();
  fleet = null;
});

async function start(changes: Partial<FleetPlan> = {}): Promise<Fleet> {
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator: { engine } },
      { id: "eu-a", region: "eu-west", simulator: { engine } },
    ],
    ...changes,
    pool: { patienceMs: 2_000, leaseTtlMs: LEASE_TTL_MS, ...changes.pool },
  });
  return fleet;
}

const restart = (router: Fleet, region = "us-east") =>
  router.call(`/admin/shards/main/${region}/restart`, { method: "POST" });

async function usShard(router: Fleet) {
  const status = (await router.shards()).find(({ name }) => name === "pool:main:us-east")?.status;
  const endpoint = status?.endpoints[0];
  return {
    epoch: status?.epoch ?? 0,
    live: status?.liveLeases ?? -1,
    queued: status?.queued ?? -1,
    inFlight: endpoint?.inFlight ?? -1,
  };
}

/** A stream that is read to its end; `read` tells how much has come. */
async function openStream(router: Fleet, maxTokens: number) {
  const leaving = new AbortController();
  const response = await router.chat({ stream: true, maxTokens, signal: leaving.signal });
  let text = "";
  const ended = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    return text;
  })();
  ended.catch(() => {});
  return { status: response.status, ended, read: () => text.length, leave: () => leaving.abort() };
}

describe("a shard that restarts with requests in flight", () => {
  test("no stream ends, and in-flight is right again within one lease lifetime", async () => {
    const router = await start();
    const streams = await Promise.all(Array.from({ length: 5 }, () => openStream(router, 30_000)));
    const before = await router.until(
      () => usShard(router),
      ({ live }) => live === 5,
    );
    await restart(router);
    const after = await usShard(router);
    expect(after.epoch).toBe(before.epoch + 1);
    const read = streams.map((stream) => stream.read());
    // The holders say that they hold them: every lease is there again, once, before any of them could have expired.
    await router.until(
      () => usShard(router),
      ({ live, inFlight }) => live === 5 && inFlight === 5,
      LEASE_TTL_MS,
    );
    await router.until(
      async () => streams.every((stream, index) => stream.read() > (read[index] ?? 0)),
      (allGoOn) => allGoOn,
    );
    for (const stream of streams) stream.leave();
    await router.until(
      () => usShard(router),
      ({ live, inFlight }) => live === 0 && inFlight === 0,
    );
  });

  test("streams that run across several restarts end whole, and requests between them are served", async () => {
    const router = await start();
    const streams = await Promise.all(Array.from({ length: 4 }, () => openStream(router, 150)));
    for (let round = 0; round < 5; round++) {
      const [, ...answers] = await Promise.all([
        restart(router),
        ...Array.from({ length: 6 }, () => router.chat({ place: freshPlace("us-east"), maxTokens: 1 })),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    }
    for (const { ended } of streams) {
      const text = await ended;
      expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
      expect(text).not.toContain('"error"');
    }
    await router.until(router.liveLeases, (leases) => leases === 0, LEASE_TTL_MS + 2_000);
  });

  test("a request in its queue is served all the same", async () => {
    const router = await start({
      endpoints: [{ id: "us-a", region: "us-east", simulator: { engine }, config: { concurrencyPerWorker: 1 } }],
    });
    const holder = await openStream(router, 30_000);
    const waiting = router.chat({ maxTokens: 1 });
    await router.until(
      () => usShard(router),
      ({ queued }) => queued === 1,
    );
    await restart(router);
    expect((await waiting).status).toBe(200);
    holder.leave();
    await router.until(router.liveLeases, (leases) => leases === 0);
  });
});

describe("a router that is killed and started again on the same state", () => {
  test("serves at once, counts nothing twice, and its shards know that they are new", async () => {
    const router = await start({ stateDir: join(dir, "state") });
    const streams = await Promise.all(Array.from({ length: 3 }, () => openStream(router, 30_000)));
    const before = await router.until(
      () => usShard(router),
      ({ live }) => live === 3,
    );
    await router.crash();
    expect((await router.chat({ maxTokens: 1 })).status).toBe(200);
    // The endpoint stops working for clients of a process that is gone.
    await router.until(
      async () => router.simulator("us-a").stats.activeRequests,
      (active) => active === 0,
    );
    const after = await router.until(
      () => usShard(router),
      ({ live }) => live === 0,
    );
    expect(after.epoch).toBe(before.epoch + 1);
    for (const { ended } of streams) await expect(ended).rejects.toThrow();
  });
});

describe.each(["throw", "hang"] as const)("shards that cannot be reached (%s)", (how) => {
  const bundlePath = join(dir, "worker.js");
  beforeAll(async () => {
    await buildWorker({ entry: join(import.meta.dirname, "../objects/broken-shard.ts"), outfile: bundlePath });
  });
  const startBroken = (fromStart: boolean) =>
    start({
      bundlePath,
      bindings: { SHARD_FAULT: how, SHARD_BROKEN: fromStart ? "1" : "0" },
      pool: { patienceMs: 50 },
    });

  test("from the first request on: the configuration decides, and the nearest endpoint serves", async () => {
    const router = await startBroken(true);
    for (const [place, endpointId] of [
      ["us-east", "us-a"],
      ["eu-west", "eu-a"],
    ] as const) {
      const response = await router.chat({ place, stream: true });
      expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
      expect(response.headers.get("x-warmpath-endpoint")).toBe(endpointId);
      expect(response.headers.get("x-warmpath-reason")).toBe("static");
    }
    expect((await fetch(`${router.router.url}/readyz`)).status).toBe(200);
  });

  test("an endpoint that fails meanwhile is still replaced once", async () => {
    const router = await startBroken(true);
    router.simulator("us-a").setFault({ kind: "reset", times: 1 });
    const response = await router.chat();
    expect(response.status).toBe(200);
    expect(response.headers.get("x-warmpath-endpoint")).toBe("eu-a");
    expect(response.headers.get("x-warmpath-attempts")).toBe("2");
  });

  test("more requests than slots are not refused: the endpoint's own admission decides", async () => {
    const router = await startBroken(true);
    const answers = await Promise.all(Array.from({ length: 40 }, () => router.chat({ maxTokens: 2 })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  test("lost while a stream runs: it goes on, others are routed by the last snapshot, and all is counted again", async () => {
    const router = await startBroken(false);
    const stream = await openStream(router, 30_000);
    await router.until(
      () => usShard(router),
      ({ live }) => live === 1,
    );
    await restart(router);
    // Credits of the sound shard are spent first; then the snapshot decides.
    const reasonNow = async () => {
      const response = await router.chat({ maxTokens: 1 });
      return `${response.status} ${response.headers.get("x-warmpath-reason")}`;
    };
    await router.until(reasonNow, (reason) => reason === "200 snapshot");
    const read = stream.read();
    await router.until(
      async () => stream.read(),
      (bytes) => bytes > read,
    );
    await restart(router);
    await router.until(reasonNow, (reason) => reason === "200 nearest_warm");
    await router.until(
      () => usShard(router),
      ({ live }) => live === 1,
    );
    stream.leave();
    await router.until(
      () => usShard(router),
      ({ live }) => live === 0,
      LEASE_TTL_MS + 2_000,
    );
  });

  test("operators are told which shards are away", async () => {
    const router = await startBroken(false);
    await restart(router, "eu-west");
    const shards = await router.shards();
    expect(shards.map(({ name, reachable }) => [name, reachable])).toEqual([
      ["pool:main:us-east", true],
      ["pool:main:eu-west", false],
    ]);
  });
});
