/**
 * A random scenario from a seed: regions, endpoints, demand, the pool's configuration, and what goes wrong.
 *
 * Model. Small fleets and short leases, so that a minute of virtual time has many ends, queues, expiries and cold starts,
 * and a run costs tenths of a second. Every fault is over before the end, so that everything can come to rest.
 * Rejected: large fleets, which spend the time on what is the same a hundred times.
 */
import type { Rng } from "../../../src/lib/rng.ts";
import { PRIORITIES } from "../../../src/routing/core/shard/priority.ts";
import { AWS_REGIONS, awsRoundTripMs, SAME_REGION_ROUND_TRIP_MS } from "../aws-round-trips.ts";
import { stream } from "../chance.ts";
import type { Arrivals, EndpointSetup, Fault, FaultKind, Scenario } from "../scenario.ts";
import { createWorkload, type Workload } from "../workload.ts";
import { CONFIG_DEFAULTS, type ProductionOptions, type Speaker } from "./options.ts";

/** Requests of one run at most: bursts included, a run stays within a fraction of a second. */
const REQUESTS_MAX = 1_500;

/** Worlds whose requests say whose they are, and in which class. */
const CLASSES_SHARE = 0.3;

/** Worlds in which endpoints refuse. */
const REFUSALS_SHARE = 0.3;

/** From the last request to the mark of the end, ms. */
const MARK_MS = 1_000;

export type RandomWorld = {
  readonly scenario: Scenario;
  readonly options: ProductionOptions;
  readonly workload: Workload;
};

type Draw = {
  readonly rng: Rng;
  /** min … max, even. */
  readonly between: (min: number, max: number) => number;
  /** min … max, whole. */
  readonly whole: (min: number, max: number) => number;
  readonly chance: (share: number) => boolean;
};

/** `simMs`: for how long requests arrive. */
export function randomWorld(seed: number, simMs: number): RandomWorld {
  const rng = stream(seed, "world");
  const between = (min: number, max: number): number => min + rng() * (max - min);
  const draw: Draw = {
    rng,
    between,
    whole: (min, max) => Math.floor(between(min, max + 1)),
    chance: (share) => rng() < share,
  };
  const regions = pickRegions(draw);
  const endpoints = pickEndpoints(draw, regions.length);
  const perSecond = draw.between(4, 20);
  const load = draw.chance(0.2) ? draw.between(0.9, 1.3) : draw.between(0.3, 0.9);
  const power = endpoints.reduce((sum, { slots, speed }) => sum + slots * speed, 0);
  const workMs = Math.min(6_000, Math.max(80, (load * power * 1_000) / perSecond));
  const faults = [
    ...pickFaults(draw, endpoints.length, regions.length, simMs),
    ...pickRefusals(stream(seed, "refusals"), endpoints.length, simMs),
  ];
  const scenario: Scenario = {
    name: `random-${seed}`,
    about: "a random world",
    regions: regions.map(({ name, lon }) => ({ name, lon })),
    roundTripMs: regions.map((from) =>
      regions.map((to) => awsRoundTripMs(from.name, to.name) ?? SAME_REGION_ROUND_TRIP_MS),
    ),
    jitterSigma: draw.chance(0.4) ? draw.between(0.05, 0.6) : 0,
    endpoints,
    engine: { kind: "slots", firstTokenShare: draw.between(0.02, 0.3) },
    // From a stream of its own: the worlds of earlier seeds stay what they were.
    headersWithSlot: stream(seed, "headers")() < 0.3,
    adapters: null,
    demand: {
      kind: "work",
      workMs: draw.chance(0.5)
        ? { kind: "exponential", mean: workMs }
        : { kind: "lognormal", mean: workMs, sigma: draw.between(0.3, 1.2) },
    },
    demandByRegion: regions.map(() => draw.between(0.2, 1)),
    arrivals: pickArrivals(draw),
    loads: [load],
    requests: 0,
    seeds: 1,
    seed,
    objectiveMs: 1_000,
    firstTokenTimeoutMs: draw.between(1_500, 8_000),
    faults,
  };
  const options = {
    ...pickOptions(draw, scenario.firstTokenTimeoutMs),
    says: pickSpeakers(stream(seed, "classes"), regions.length),
  };
  const count = Math.max(20, Math.min(REQUESTS_MAX, Math.round(((load * power) / workMs) * simMs)));
  const workload = createWorkload(scenario, { load, seed, count, trace: null });
  return { scenario, options, workload: withMark(workload) };
}

function pickRegions({ whole, rng }: Draw): readonly { readonly name: string; readonly lon: number }[] {
  const left = [...AWS_REGIONS];
  return Array.from({ length: whole(1, 3) }, () => {
    const [picked] = left.splice(Math.floor(rng() * left.length), 1);
    return picked ?? AWS_REGIONS[0];
  });
}

function pickEndpoints({ whole, between, chance }: Draw, regions: number): readonly EndpointSetup[] {
  return Array.from({ length: whole(1, 5) }, (_, index): EndpointSetup => {
    const isElastic = index > 0 && chance(0.3);
    return {
      id: `gpu.${index}`,
      region: index < regions && chance(0.8) ? index : whole(0, regions - 1),
      slots: whole(1, 8),
      speed: chance(0.5) ? 1 : between(0.5, 4),
      startsCold: isElastic && chance(0.6),
      coldStartMs: between(500, 8_000),
      idleMs: isElastic ? between(2_000, 15_000) : null,
    };
  });
}

