import { describe, expect, test } from "vitest";
import { metricsOf } from "../../../tools/sim/metrics.ts";
import { OUTCOME } from "../../../tools/sim/outcomes.ts";
import { policyRouter } from "../../../tools/sim/policy-router.ts";
import { leastOutstanding, nearest } from "../../../tools/sim/policies/simple.ts";
import { Mailbox, type Router } from "../../../tools/sim/router.ts";
import type { World } from "../../../tools/sim/world.ts";
import { arrivingAt, ran, routerNamed, scenarioOf, workloadOf } from "./worlds.ts";

/** Sends everything to one endpoint. */
const onlyTo =
  (endpoint: number) =>
  (world: World): Router => ({ arrive: (request) => void world.dispatch(request, endpoint) });

const ttftOf = (world: World): readonly number[] => [...world.outcomes.ttftMs];

describe("time to first token", () => {
  test("is both halves of the trip and the first share of the service when a slot is free", () => {
    const scenario = scenarioOf();
    expect(ttftOf(ran(scenario, arrivingAt(scenario, [0]), onlyTo(0)))).toEqual([50 + 50 + 50]);
  });

  test("has the wait for the slot, first come, first served", () => {
    const scenario = scenarioOf();
    const world = ran(scenario, arrivingAt(scenario, [0, 100, 200]), onlyTo(0));
    // Slots free at 1050 and 2050; the requests reach the endpoint at 150 and 250.
    expect(ttftOf(world)).toEqual([150, 150 + 900, 150 + 1800]);
  });

  test("counts the speed of the endpoint", () => {
    const scenario = scenarioOf({ endpoints: [{ region: "here", slots: 1, speed: 4 }] });
    expect(ttftOf(ran(scenario, arrivingAt(scenario, [0]), onlyTo(0)))).toEqual([50 + 12.5 + 50]);
  });

  test("goes over the region that dispatches", () => {
    const scenario = scenarioOf({
      regions: ["a", "b"],
      roundTripMs: [
        [10, 100],
        [100, 20],
      ],
      endpoints: [{ region: "b", slots: 1 }],
    });
    const viaOne = (world: World): Router => ({
      arrive: (request) => void world.send(0, 1, request),
      onMessage: (region, request) => void world.dispatch(request, 0, region),
    });
    expect(ttftOf(ran(scenario, arrivingAt(scenario, [0]), viaOne))).toEqual([50 + 10 + 50 + 10 + 50]);
  });

  test("varies with jitter, and its end never comes before its first token", () => {
    const scenario = scenarioOf({ jitterSigma: 1, demand: { workMs: { kind: "fixed", mean: 1 } } });
    const world = ran(scenario, workloadOf(scenario, { count: 500 }), policyRouter(leastOutstanding));
    expect(new Set(ttftOf(world)).size).toBeGreaterThan(400);
    expect(metricsOf(world).served).toBe(500);
  });
});

describe("a run", () => {
  const scenario = scenarioOf({ jitterSigma: 0.1, endpoints: [{ region: "here", count: 3, slots: 2 }] });
  const run = (seed: number, name = "prequal-0.6"): World => {
    const factory = routerNamed(name)?.factory ?? onlyTo(0);
    return ran(scenario, workloadOf(scenario, { count: 2_000, seed, load: 0.9 }), factory, seed);
  };

  test("of the same seed has the same hash, of another seed another", () => {
    expect(run(1).hash.read()).toBe(run(1).hash.read());
    expect(run(1).hash.read()).not.toBe(run(2).hash.read());
  });

  test("ends with nothing in flight and one outcome for each request", () => {
    const world = run(3);
    expect([...world.fleet.inFlight, ...world.fleet.running, ...world.fleet.waiting]).toEqual(Array(9).fill(0));
    expect([...world.fleet.queuedTokens, ...world.fleet.runningTokens]).toEqual(Array(6).fill(0));
    expect(world.outcomes.outcome.every((outcome) => outcome === OUTCOME.served)).toBe(true);
  });

  test("shows every event to its observer", () => {
    const kinds = new Set<number>();
    const observed = (world: World): Router => {
      world.observer = (kind) => void kinds.add(kind);
      return onlyTo(0)(world);
    };
    ran(scenario, workloadOf(scenario, { count: 10 }), observed);
    expect([...kinds].sort()).toEqual([0, 1, 12, 2, 3, 4]);
  });
});

