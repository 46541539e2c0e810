/** The shell of a shard over ports that a test holds in its hands: who waits is told as soon as it can be. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../src/lib/rng.ts";
import type { ViewSet } from "../../../src/routing/core/endpoint/endpoint-view.ts";
import { createShard, makeDigest } from "../../../src/routing/core/shard/shard.ts";
import type { SuspectKept } from "../../../src/routing/core/shard/poison.ts";
import { ShardHost } from "../../../src/routing/host/shard-host.ts";
import type { Kept, ShardPorts } from "../../../src/routing/host/shard-ports.ts";
import { acquireRequest, endpointSpec, EU, poolSpec, settlement } from "../core/shard/shard-fixture.ts";

const SLOTS = 4;
const WAIT_MS = 3_000;
const AP = { lat: 35.7, lon: 139.7 };
const POOL = poolSpec(
  [
    endpointSpec(),
    endpointSpec({ id: "e2", region: "eu", place: EU }),
    endpointSpec({ id: "e3", region: "ap", place: AP }),
  ],
  { queueWaitMsMax: WAIT_MS },
);

/** What another region's shard says: so many of its slots are taken. */
function digest(region: string, taken: number): ViewSet {
  const set = makeDigest(createShard(POOL, region, 1, 0), 0);
  return { ...set, views: set.views.map((view) => ({ ...view, inFlight: taken })) };
}

const NO_STORE: ShardPorts["store"] = {
  saveCheckpoint: () => undefined,
  saveDrained: () => undefined,
  saveDown: () => undefined,
  saveSuspects: () => undefined,
};
const NOTHING_KEPT: Kept = { epoch: 1, down: [], drained: [], checkpoints: [], suspects: [] };

/** A shard whose region is full, as are its peers as far as it has heard, and what it asked of the platform. */
function fullShard() {
  const timers: { dueMs: number; fn: () => void }[] = [];
  const asked = new Map<string, PromiseWithResolvers<ViewSet | null>>();
  const clock = { nowMs: 0 };
  const after = (ms: number, fn: () => void) => {
    timers.push({ dueMs: clock.nowMs + ms, fn });
    return () => undefined;
  };
  const ports: ShardPorts = {
    clock: { now: () => clock.nowMs, after },
    rng: seededRng(1),
    spawn: () => undefined,
    setAlarm: () => undefined,
    exchange: async (region) => {
      const answer = Promise.withResolvers<ViewSet | null>();
      asked.set(region, answer);
      return answer.promise;
    },
    probe: async () => null,
    wake: async () => undefined,
    store: NO_STORE,
    tell: async () => undefined,
  };
  const host = new ShardHost(ports, { pool: POOL, region: "us", kept: NOTHING_KEPT });
  for (const region of ["eu", "ap"]) host.exchange(digest(region, SLOTS));
  for (let i = 1; i <= SLOTS; i += 1) host.acquire(acquireRequest(`i-${i}`));
  /** Lets timers fire up to `ms` from the start. */
  const passTo = (ms: number): void => {
    for (let next = timers.shift(); next !== undefined; next = timers.shift()) {
      if (next.dueMs > ms) return void timers.unshift(next);
      clock.nowMs = next.dueMs;
      next.fn();
    }
  };
  return { host, asked, passTo };
}

/** A request that the shard holds; what it gets in the end. */
async function held(host: ShardHost): Promise<unknown> {
  expect(host.acquire(acquireRequest("i-5")).outcome).toMatchObject({ kind: "queued" });
  return host.awaitGrant("i-5");
}

const SPILLED = { kind: "spill", region: "eu", reason: "spill" };

