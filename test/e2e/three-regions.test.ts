/**
 * Three regions with distance between them: each shard decides for itself, on what it heard some time ago
 * of the others, and still a request goes to one other region at most, and what must happen once happens
 * once. Counts and outcomes only.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FaultInput } from "../../backends/gpu-simulator/faults.ts";
import { FAILURES_MAX } from "../../src/routing/core/endpoint/breaker.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import type { ExplainedCandidate } from "../../src/routing/core/cost/explain.ts";
import type { FleetPlan } from "../support/fleet.ts";
import { ALL, AP, buildFarWorker, EU, placeNear, startFarFleet, TRIPS_MS, US } from "../support/three-regions.ts";
import type { Answer, FarFleet, Held, Region } from "../support/three-regions.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 5 };
const simulator = { engine };
const dir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
const bundlePath = join(dir, "worker.js");
beforeAll(() => buildFarWorker(bundlePath));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let running: FarFleet | null = null;
afterEach(async () => {
  await running?.close();
  running = null;
});

async function start(plan: FleetPlan): Promise<FarFleet> {
  running = await startFarFleet({ ...plan, bundlePath });
  return running;
}

/** One endpoint a region, all with this config. */
const endpointsWith = (config: Readonly<Record<string, unknown>>): FleetPlan["endpoints"] => [
  { id: "us-a", region: US, simulator, config },
  { id: "eu-a", region: EU, simulator, config },
  { id: "ap-a", region: AP, simulator, config },
];

const requestsAt = (fleet: FarFleet, id: string) => fleet.simulator(id).stats.requests;
const dispatchedIds = (fleet: FarFleet) =>
  [...fleet.simulators.values()].flatMap(({ stats }) => stats.dispatchedIds).toSorted();
const releaseAll = (held: readonly Held[]) => held.forEach(({ release }) => release());
const idle = (fleet: FarFleet) => fleet.until(fleet.liveLeases, (leases) => leases === 0);
const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);
const all = (answers: readonly Answer[], status: number) => answers.map(() => status);
/** So many requests of clients in each of these regions, all at once. */
const asking = (regions: readonly Region[], fleet: FarFleet, count: number): Promise<Answer>[] => {
  const asked = regions.flatMap((region) => Array.from({ length: count }, () => fleet.ask(region)));
  // Those that still wait when a test fails die with its fleet, and say no more than the test did.
  for (const answer of asked) answer.catch(() => {});
  return asked;
};

test("everything here travels for as long as its trip takes, or nothing below would be about distance", async () => {
  const fleet = await start({ endpoints: endpointsWith({}) });
  for (const [from, to] of [
    [AP, US],
    [EU, AP],
  ] as const) {
    expect(await fleet.shardMs(from, to), `${from} to the shard of ${to}`).toBeGreaterThanOrEqual(TRIPS_MS[from][to]);
  }
  const sentAtMs = performance.now();
  expect((await fleet.ask(AP, { place: US })).endpoint).toBe("us-a");
  // To the shard and back, to the endpoint and back; a timer may be a little early.
  expect(performance.now() - sentAtMs).toBeGreaterThanOrEqual(3 * TRIPS_MS[AP][US]);
});

