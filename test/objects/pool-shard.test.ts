import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { AcquireRequest, Grant, LeaseConfirmation } from "../../src/routing/core/shard-messages.ts";
import type { Report, Settlement } from "../../src/routing/core/shard-messages.ts";
import { CHECKPOINT_MS, TICK_IDLE_MS } from "../../src/routing/host/shard-host.ts";
import type { ShardEnv } from "../../src/routing/object/pool-shard.ts";
import { loadParts } from "./load-parts.ts";

const { POOL_SHARD } = env as unknown as ShardEnv;

const US = { lat: 39.0, lon: -77.5 };
const EU = { lat: 50.1, lon: 8.7 };
/** The defaults of the pool in `fixture.jsonc`. */
const LEASE_TTL_MS = 30_000;
const START_MS = Date.UTC(2026, 10, 1);

/** Endpoints answer their probes; no test has a network. */
let probed: string[] = [];
beforeAll(loadParts);
beforeEach(() => {
  probed = [];
  vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    probed.push(input instanceof Request ? input.url : String(input));
    return new Response("");
  });
});
afterEach(async () => {
  await reset();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const shardOf = (name: string) => POOL_SHARD.getByName(name);
const usShard = () => shardOf("pool:llama-test:us-east");
const euShard = () => shardOf("pool:llama-test:eu-west");
type Shard = ReturnType<typeof usShard>;

const NOTHING: Report = { settled: [], held: [] };
const ask = (leaseId: string, changes: Partial<AcquireRequest> = {}): AcquireRequest => ({
  leaseId,
  client: US,
  clientKey: "39,-78",
  inputTokens: 10,
  excluded: [],
  hop: 0,
  recentPerSecond: 0,
  ahead: false,
  wantsSnapshot: false,
  explain: false,
  carry: NOTHING,
  ...changes,
});

async function granted(shard: Shard, leaseId: string, changes: Partial<AcquireRequest> = {}): Promise<Grant> {
  const { outcome } = await shard.acquire(ask(leaseId, changes));
  if (outcome.kind !== "granted") throw new Error(`${leaseId} was answered ${outcome.kind}`);
  return outcome.grant;
}

const served = ({ leaseId, endpointId, epoch, inFlightAtGrant }: Grant): Settlement => ({
  leaseId,
  endpointId,
  epoch,
  inFlightAtGrant,
  outcome: "served",
  heldMs: 100,
  ttftMs: null,
  headersMs: null,
  clientKey: "39,-78",
  inputTokens: 10,
});
const heldOf = ({ leaseId, endpointId, epoch, capMs }: Grant): LeaseConfirmation => ({
  leaseId,
  endpointId,
  epoch,
  capLeftMs: capMs,
});

async function statusOf(shard: Shard) {
  const status = await shard.status(false);
  if (status === null) throw new Error("the shard has no state");
  return { epoch: status.epoch, live: status.liveLeases, queued: status.queued, endpoints: status.endpoints };
}
const inFlight = async (shard: Shard, endpointId: string) =>
  (await statusOf(shard)).endpoints.find(({ id }) => id === endpointId)?.inFlight;

describe("messages may arrive twice, late, or for something that is over", () => {
  test("the same acquire twice is one lease, on the same endpoint", async () => {
    const first = await granted(usShard(), "i-1");
    const second = await granted(usShard(), "i-1");
    expect(second.endpointId).toBe(first.endpointId);
    expect((await statusOf(usShard())).live).toBe(1);
  });

  test("the same settlement twice ends one lease, and the other one stays", async () => {
    const [first] = [await granted(usShard(), "i-1"), await granted(usShard(), "i-2")];
    for (let times = 0; times < 2; times++) await usShard().report({ settled: [served(first)], held: [] });
    expect((await statusOf(usShard())).live).toBe(1);
  });

  test("neither an acquire nor a renewal brings a settled lease back", async () => {
    const grant = await granted(usShard(), "i-1");
    await usShard().report({ settled: [served(grant)], held: [heldOf(grant)] });
    await usShard().report({ settled: [], held: [heldOf(grant)] });
    expect((await usShard().acquire(ask("i-1"))).outcome.kind).toBe("shed");
    expect((await statusOf(usShard())).live).toBe(0);
  });

  test("a settlement that overtakes its acquire wins", async () => {
    const grant = await granted(usShard(), "i-1");
    await usShard().report({ settled: [served({ ...grant, leaseId: "i-2" })], held: [] });
    expect((await usShard().acquire(ask("i-2"))).outcome.kind).toBe("shed");
    expect((await statusOf(usShard())).live).toBe(1);
  });

  test("a lease whose holder is silent ends by itself, and one that is renewed does not", async () => {
    const silent = await granted(usShard(), "i-1");
    const renewed = await granted(usShard(), "i-2");
    vi.setSystemTime(START_MS + LEASE_TTL_MS - 1);
    await usShard().report({ settled: [], held: [heldOf(renewed)] });
    expect((await statusOf(usShard())).live).toBe(2);
    vi.setSystemTime(START_MS + LEASE_TTL_MS);
    expect((await statusOf(usShard())).live).toBe(1);
    await usShard().report({ settled: [], held: [heldOf(silent)] });
    expect((await statusOf(usShard())).live).toBe(1);
  });

  test.each([
    ["of a pool that is not in the config", "pool:nobody:us-east"],
    ["of a name that is no shard's", "something"],
  ])("a shard %s answers, and holds nothing", async (_, name) => {
    const shard = shardOf(name);
    expect((await shard.acquire(ask("i-1"))).outcome).toEqual({ kind: "no_endpoint" });
    expect(await shard.status(true)).toBeNull();
    expect(await shard.exchange({ epoch: 1, region: "eu-west", views: [] })).toBeNull();
    expect((await shard.awaitGrant("i-1")).kind).toBe("shed");
    await shard.report(NOTHING);
  });
});

describe("eviction with leases out", () => {
  test("memory is lost, the epoch is not, and holders re-create what they hold", async () => {
    const grants = [];
    for (const leaseId of ["i-1", "i-2", "i-3"]) grants.push(await granted(usShard(), leaseId));
    expect(await statusOf(usShard())).toMatchObject({ epoch: 1, live: 3 });
    await evictDurableObject(usShard());
    expect(await statusOf(usShard())).toMatchObject({ epoch: 2, live: 0 });
    for (let times = 0; times < 2; times++) await usShard().report({ settled: [], held: grants.map(heldOf) });
    expect((await statusOf(usShard())).live).toBe(3);
    await usShard().report({ settled: grants.map(served), held: [] });
    expect((await statusOf(usShard())).live).toBe(0);
  });

  test("a settlement from before it is taken, and a renewal after that is not", async () => {
    const grant = await granted(usShard(), "i-1");
    await evictDurableObject(usShard());
    await usShard().report({ settled: [served(grant)], held: [] });
    await usShard().report({ settled: [], held: [heldOf(grant)] });
    expect((await statusOf(usShard())).live).toBe(0);
  });

  test("every incarnation has a higher epoch", async () => {
    const epochs = [];
    for (let round = 0; round < 4; round++) {
      epochs.push((await statusOf(usShard())).epoch);
      await evictDurableObject(usShard());
    }
    expect(epochs).toEqual([1, 2, 3, 4]);
  });

  test("the checkpoint stands in for what was in flight, shrinks with each holder, and fades within one lease", async () => {
    const grants = [];
    for (const leaseId of ["i-1", "i-2", "i-3", "i-4"])
      grants.push(await granted(usShard(), leaseId, { excluded: ["us-b"] }));
    await runDurableObjectAlarm(usShard());
    await evictDurableObject(usShard());
    expect(await inFlight(usShard(), "us-a")).toBe(4);
    const [first] = grants;
    if (first === undefined) throw new Error("four were granted");
    // Adopted: one lease more, one of the estimate less.
    await usShard().report({ settled: [], held: [heldOf(first)] });
    expect(await statusOf(usShard())).toMatchObject({ live: 1 });
    expect(await inFlight(usShard(), "us-a")).toBe(4);
    vi.setSystemTime(START_MS + LEASE_TTL_MS / 2);
    expect(await inFlight(usShard(), "us-a")).toBe(3);
    vi.setSystemTime(START_MS + LEASE_TTL_MS);
    expect(await inFlight(usShard(), "us-a")).toBe(0);
  });

  test("a checkpoint older than a lease says nothing", async () => {
    await granted(usShard(), "i-1", { excluded: ["us-b"] });
    await runDurableObjectAlarm(usShard());
    vi.setSystemTime(START_MS + LEASE_TTL_MS);
    await evictDurableObject(usShard());
    expect(await inFlight(usShard(), "us-a")).toBe(0);
  });

  test("the registry is the config's again, and what registered itself stays", async () => {
    await usShard().status(false);
    await runInDurableObject(usShard(), (_, { storage }) => {
      storage.sql.exec(
        `INSERT INTO endpoint (id, source, spec) VALUES ('gone', 'config', '{}'), ('guest', 'registration', '{}')`,
      );
      storage.sql.exec(`DELETE FROM endpoint WHERE id = 'us-b'`);
    });
    await evictDurableObject(usShard());
    await usShard().status(false);
    const rows = await runInDurableObject(usShard(), (_, { storage }) =>
      storage.sql.exec<{ id: string; source: string }>(`SELECT id, source FROM endpoint ORDER BY id`).toArray(),
    );
    expect(rows).toEqual([
      { id: "guest", source: "registration" },
      { id: "us-a", source: "config" },
      { id: "us-b", source: "config" },
    ]);
  });
});

describe("the alarm", () => {
  const alarmOf = (shard: Shard) => runInDurableObject(shard, (_, { storage }) => storage.getAlarm());
  /** When the alarm was last set to, by this clock and not the runtime's; null: it was not set since. */
  async function watchAlarm(shard: Shard): Promise<() => number | null> {
    const set = await runInDurableObject(shard, (_, { storage }) => vi.spyOn(storage, "setAlarm"));
    return () => {
      const last = set.mock.calls.at(-1)?.[0] ?? null;
      set.mockClear();
      return last === null ? null : Number(last) - START_MS;
    };
  }

  test("is set by the first request, and sets itself again while there is traffic", async () => {
    await granted(usShard(), "i-1");
    expect(await alarmOf(usShard())).toBeGreaterThan(START_MS);
    expect(await runDurableObjectAlarm(usShard())).toBe(true);
    expect(await alarmOf(usShard())).toBeGreaterThan(START_MS);
  });

  test("probes every endpoint of the region and no other", async () => {
    await granted(usShard(), "i-1");
    // One that is still being probed is left out of a round.
    for (const afterMs of [5_000, 10_000]) {
      vi.setSystemTime(START_MS + afterMs);
      await runDurableObjectAlarm(usShard());
    }
    expect([...new Set(probed)].sort()).toEqual(["http://127.0.0.1:9101/health", "http://127.0.0.1:9102/health"]);
  });

  /** A minute after its last request. */
  async function goneIdle(shard: Shard, changes: Partial<AcquireRequest> = {}): Promise<void> {
    const grant = await granted(shard, "i-1", changes);
    await shard.report({ settled: [served(grant)], held: [] });
    vi.setSystemTime(START_MS + 60_000);
    await runDurableObjectAlarm(shard);
    probed = [];
  }

  test("is slow when nothing has come for a minute, and looks at what keeps a GPU worker alone", async () => {
    const setTo = await watchAlarm(usShard());
    await goneIdle(usShard());
    expect(setTo()).toBe(60_000 + TICK_IDLE_MS);
    vi.setSystemTime(START_MS + 60_000 + TICK_IDLE_MS);
    await runDurableObjectAlarm(usShard());
    expect(probed).toEqual(["http://127.0.0.1:9101/health"]);
    expect(setTo()).toBe(60_000 + 2 * TICK_IDLE_MS);
  });

  test("stays unset when nothing has come for a minute and an operator keeps out what would be looked at", async () => {
    const grant = await granted(usShard(), "i-1");
    await usShard().report({ settled: [served(grant)], held: [] });
    await usShard().drain("us-a", true);
    vi.setSystemTime(START_MS + 60_000);
    await runDurableObjectAlarm(usShard());
    expect(await alarmOf(usShard())).toBeNull();
  });

  test("finds within a minute that an endpoint of an idle pool is gone, also when it is evicted meanwhile", async () => {
    const setTo = await watchAlarm(euShard());
    await goneIdle(euShard(), { client: EU, hop: 1 });
    vi.mocked(globalThis.fetch).mockRejectedValue(new Error("refused"));
    vi.setSystemTime(START_MS + 60_000 + TICK_IDLE_MS);
    await runDurableObjectAlarm(euShard());
    const again = setTo() ?? Number.POSITIVE_INFINITY;
    expect(again).toBeLessThan(60_000 + 60_000);
    vi.setSystemTime(START_MS + again);
    await runDurableObjectAlarm(euShard());
    const standings = async () => (await statusOf(euShard())).endpoints.map(({ standing }) => standing);
    expect(await standings()).toEqual(["down"]);
    // One more look soon, and then not one a second for as long as it is gone.
    const last = setTo() ?? 0;
    vi.setSystemTime(START_MS + last);
    await runDurableObjectAlarm(euShard());
    expect(setTo()).toBe(last + TICK_IDLE_MS);
    await evictDurableObject(euShard());
    expect(await standings()).toEqual(["down"]);
  });

  test("is soon again with the first request", async () => {
    await goneIdle(usShard());
    const setTo = await watchAlarm(usShard());
    await granted(usShard(), "i-2");
    expect(setTo()).toBeLessThanOrEqual(60_000 + 5_000);
  });

  test("survives a probe that fails, and the next one", async () => {
    vi.mocked(globalThis.fetch).mockRejectedValue(new Error("no route"));
    await granted(usShard(), "i-1");
    for (const afterMs of [1_000, 2_000, 3_000]) {
      vi.setSystemTime(START_MS + afterMs);
      expect(await runDurableObjectAlarm(usShard())).toBe(true);
    }
    expect(await alarmOf(usShard())).toBeGreaterThan(START_MS);
    expect((await statusOf(usShard())).endpoints.map(({ standing }) => standing)).toEqual(["down", "down"]);
    // Nothing else is left: better to try one that looked down than to refuse.
    expect((await granted(usShard(), "i-2", { hop: 1 })).reason).toBe("panic");
  });

  test("writes a checkpoint at most every ten seconds", async () => {
    const savedAt = () =>
      runInDurableObject(usShard(), (_, { storage }) =>
        storage.sql
          .exec<{ saved_at_ms: number }>(`SELECT DISTINCT saved_at_ms FROM checkpoint`)
          .toArray()
          .map((row) => row.saved_at_ms - START_MS),
      );
    await granted(usShard(), "i-1");
    await runDurableObjectAlarm(usShard());
    expect(await savedAt()).toEqual([0]);
    vi.setSystemTime(START_MS + CHECKPOINT_MS - 1);
    await runDurableObjectAlarm(usShard());
    expect(await savedAt()).toEqual([0]);
    vi.setSystemTime(START_MS + CHECKPOINT_MS);
    await runDurableObjectAlarm(usShard());
    expect(await savedAt()).toEqual([CHECKPOINT_MS]);
  });
});

describe("a request", () => {
  test("touches memory only: neither acquire nor report runs SQL", async () => {
    await usShard().status(false);
    await runInDurableObject(usShard(), async (shard, { storage }) => {
      const exec = vi.spyOn(storage.sql, "exec");
      const { outcome } = shard.acquire(ask("i-1"));
      if (outcome.kind !== "granted") throw new Error("there is room");
      shard.report({ settled: [served(outcome.grant)], held: [] });
      expect(exec).not.toHaveBeenCalled();
    });
  });

  test("beyond the slots waits, and gets the slot that frees", async () => {
    // Of a pool in one region: where another one serves too, a short wait is one in the endpoint's own line.
    const shard = shardOf("pool:jobs-watched:us-east");
    const grants = [];
    for (let index = 0; index < 4; index++) grants.push(await granted(shard, `i-${index}`));
    const { outcome } = await shard.acquire(ask("i-9"));
    expect(outcome.kind).toBe("queued");
    const waiting = shard.awaitGrant("i-9");
    const [first] = grants;
    if (first === undefined) throw new Error("four were granted");
    await shard.report({ settled: [served(first)], held: [] });
    expect(await waiting).toMatchObject({ kind: "granted", grant: { leaseId: "i-9", endpointId: "watched-a" } });
    expect(await statusOf(shard)).toMatchObject({ live: 4, queued: 0 });
    // Fetched again: the first answer stands.
    expect(await shard.awaitGrant("i-9")).toMatchObject({ kind: "granted" });
  });

  test("that is nearer to another region is sent there, where it may not be passed on again", async () => {
    await usShard().status(false);
    const there = await usShard().acquire(ask("i-1", { client: EU }));
    expect(there.outcome).toMatchObject({ kind: "spill", region: "eu-west" });
    expect(await granted(euShard(), "i-1", { client: US, hop: 1 })).toMatchObject({ endpointId: "eu-a" });
    expect((await statusOf(usShard())).live).toBe(0);
  });
});

describe("shards of one pool", () => {
  test("tell each other what they hold, so that the near one knows when the far one is full", async () => {
    for (let index = 0; index < 4; index++) await granted(euShard(), `i-${index}`, { client: EU, hop: 1 });
    const digest = await euShard().exchange({ epoch: 1, region: "us-east", views: [] });
    expect(digest?.views).toMatchObject([{ id: "eu-a", inFlight: 4, capacity: 4 }]);
    if (digest === null) throw new Error("the shard exists");
    await usShard().exchange(digest);
    const { outcome } = await usShard().acquire(ask("i-1", { client: EU }));
    expect(outcome).toMatchObject({ kind: "granted", grant: { region: "us-east", reason: "spill" } });
  });

  test("do not believe an incarnation that is over", async () => {
    const digest = await euShard().exchange({ epoch: 1, region: "us-east", views: [] });
    if (digest === null) throw new Error("the shard exists");
    const full = digest.views.map((view) => ({ ...view, inFlight: view.capacity }));
    await usShard().exchange({ ...digest, epoch: 5 });
    await usShard().exchange({ ...digest, epoch: 4, views: full });
    expect((await usShard().acquire(ask("i-1", { client: EU }))).outcome).toMatchObject({ kind: "spill" });
  });
});