describe("a held request", () => {
  test("leaves as soon as one peer has room, whether or not the others answer", async () => {
    const { host, asked } = fullShard();
    const outcome = held(host);
    expect([...asked.keys()]).toEqual(["eu", "ap"]);
    asked.get("eu")?.resolve(digest("eu", 0));
    expect(await outcome).toEqual(SPILLED);
  });

  test("leaves as soon as a peer says so by itself", async () => {
    const { host } = fullShard();
    const outcome = held(host);
    host.exchange(digest("eu", 0));
    expect(await outcome).toEqual(SPILLED);
  });

  test("leaves though another peer is away", async () => {
    const { host, asked } = fullShard();
    const outcome = held(host);
    asked.get("ap")?.reject(new Error("away"));
    asked.get("eu")?.resolve(digest("eu", 0));
    expect(await outcome).toEqual(SPILLED);
  });

  test("is refused when its time is up, though nobody calls any more", async () => {
    const { host, passTo } = fullShard();
    const outcome = held(host);
    passTo(WAIT_MS - 1);
    expect(host.state.queue.size).toBe(1);
    passTo(WAIT_MS);
    expect(await outcome).toMatchObject({ kind: "shed" });
    expect(host.state.queue.size).toBe(0);
  });
});

test("what nobody waits for is answered at once", async () => {
  const { host } = fullShard();
  expect(await host.awaitGrant("unknown")).toMatchObject({ kind: "shed" });
});

describe("what is known of requests that end endpoints", () => {
  const HOUR_MS = 3_600_000;

  /** A shard over what an earlier one has kept. */
  function shardOver(disk: { kept: readonly SuspectKept[]; writes: number }, clock: { nowMs: number }, epoch: number) {
    const ports: ShardPorts = {
      clock: { now: () => clock.nowMs, after: () => () => undefined },
      rng: seededRng(1),
      spawn: (work) => void spawned.push(work),
      setAlarm: () => undefined,
      exchange: async () => null,
      probe: async () => ({ kind: "failed", detail: "gone" }),
      wake: async () => undefined,
      store: {
        ...NO_STORE,
        saveSuspects: (suspects) => {
          disk.kept = JSON.parse(JSON.stringify(suspects)) as readonly SuspectKept[];
          disk.writes += 1;
        },
      },
      tell: async () => undefined,
    };
    const pool = poolSpec([endpointSpec()]);
    return new ShardHost(ports, { pool, region: "us", kept: { ...NOTHING_KEPT, epoch, suspects: disk.kept } });
  }

  const spawned: Promise<unknown>[] = [];

  /** An endpoint ends under the request, and the probe that this sets off finds it gone. */
  const dies = async (host: ShardHost, leaseId: string): Promise<void> => {
    const failure = { status: null, text: "reset" };
    host.report({ settled: [settlement({ leaseId, outcome: "failed", failure, suspect: "p" })], held: [] });
    await host.probeAll();
    await Promise.all(spawned.splice(0));
  };

  test("survives restarts between the kills, is refused after the third, and is forgotten with its hour", async () => {
    const disk = { kept: [] as readonly SuspectKept[], writes: 0 };
    const clock = { nowMs: 1_000 };
    for (const epoch of [1, 2, 3]) {
      const host = shardOver(disk, clock, epoch);
      expect(host.summary().poison.map(({ kills }) => kills)).toEqual(epoch === 1 ? [] : [epoch - 1]);
      await dies(host, `i-${epoch}`);
      clock.nowMs += 60_000;
    }
    const [suspect] = shardOver(disk, clock, 4).summary().poison;
    expect(suspect).toMatchObject({ request: "p", kills: 3, refusedForMs: 540_000 });
    expect(disk.writes).toBe(3);
    clock.nowMs += HOUR_MS;
    expect(shardOver(disk, clock, 5).summary().poison).toEqual([]);
  });

  test("stays cleared over a restart, by an operator's word or an answer", async () => {
    const disk = { kept: [] as readonly SuspectKept[], writes: 0 };
    const clock = { nowMs: 1_000 };
    const host = shardOver(disk, clock, 1);
    await dies(host, "i-1");
    clock.nowMs += 1_000;
    expect(host.pardon("p")).toBe(1);
    expect(shardOver(disk, clock, 2).summary().poison).toEqual([]);
  });
});
