/** What an operator orders and asks of a shard: it outlives the object, and asking changes nothing. */
import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { ExplainRequest } from "../../src/routing/core/cost/explain.ts";
import type { AcquireRequest } from "../../src/routing/core/shard-messages.ts";
import type { ShardEnv } from "../../src/routing/object/pool-shard.ts";
import { loadParts } from "./load-parts.ts";

const { POOL_SHARD } = env as unknown as ShardEnv;

const US = { lat: 39.0, lon: -77.5 };
const EU = { lat: 50.1, lon: 8.7 };
const START_MS = Date.UTC(2026, 10, 1);

/** What endpoints answer to their probes; no test has a network. */
let answer: (url: string) => Response;
let probed: string[] = [];
beforeAll(loadParts);
beforeEach(() => {
  answer = () => new Response("");
  probed = [];
  vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    probed.push(url);
    return answer(url);
  });
});
afterEach(async () => {
  await reset();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const usShard = () => POOL_SHARD.getByName("pool:llama-test:us-east");
const euShard = () => POOL_SHARD.getByName("pool:llama-test:eu-west");
type Shard = ReturnType<typeof usShard>;

const ask = (leaseId: string, changes: Partial<AcquireRequest> = {}): AcquireRequest => ({
  leaseId,
  client: EU,
  clientKey: "50,9",
  inputTokens: 10,
  excluded: [],
  hop: 1,
  recentPerSecond: 0,
  ahead: false,
  wantsSnapshot: false,
  explain: false,
  carry: { settled: [], held: [] },
  ...changes,
});
const QUESTION: ExplainRequest = { client: US, clientKey: "39,-78", inputTokens: 10, excluded: [] };

async function statusOf(shard: Shard) {
  const status = await shard.status(false);
  if (status === null) throw new Error("the shard has no state");
  return status;
}
const seen = async (shard: Shard) => {
  const { drained, endpoints, epoch } = await statusOf(shard);
  return { epoch, drained: [...drained], standing: endpoints.map(({ standing }) => standing) };
};

describe("an endpoint that an operator drains", () => {
  test("takes no new lease, and is draining for every later incarnation of its shard", async () => {
    expect(await euShard().drain("eu-a", true)).toMatchObject({ drained: true, endpoint: { standing: "draining" } });
    for (let epoch = 1; epoch <= 3; epoch++) {
      expect(await seen(euShard())).toEqual({ epoch, drained: ["eu-a"], standing: ["draining"] });
      await evictDurableObject(euShard());
    }
    expect((await euShard().acquire(ask("i-1"))).outcome).toEqual({ kind: "no_endpoint" });
  });

  test("is in traffic again for good once it is put back", async () => {
    await euShard().drain("eu-a", true);
    await evictDurableObject(euShard());
    expect(await euShard().drain("eu-a", false)).toMatchObject({ drained: false, endpoint: { standing: "admitting" } });
    await evictDurableObject(euShard());
    expect(await seen(euShard())).toEqual({ epoch: 3, drained: [], standing: ["admitting"] });
  });

  test("was drained when it was first asked for, however often it is asked", async () => {
    for (const afterMs of [0, 1_000, 2_000]) {
      vi.setSystemTime(START_MS + afterMs);
      await euShard().drain("eu-a", true);
    }
    const rows = await runInDurableObject(euShard(), (_, { storage }) =>
      storage.sql.exec(`SELECT id, drained_at_ms FROM endpoint`).toArray(),
    );
    expect(rows).toEqual([{ id: "eu-a", drained_at_ms: START_MS }]);
  });

  test("keeps what runs on it", async () => {
    expect((await euShard().acquire(ask("i-1"))).outcome.kind).toBe("granted");
    expect((await euShard().drain("eu-a", true))?.endpoint.inFlight).toBe(1);
    expect(await statusOf(euShard())).toMatchObject({ liveLeases: 1 });
  });

  test("serves who waits for it at once when it is put back, and is probed", async () => {
    // Of a pool in one region: where another one serves too, a short wait is one in the endpoint's own line.
    const shard = POOL_SHARD.getByName("pool:jobs-watched:us-east");
    const near = { client: US };
    for (let index = 0; index < 4; index++) await shard.acquire(ask(`i-${index}`, near));
    expect((await shard.acquire(ask("i-9", near))).outcome.kind).toBe("queued");
    const waiting = shard.awaitGrant("i-9");
    await shard.drain("watched-a", true);
    const settled = [0, 1, 2, 3].map((index) => ({
      leaseId: `i-${index}`,
      endpointId: "watched-a",
      epoch: 1,
      outcome: "served" as const,
      heldMs: 10,
      ttftMs: null,
      headersMs: null,
      clientKey: "",
      inputTokens: 0,
      inFlightAtGrant: 0,
    }));
    await shard.report({ settled, held: [] });
    expect(await statusOf(shard)).toMatchObject({ liveLeases: 0, queued: 1 });
    vi.setSystemTime(START_MS + 1_000);
    probed = [];
    await shard.drain("watched-a", false);
    expect(await waiting).toMatchObject({ kind: "granted", grant: { leaseId: "i-9", endpointId: "watched-a" } });
    await vi.waitFor(() => expect(probed).toEqual(["http://127.0.0.1:9104/health"]));
  });

  test("is told to the peers", async () => {
    await usShard().status(false);
    await euShard().drain("eu-a", true);
    await vi.waitFor(async () => {
      const told = await usShard().explain({ ...QUESTION, client: EU });
      expect(told?.candidates.find(({ endpointId }) => endpointId === "eu-a")?.standing).toBe("draining");
    });
  });

  test.each(["us-a", "nobody"])("is not this shard's: %s", async (endpointId) => {
    expect(await euShard().drain(endpointId, true)).toBeNull();
    expect(await seen(euShard())).toMatchObject({ drained: [], standing: ["admitting"] });
  });

  test("is forgotten with the endpoint, when the config no longer has it", async () => {
    await euShard().drain("eu-a", true);
    await runInDurableObject(euShard(), (_, { storage }) => {
      storage.sql.exec(`UPDATE endpoint SET id = 'gone'`);
    });
    await evictDurableObject(euShard());
    expect(await seen(euShard())).toEqual({ epoch: 2, drained: [], standing: ["admitting"] });
    const ids = await runInDurableObject(euShard(), (_, { storage }) =>
      storage.sql.exec(`SELECT id FROM endpoint`).toArray(),
    );
    expect(ids).toEqual([{ id: "eu-a" }]);
  });

  test("can be drained on storage that an earlier version wrote", async () => {
    await euShard().status(false);
    await runInDurableObject(euShard(), (_, { storage }) => {
      for (const later of ["drained_at_ms", "down_at_ms"])
        storage.sql.exec(`ALTER TABLE endpoint DROP COLUMN ${later}`);
      storage.sql.exec(`DROP TABLE suspects`);
      storage.sql.exec(`DELETE FROM schema_step WHERE step >= 1`);
    });
    await evictDurableObject(euShard());
    await euShard().drain("eu-a", true);
    await evictDurableObject(euShard());
    expect(await seen(euShard())).toEqual({ epoch: 3, drained: ["eu-a"], standing: ["draining"] });
  });
});

describe("what failed", () => {
  test("is a line of the log and in the state for people, without secrets", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const { outcome } = await euShard().acquire(ask("i-1"));
    if (outcome.kind !== "granted") throw new Error("there is room");
    const { leaseId, endpointId, epoch, inFlightAtGrant } = outcome.grant;
    const failure = { status: 500, text: "CUDA out of memory\nasked by anna.bauer@example.org" };
    const timing = { heldMs: 100, ttftMs: null, headersMs: null, clientKey: "50,9", inputTokens: 10 };
    const end = { leaseId, endpointId, epoch, inFlightAtGrant, ...timing, outcome: "failed", failure } as const;
    await euShard().report({ settled: [end], held: [] });
    const shown = {
      kind: "failed",
      status: 500,
      text: "CUDA out of memory asked by [REDACTED:email]",
      atMs: expect.any(Number),
      ageMs: 0,
      count: 1,
    };
    expect((await statusOf(euShard())).endpoints.map(({ lastFailure }) => lastFailure)).toMatchObject([shown]);
    await vi.waitFor(() => expect(log).toHaveBeenCalled());
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)) as unknown);
    const where = { pool: "llama-test", region: "eu-west", endpoint: "eu-a" };
    expect(lines).toMatchObject([{ event: "endpoint_failed", ...where, ...shown, times: 1 }]);
  });
});