describe("a region whose endpoints are full", () => {
  test.each([
    ["refuses what it has no slot for", false],
    ["queues what it has no slot for", true],
  ])("sends its next request to the nearest region with a free slot (an endpoint that %s)", async (_, queuesExcess) => {
    const fleet = await start({ endpoints: endpointsWith({ concurrencyPerWorker: 2, queuesExcess }) });
    const held = await fleet.hold(US, 2);
    expect(held.map(({ endpoint }) => endpoint)).toEqual(["us-a", "us-a"]);
    const place = placeNear(US);
    const answer = await fleet.ask(US, { place });
    expect(answer).toMatchObject({ status: 200, endpoint: "eu-a", reason: "spill", attempts: "1" });
    const [home, ...further] = await fleet.asked(place);
    expect(home).toBe("us-east, hop 0");
    // Whether the far shard is asked first, or told meanwhile: nobody else is.
    for (const other of further) expect(other).toBe("eu-west, hop 1");
    expect(further.length).toBeLessThanOrEqual(1);
    expect(["us-a", "eu-a", "ap-a"].map((id) => requestsAt(fleet, id))).toEqual([2, 1, 0]);
    releaseAll(held);
    await idle(fleet);
  });

  test("spreads a burst over the other regions: nobody is over-filled, lost, done twice, or sent on twice", async () => {
    const SLOTS = 4;
    const fleet = await start({ endpoints: endpointsWith({ concurrencyPerWorker: SLOTS, queuesExcess: false }) });
    const held = await fleet.hold(US, SLOTS - 1);
    const most = new Map<string, number>();
    const places = Array.from({ length: 30 }, () => placeNear(US));
    const answers = await Promise.all(
      places.map(async (place) => {
        const answer = await fleet.ask(US, { place, stream: true, maxTokens: 8 });
        for (const [id, { stats }] of fleet.simulators) most.set(id, Math.max(most.get(id) ?? 0, stats.activeRequests));
        return answer;
      }),
    );
    expect(statuses(answers)).toEqual(all(answers, 200));
    for (const { text } of answers) expect(text).toMatch(/data: \[DONE\]\n\n$/);
    expect(answers.some(({ endpoint }) => endpoint !== "us-a")).toBe(true);
    for (const [id, active] of most) expect(active, id).toBeLessThanOrEqual(SLOTS);
    const served = answers.map(({ requestId }) => requestId);
    expect(dispatchedIds(fleet).filter((id) => served.includes(id))).toEqual(served.toSorted());
    for (const place of places) {
      const asked = await fleet.asked(place);
      expect(asked.map((one) => one.slice(-1)).join(""), `${place}: ${asked.join(" > ")}`).toMatch(/^01?$/);
    }
    releaseAll(held);
    await idle(fleet);
  });

  test("sends a request on once only: full there too, it waits there, though a third region has room", async () => {
    const fleet = await start({ endpoints: endpointsWith({ concurrencyPerWorker: 1, queuesExcess: false }) });
    // So that the first region cannot know how full the second one is.
    await fleet.loseDigests();
    const [, far] = [await fleet.hold(US, 1), await fleet.hold(EU, 1)];
    const place = placeNear(US);
    const waiting = fleet.ask(US, { place });
    await fleet.until(fleet.queued, (queued) => queued === 1);
    expect(await fleet.asked(place)).toEqual(["us-east, hop 0", "eu-west, hop 1"]);
    releaseAll(far);
    expect(await waiting).toMatchObject({ status: 200, endpoint: "eu-a", reason: "spill", attempts: "1" });
    expect(await fleet.asked(place)).toEqual(["us-east, hop 0", "eu-west, hop 1"]);
    expect(requestsAt(fleet, "ap-a")).toBe(0);
  });
});

describe("an endpoint that dies while clients of all regions are served", () => {
  const deaths: readonly (readonly [name: string, fault: FaultInput])[] = [
    ["refuses connections", { kind: "refuse" }],
    ["resets connections", { kind: "reset", paths: "all" }],
  ];

  test.each(deaths)("is replaced by another region's, and no client sees an error: it %s", async (_, fault) => {
    const fleet = await start({ endpoints: endpointsWith({ concurrencyPerWorker: 64 }) });
    /** Three at once in every region. */
    const round = async () => {
      const asked = ALL.flatMap((region) =>
        [0, 1, 2].map(async (index) => ({ region, ...(await fleet.ask(region, { stream: index > 0 })) })),
      );
      return Promise.all(asked);
    };
    const goesTo = (answers: readonly (Answer & { readonly region: Region })[], at: Region) =>
      [
        ...new Set(answers.filter(({ region }) => region === at).map((one) => `${one.endpoint} ${one.attempts}`)),
      ].join();
    const check = (answers: readonly (Answer & { readonly region: Region })[]) => {
      expect(statuses(answers)).toEqual(all(answers, 200));
      for (const { text } of answers) expect(text).not.toContain('"error"');
      expect([goesTo(answers, EU), goesTo(answers, AP)]).toEqual(["eu-a 1", "ap-a 1"]);
      return goesTo(answers, US);
    };
    const servedUs = async () => check(await round());
    expect(await servedUs()).toBe("us-a 1");
    // On their way when it dies.
    const under = round();
    fleet.simulator("us-a").setFault(fault);
    check(await under);
    await fleet.until(servedUs, (seen) => seen === "eu-a 1");
    fleet.simulator("us-a").setFault({ kind: "none" });
    await fleet.simulator("us-a").listenAgain();
    await fleet.until(servedUs, (seen) => seen === "us-a 1", 20_000);
    await idle(fleet);
  });
});

