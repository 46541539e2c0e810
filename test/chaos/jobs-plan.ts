/**
 * Decides what a chaos run of jobs does: every submission with its repetitions, and what is broken meanwhile. Pure: the
 * same seed gives the same plan.
 *
 * Disturbances stand on a clock of begun attempts, not of seconds, so that a slow machine meets as many of them as a
 * fast one and each kill finds jobs that wait, run and end.
 */
import type { FaultInput } from "../../backends/gpu-simulator/faults.ts";
import { seededRng } from "../../src/lib/rng.ts";
import type { Rng } from "../../src/lib/rng.ts";

export const TENANTS = ["red", "green", "blue", "white"] as const;
const JOB_REGIONS = ["us-east", "eu-west"] as const;
/** Two in each region. */
export const JOB_ENDPOINTS = JOB_REGIONS.flatMap((region) => [`${region}-a`, `${region}-b`]);

/** One client's wish for one job. */
export type JobRequest = {
  /** Number in the run; the job carries it as a tag. */
  readonly n: number;
  readonly tenant: (typeof TENANTS)[number];
  /** Null: its client gave none, and may make a second job when it hears no answer. */
  readonly key: string | null;
  /** How often the same submission is sent at once. */
  readonly copies: number;
  /** Sends another body under the same key afterwards. */
  readonly misuse: boolean;
  readonly cancel: boolean;
  readonly hook: boolean;
  readonly stream: boolean;
  readonly maxTokens: number;
};

export type JobDisturbance =
  | { readonly kind: "fault"; readonly endpointId: string; readonly fault: FaultInput }
  | { readonly kind: "shard"; readonly region: string }
  /** SIGKILL to workerd so many ms later, and a new process on the same state. */
  | { readonly kind: "kill"; readonly afterMs: number }
  /** The next GPU worker that pulls a job dies with it. */
  | { readonly kind: "worker" };

/** `at`: once so many attempts have begun. */
export type Planned = { readonly at: number; readonly what: JobDisturbance };

export type JobsPlanOptions = {
  readonly jobs: number;
  readonly kills: number;
  readonly seed: number;
  /** GPU workers that die with a job: each is found by its lease of 30 s. */
  readonly deadWorkers: number;
};

export type JobsPlan = { readonly wishes: readonly JobRequest[]; readonly disturbances: readonly Planned[] };

/** Share of the attempts within which everything is broken that will be: cancelled jobs make no attempt. */
const BROKEN_SHARE = 0.8;
const ATTEMPTS_PER_FAULT = 8;
const ATTEMPTS_PER_SHARD_RESTART = 120;
/** A kill comes so much later than its attempt at most: as long as an attempt takes, ms. */
const KILL_AFTER_MS = 80;

export function planJobs({ jobs, kills, seed, deadWorkers }: JobsPlanOptions): JobsPlan {
  const rng = seededRng(seed);
  const wishes = Array.from({ length: jobs }, (_, n) => wishOf(rng, n));
  const last = Math.floor(jobs * BROKEN_SHARE);
  const disturbances: Planned[] = [];
  for (let at = 0; at < last; at += 1 + Math.floor(rng() * 2 * ATTEMPTS_PER_FAULT)) {
    disturbances.push({ at, what: fault(rng) });
  }
  for (let at = ATTEMPTS_PER_SHARD_RESTART; at < last; at += ATTEMPTS_PER_SHARD_RESTART) {
    disturbances.push({ at, what: { kind: "shard", region: pick(rng, JOB_REGIONS) } });
  }
  for (let kill = 0; kill < kills; kill++) {
    const at = Math.floor(((kill + rng()) * last) / kills);
    disturbances.push({ at, what: { kind: "kill", afterMs: Math.floor(rng() * KILL_AFTER_MS) } });
  }
  for (let dead = 0; dead < deadWorkers; dead++) {
    disturbances.push({ at: Math.floor(rng() * last * 0.3), what: { kind: "worker" } });
  }
  return { wishes, disturbances: disturbances.sort((left, right) => left.at - right.at) };
}

function wishOf(rng: Rng, n: number): JobRequest {
  const key = rng() < 0.8 ? `key-${n}` : null;
  return {
    n,
    tenant: pick(rng, TENANTS),
    key,
    copies: key === null || rng() < 0.6 ? 1 : 2 + Math.floor(rng() * 2),
    misuse: key !== null && rng() < 0.05,
    cancel: rng() < 0.06,
    hook: rng() < 0.25,
    stream: rng() < 0.3,
    maxTokens: 1 + Math.floor(rng() * 40),
  };
}

/** All of them end by themselves, or by a later `none`. */
function fault(rng: Rng): JobDisturbance {
  const endpointId = pick(rng, JOB_ENDPOINTS);
  const times = 1 + Math.floor(rng() * 3);
  const faults: readonly FaultInput[] = [
    { kind: "none" },
    { kind: "none" },
    { kind: "reset", times },
    { kind: "hang", times: 1 },
    { kind: "refuse", forMs: 20 + Math.floor(rng() * 300) },
    { kind: "slow", factor: 2 + Math.floor(rng() * 4) },
    { kind: "die_after_bytes", bytes: Math.floor(rng() * 500), times },
    { kind: "status", status: 429, times },
    { kind: "status", status: 500, times },
    { kind: "status", status: 503, latencyMs: 30, times },
  ];
  return { kind: "fault", endpointId, fault: pick(rng, faults) };
}

function pick<Item>(rng: Rng, items: readonly Item[]): Item {
  const item = items[Math.floor(rng() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