describe("a probe that finds an endpoint well", () => {
  test("gives its slots to who waits, without another message", async () => {
    const pair = POOL_SHARD.getByName("pool:pair:us-east");
    answer = (url) => new Response("", { status: url.includes(":9106") ? 500 : 200 });
    // After two failed probes `pair-b` is down; then the slots of `pair-a` are all that there is.
    for (const afterMs of [0, 1_000]) {
      vi.setSystemTime(START_MS + afterMs);
      await pair.status(true);
    }
    for (let index = 0; index < 4; index++) await pair.acquire(ask(`i-${index}`, { client: US }));
    expect((await pair.acquire(ask("i-9", { client: US }))).outcome.kind).toBe("queued");
    const waiting = pair.awaitGrant("i-9");
    answer = () => new Response("");
    vi.setSystemTime(START_MS + 3_000);
    await pair.status(true);
    expect(await waiting).toMatchObject({ kind: "granted", grant: { leaseId: "i-9", endpointId: "pair-b" } });
  });
});

describe("a shard that explains", () => {
  test("tells every candidate with its terms, and what each lost to", async () => {
    const told = await usShard().explain(QUESTION);
    expect(told).toMatchObject({
      source: "shard",
      region: "us-east",
      decision: { kind: "chosen", endpointId: "us-a", reason: "nearest_warm" },
      panic: false,
    });
    expect(told?.candidates.map(({ endpointId, why, toldBy }) => [endpointId, toldBy, why])).toEqual([
      ["us-a", "owner", "chosen: no warm endpoint is nearer"],
      ["eu-a", "config", expect.stringMatching(/^\d+ ms farther/)],
      ["us-b", "owner", "cold: 30,000 ms"],
    ]);
  });

  test("leases nothing, wakes nothing, writes nothing and is no traffic", async () => {
    await usShard().status(false);
    await runInDurableObject(usShard(), async (shard, { storage }) => {
      const exec = vi.spyOn(storage.sql, "exec");
      await shard.explain(QUESTION);
      expect(exec).not.toHaveBeenCalled();
      expect(await storage.getAlarm()).toBeNull();
    });
    expect(await statusOf(usShard())).toMatchObject({ liveLeases: 0, queued: 0 });
    expect(probed).toEqual([]);
  });

  test("has nothing to tell of a pool that is not in the config", async () => {
    const shard = POOL_SHARD.getByName("pool:nobody:us-east");
    expect([await shard.explain(QUESTION), await shard.drain("us-a", true)]).toEqual([null, null]);
  });
});