describe("a cold endpoint that requests of all regions need at once", () => {
  const CLIENTS = 8;
  /** It becomes warm when the test says so. */
  const NEVER_MS = 3_600_000;

  async function onlyColdIsLeft(coldWaitMsMax: number): Promise<FarFleet> {
    const cold = { backend: "runpod-lb", workers: { min: 0, max: 1 }, coldStartMs: 50_000, concurrencyPerWorker: 64 };
    const fleet = await start({
      endpoints: [
        { id: "us-a", region: US, simulator },
        { id: "eu-a", region: EU, simulator },
        {
          id: "ap-a",
          region: AP,
          simulator: { engine, startState: "cold", coldStartMs: NEVER_MS },
          // Readiness is read where looking does not wake.
          config: { ...cold, health: { path: "/v2/ap/health" } },
        },
      ],
      pool: { coldWaitMsMax, ttfbTimeoutMs: 60_000 },
    });
    const taken = ["us-a", "eu-a"];
    for (const id of taken)
      expect((await fleet.call(`/admin/endpoints/${id}/drain`, { method: "POST" })).status).toBe(200);
    await fleet.until(
      async () =>
        Promise.all(ALL.flatMap((region) => taken.map(async (id) => (await fleet.seenFrom(region, id)).standing))),
      (standings) => standings.every((standing) => standing === "draining"),
    );
    expect(fleet.simulator("ap-a").stats).toMatchObject({ requests: 0, pings: 0 });
    return fleet;
  }

  test("is woken once, and serves all who waited for it", async () => {
    const fleet = await onlyColdIsLeft(60_000);
    const cold = fleet.simulator("ap-a");
    const waiting = asking(ALL, fleet, CLIENTS);
    // All are at its door before it is warm.
    await fleet.until(
      async () => [cold.stats.requests, cold.stats.pings],
      ([requests, pings]) => requests === waiting.length && pings !== 0,
    );
    await fleet.digestsFrom([AP]);
    expect(cold.stats, "wake-ups while it starts").toMatchObject({ requests: waiting.length, pings: 1 });
    cold.setState("warm");
    for (const answer of await Promise.all(waiting)) {
      expect(answer).toMatchObject({ status: 200, endpoint: "ap-a", reason: "cold_start", attempts: "1" });
    }
    expect(statuses(await Promise.all(asking(ALL, fleet, 1)))).toEqual([200, 200, 200]);
    expect(cold.stats, "warm, it is not woken again").toMatchObject({ requests: waiting.length + 3, pings: 1 });
    await idle(fleet);
  });

  test("is woken once also when nobody may wait for it: all are told when to come back", async () => {
    const fleet = await onlyColdIsLeft(1_000);
    const cold = fleet.simulator("ap-a");
    for (let rush = 0; rush < 3; rush++) {
      for (const { status, retryAfter, text } of await Promise.all(asking(ALL, fleet, CLIENTS))) {
        expect([status, Number(retryAfter) >= 1]).toEqual([503, true]);
        expect(text).toContain('"warming_up"');
      }
    }
    await fleet.digestsFrom([AP]);
    expect(cold.stats).toMatchObject({ requests: 0, pings: 1 });
    cold.setState("warm");
    for (const region of ALL) {
      await fleet.until(
        () => fleet.ask(region),
        ({ status, endpoint }) => status === 200 && endpoint === "ap-a",
      );
    }
    expect(cold.stats.pings, "wake-ups").toBe(1);
  });
});