function pickArrivals({ between, chance }: Draw): Arrivals {
  if (chance(0.5)) return { kind: "poisson" };
  if (chance(0.5)) return { kind: "gamma", cv: between(1, 4) };
  return { kind: "bursts", factor: between(2, 5), share: between(0.05, 0.19), burstMs: between(500, 4_000) };
}

/** Weighed by how much each one has found. */
const FAULTS: readonly FaultKind[] = [
  "slow",
  "fail_fast",
  "fail_fast",
  "black_hole",
  "outage",
  "outage",
  "cold",
  "burst",
  "jitter",
  "lost_messages",
  "partition",
  "evict",
  "evict",
];

function pickFaults({ whole, between, chance, rng }: Draw, endpoints: number, regions: number, simMs: number): Fault[] {
  return Array.from({ length: whole(0, 4) }, (): Fault => {
    const kind = FAULTS[Math.floor(rng() * FAULTS.length)] ?? "slow";
    const from = between(0.02, 0.8) * simMs;
    const lengthMs = kind === "burst" ? between(200, 2_000) : between(0.05, 0.5) * simMs;
    return {
      kind,
      from,
      to: Math.min(0.95 * simMs, from + lengthMs),
      isShare: false,
      endpoints: Array.from({ length: endpoints }, (_, index) => index).filter(() => chance(0.4)),
      regions: Array.from({ length: regions }, (_, index) => index).filter(() => chance(0.5)),
      factor: kind === "burst" ? 10 : between(2, 10),
      share: kind === "lost_messages" && chance(0.3) ? 1 : between(0.05, 1),
      sigma: between(0.2, 0.8),
    };
  });
}

/** Some endpoints refuse for want of room, at times. From a stream of its own: the rest of earlier seeds' worlds stays. */
function pickRefusals(rng: Rng, endpoints: number, simMs: number): Fault[] {
  if (rng() > REFUSALS_SHARE) return [];
  const from = 0.8 * rng() * simMs;
  return [
    {
      kind: "no_room",
      from,
      to: Math.min(0.95 * simMs, from + 0.5 * rng() * simMs),
      isShare: false,
      endpoints: Array.from({ length: endpoints }, (_, index) => index).filter(() => rng() < 0.6),
      regions: [],
      factor: 1,
      share: rng() < 0.3 ? 1 : rng(),
      sigma: 0,
    },
  ];
}

/** Several tenants and classes in each region. From a stream of its own, as the refusals. */
function pickSpeakers(rng: Rng, regions: number): readonly (readonly Speaker[])[] {
  if (rng() > CLASSES_SHARE) return [];
  return Array.from({ length: regions }, () =>
    Array.from({ length: 1 + Math.floor(rng() * 4) }, () => ({
      sender: { tenant: `tenant ${Math.floor(rng() * 3)}` },
      priority: PRIORITIES[Math.floor(rng() * PRIORITIES.length)] ?? "normal",
    })),
  );
}

function pickOptions({ whole, between, chance }: Draw, firstTokenTimeoutMs: number): ProductionOptions {
  return {
    ...CONFIG_DEFAULTS,
    edgesPerRegion: whole(1, 3),
    patienceMs: chance(0.7) ? 50 : between(0, 400),
    attemptsMax: chance(0.9) ? 2 : 1,
    queueDepthMax: chance(0.3) ? whole(0, 4) : 100,
    queueWaitMsMax: between(200, 4_000),
    coldWaitMsMax: between(0, 8_000),
    leaseTtlMs: between(2_000, 8_000),
    // A lease lives as long as an attempt may, so the first token may not be waited for longer than that.
    executionTimeoutMs: chance(0.2) ? firstTokenTimeoutMs + between(0, 6_000) : 60_000,
    hedgeAfterMsMin: chance(0.4) ? between(25, 200) : null,
    doubledShare: chance(0.5) ? between(0.01, 0.3) : 0,
    leaveShare: chance(0.4) ? between(0.01, 0.3) : 0,
    leaveMs: between(50, 3_000),
    drains: true,
  };
}

/** One more request, long after the others: the mark of the end. */
function withMark(workload: Workload): Workload {
  const { requests } = workload;
  const count = requests.count + 1;
  const lastMs = requests.arrivalMs[requests.count - 1] ?? 0;
  return {
    ...workload,
    requests: {
      ...requests,
      count,
      arrivalMs: Float64Array.from({ length: count }, (_, index) => requests.arrivalMs[index] ?? lastMs + MARK_MS),
      region: Uint8Array.from({ length: count }, (_, index) => requests.region[index] ?? 0),
      workMs: Float64Array.from({ length: count }, (_, index) => requests.workMs[index] ?? 0),
      promptTokens: Int32Array.from({ length: count }, (_, index) => requests.promptTokens[index] ?? 1),
      outputTokens: Int32Array.from({ length: count }, (_, index) => requests.outputTokens[index] ?? 1),
      blockStart: new Int32Array(count + 1),
    },
  };
}