describe("a router may", () => {
  test("hedge: the first answer counts, the other is cancelled and was wasted", () => {
    const scenario = scenarioOf({
      endpoints: [1, 4].map((speed) => ({ region: "here", slots: 1, speed, id: `x${speed}` })),
    });
    const hedged = (world: World): Router => ({
      arrive: (request) => {
        world.dispatch(request, 0);
        world.timer(10, 1, request);
      },
      onTimer: (_tag, request) => void world.dispatch(request, 1),
      onFirstToken: (attempt) => {
        for (let other = 0; other < world.attempts.count; other += 1) if (other !== attempt) world.cancel(other);
      },
    });
    const world = ran(scenario, arrivingAt(scenario, [0]), hedged);
    expect(ttftOf(world)).toEqual([10 + 100 + 12.5]);
    expect(world.outcomes.servedBy[0]).toBe(1);
    // The other ran from 50 until the cancellation reached it: first token back at 122.5, half a trip there.
    expect(world.outcomes.wastedMs).toBeCloseTo(122.5, 6);
    expect([...world.fleet.inFlight]).toEqual([0, 0]);
  });

  test("cancel what waits, and the next moves up", () => {
    const scenario = scenarioOf();
    const impatient = (world: World): Router => ({
      arrive: (request) => {
        const attempt = world.dispatch(request, 0);
        if (request === 1) world.timer(200, 1, attempt);
      },
      onTimer: (_tag, attempt) => {
        world.cancel(attempt);
        world.shed(world.attempts.requestOf(attempt), 1_000);
      },
    });
    const world = ran(scenario, arrivingAt(scenario, [0, 10, 20]), impatient);
    expect(ttftOf(world)).toEqual([150, NaN, 1_050 + 50 + 50 - 20]);
    expect(metricsOf(world)).toMatchObject({ served: 2, shed: 1, wasted: 0 });
  });

  test("keep messages behind integers, and takes each once", () => {
    const mailbox = new Mailbox<string>();
    const ticket = mailbox.park("hello");
    expect([mailbox.take(ticket), mailbox.take(ticket)]).toEqual(["hello", undefined]);
  });

  test("not dispatch to an endpoint that is not there, nor a request that has its outcome", () => {
    const scenario = scenarioOf();
    const workload = arrivingAt(scenario, [0]);
    expect(() => ran(scenario, workload, onlyTo(2))).toThrow("no such endpoint");
    const twice = (world: World): Router => ({
      arrive: (request) => {
        world.shed(request, 0);
        world.dispatch(request, 0);
      },
    });
    expect(() => ran(scenario, workload, twice)).toThrow("has its outcome");
  });
});