describe("an endpoint that was ejected, and that requests of all regions want", () => {
  const CLIENTS = 4;
  const SLOTS = 8;

  type Ejected = {
    readonly fleet: FarFleet;
    readonly held: readonly Held[];
    readonly failed: readonly Promise<Answer>[];
  };

  /**
   * `us-a` was ejected, and every region has heard of it; it takes what comes next and answers when the test says so.
   * The others are full, so whoever failed at `us-a` waits for them.
   */
  async function onlyEjectedIsLeft(): Promise<Ejected> {
    const full = { concurrencyPerWorker: 2, queuesExcess: false };
    const fleet = await start({
      endpoints: [
        {
          id: "us-a",
          region: US,
          simulator: { engine, coldStartMs: 3_600_000 },
          // A path that is well whatever becomes of the work.
          config: { concurrencyPerWorker: SLOTS, health: { path: "/version" } },
        },
        { id: "eu-a", region: EU, simulator, config: full },
        { id: "ap-a", region: AP, simulator, config: full },
      ],
    });
    const held = [...(await fleet.hold(EU, 2)), ...(await fleet.hold(AP, 2))];
    expect(held.map(({ endpoint }) => endpoint)).toEqual(["eu-a", "eu-a", "ap-a", "ap-a"]);
    const tried = fleet.simulator("us-a");
    tried.setFault({ kind: "status", status: 500 });
    const failed = asking([US], fleet, FAILURES_MAX);
    await fleet.until(fleet.queued, (queued) => queued === FAILURES_MAX);
    tried.setFault({ kind: "none" });
    tried.setState("warming");
    // Until a region has heard of it, it may send what it sent before.
    const seen = async () => Promise.all(ALL.map((region) => fleet.seenFrom(region, "us-a")));
    const isTold = ({ standing, capacity }: ExplainedCandidate) => standing !== "admitting" || capacity === 1;
    await fleet.until(seen, (told) => told.every(isTold), 20_000);
    expect(tried.stats.requests).toBe(FAILURES_MAX);
    return { fleet, held, failed };
  }

  /** `requests` have reached it by now; everybody waits at some shard but one, who is still there; and it stays so. */
  async function oneIsTried(fleet: FarFleet, waiting: number, requests: number): Promise<void> {
    const { stats } = fleet.simulator("us-a");
    const look = async () => ({ queued: await fleet.queued(), there: stats.activeRequests, requests: stats.requests });
    const isSettled = (seen: Awaited<ReturnType<typeof look>>) =>
      seen.requests >= requests && seen.queued + seen.there === waiting;
    expect(await fleet.until(look, isSettled, 20_000)).toEqual({ queued: waiting - 1, there: 1, requests });
    await fleet.digestsFrom(ALL);
    expect(await look()).toEqual({ queued: waiting - 1, there: 1, requests });
  }

  const triedAgain = async (fleet: FarFleet, at: Region) => {
    const { standing, capacity, inFlight } = await fleet.seenFrom(at, "us-a");
    return standing === "admitting" && capacity === 1 && inFlight === 0;
  };

  test.each([
    ["when they come while it is ejected", async () => {}],
    [
      "when they come once every region knows that it may be tried",
      async (fleet: FarFleet) => {
        const everywhere = async () => Promise.all(ALL.map((region) => triedAgain(fleet, region)));
        await fleet.until(everywhere, (known) => known.every(Boolean), 20_000);
      },
    ],
  ])("gets one of them until its verdict is known, %s", async (_, untilThen) => {
    const { fleet, held, failed } = await onlyEjectedIsLeft();
    await untilThen(fleet);
    const waiting = asking(ALL, fleet, CLIENTS);
    await oneIsTried(fleet, failed.length + waiting.length, FAILURES_MAX + 1);
    fleet.simulator("us-a").setState("warm");
    releaseAll(held);
    for (const [requests, attempts] of [
      [failed, "2"],
      [waiting, "1"],
    ] as const) {
      for (const answer of await Promise.all(requests)) expect(answer).toMatchObject({ status: 200, attempts });
    }
    await idle(fleet);
  });

  test("gets none after a trial that failed, until it may be tried again; and then one", async () => {
    const { fleet, held, failed } = await onlyEjectedIsLeft();
    const tried = fleet.simulator("us-a");
    tried.setFault({ kind: "die_after_bytes", bytes: 0, times: 1 });
    const waiting = [...failed, ...asking(ALL, fleet, CLIENTS)];
    await oneIsTried(fleet, waiting.length, FAILURES_MAX + 1);
    // Whoever waits at its door is let in, and the next one waits there again.
    tried.setState("warm");
    tried.setState("warming");
    await oneIsTried(fleet, waiting.length, FAILURES_MAX + 2);
    tried.setState("warm");
    releaseAll(held);
    const answers = await Promise.all(waiting);
    expect(statuses(answers)).toEqual(all(answers, 200));
    expect(answers.filter(({ attempts }) => attempts === "2")).toHaveLength(FAILURES_MAX + 1);
    await idle(fleet);
  });
});