describe("faults", () => {
  const faulty = (fault: Readonly<Record<string, unknown>>, fields: Readonly<Record<string, unknown>> = {}) =>
    scenarioOf({ ...fields, faults: [{ endpoints: ["gpu.0"], fromMs: 500, toMs: 5_000, ...fault }] });

  test("slow: what starts in the window takes longer", () => {
    const scenario = faulty({ kind: "slow", factor: 3 });
    const ttft = ttftOf(ran(scenario, arrivingAt(scenario, [0, 2_000, 10_000]), onlyTo(0)));
    expect(ttft).toEqual([150, 100 + 150, 150]);
  });

  test("an outage loses what runs, refuses what comes, and what fails is tried once elsewhere", () => {
    const scenario = faulty({ kind: "outage" });
    const world = ran(scenario, arrivingAt(scenario, [0, 480]), onlyTo(0));
    // The first had its token and breaks; the second meets the refusal; this router repeats nothing.
    expect(world.outcomes.failures).toBe(2);
    const retried = ran(scenario, arrivingAt(scenario, [480]), policyRouter(firstListed));
    expect(ttftOf(retried)).toEqual([100 + 150]);
    expect(retried.outcomes.servedBy[0]).toBe(1);
  });

  test("a sinkhole answers an error at once", () => {
    const scenario = faulty({ kind: "fail_fast" });
    const world = ran(scenario, arrivingAt(scenario, [600]), policyRouter(firstListed));
    expect(ttftOf(world)).toEqual([100 + 150]);
  });

  test("a black hole is left after the time-out", () => {
    const scenario = faulty({ kind: "black_hole" }, { firstTokenTimeoutMs: 2_000 });
    const world = ran(scenario, arrivingAt(scenario, [600]), policyRouter(firstListed));
    expect(ttftOf(world)).toEqual([2_000 + 150]);
  });

  test("a probe takes an endpoint that is down out of the candidates", () => {
    const scenario = faulty({ kind: "outage" });
    const world = ran(scenario, arrivingAt(scenario, [1_500, 6_500]), policyRouter(firstListed));
    expect([...world.outcomes.servedBy]).toEqual([1, 0]);
    expect(world.outcomes.failures).toBe(0);
  });

  test("a cold endpoint is woken once by the first request, which waits", () => {
    const endpoints = [{ region: "here", slots: 2, startsCold: true, coldStartMs: 5_000, id: "gpu" }];
    const scenario = scenarioOf({ endpoints });
    const world = ran(scenario, arrivingAt(scenario, [0, 1_000]), onlyTo(0));
    expect(ttftOf(world)).toEqual([50 + 5_000 + 100, 50 + 5_000 + 100 - 1_000]);
    expect([world.outcomes.wakeUps, world.outcomes.coldHits]).toEqual([1, 2]);
  });

  test("an idle endpoint goes cold after its time-out, and not while it works", () => {
    const endpoints = [{ region: "here", slots: 1, coldStartMs: 2_000, idleMs: 3_000, id: "gpu" }];
    const scenario = scenarioOf({ endpoints });
    const world = ran(scenario, arrivingAt(scenario, [0, 3_500, 8_000]), onlyTo(0));
    // Busy until 1050 and from 3550 to 4550: warm until then; cold at 7550.
    expect(ttftOf(world)).toEqual([150, 150, 50 + 2_000 + 100]);
  });

  test.each([
    ["lost", { kind: "lost_messages", share: 1 }],
    ["cut off by a partition", { kind: "partition", regions: ["a"] }],
  ])("messages between regions are %s while the fault lasts", (_, fault) => {
    const scenario = scenarioOf({
      regions: ["a", "b"],
      roundTripMs: [
        [1, 10],
        [10, 1],
      ],
      endpoints: [{ region: "a", slots: 1 }],
      faults: [{ fromMs: 100, toMs: 200, ...fault }],
    });
    const heard: number[] = [];
    const talking = (world: World): Router => ({
      arrive: (request) => {
        world.send(0, 1, request);
        world.dispatch(request, 0);
      },
      onMessage: (_region, request) => void heard.push(request),
    });
    ran(scenario, arrivingAt(scenario, [50, 150, 250]), talking);
    expect(heard).toEqual([0, 2]);
  });

  test("an eviction is told to the router", () => {
    const scenario = scenarioOf({ faults: [{ kind: "evict", regions: ["here"], fromMs: 5 }] });
    const evicted: number[] = [];
    ran(scenario, arrivingAt(scenario, [0]), (world) => ({
      ...onlyTo(0)(world),
      onEvict: (region) => void evicted.push(region),
    }));
    expect(evicted).toEqual([0]);
  });
});

test("a policy that only knows distance keeps to its region", () => {
  const scenario = scenarioOf({
    regions: ["us-east", "eu-central"],
    roundTripMs: [
      [10, 92],
      [92, 10],
    ],
    endpoints: ["us-east", "eu-central"].map((region) => ({ region, slots: 4 })),
  });
  const world = ran(scenario, workloadOf(scenario), policyRouter(nearest));
  expect(metricsOf(world).crossRegion).toBe(0);
});

/** The first candidate: endpoint 0 unless it is out. */
const firstListed = () => ({ pick: ({ candidates }: { candidates: readonly number[] }) => candidates[0] ?? 0 });
