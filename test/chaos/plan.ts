/**
 * Decides what a chaos run does: every request, when its client leaves, and what is broken meanwhile. Pure: the same
 * seed gives the same plan, so a run that failed can be asked for again.
 *
 * Disturbances stand between requests and not on a clock, so that a slow machine meets as many of them as a fast one.
 */
import type { FaultInput } from "../../backends/gpu-simulator/faults.ts";
import { seededRng } from "../../src/lib/rng.ts";
import type { Rng } from "../../src/lib/rng.ts";

export const CHAOS_REGIONS = ["us-east", "eu-west", "ap-northeast"] as const;
/** One of each kind in every region; `-lb` answers as Runpod does. */
const CHAOS_ENDPOINTS = CHAOS_REGIONS.flatMap((region) => [`${region}-vllm`, `${region}-lb`]);

/** `ms` after it was sent, or as soon as so many `bytes` of the answer have come. */
export type Leave = { readonly how: "close" | "reset" } & (
  | { readonly afterMs: number }
  | { readonly afterBytes: number }
);

type ChaosRequest = {
  readonly place: string;
  readonly stream: boolean;
  readonly maxTokens: number;
  readonly leave: Leave | null;
};

export type Disturbance =
  | { readonly kind: "fault"; readonly endpointId: string; readonly fault: FaultInput }
  | { readonly kind: "restart"; readonly region: string }
  /** SIGKILL to the router, and a new process on the same state. */
  | { readonly kind: "crash" };

export type ChaosStep = ChaosRequest & { readonly before: readonly Disturbance[] };

export type ChaosPlanOptions = { readonly requests: number; readonly seed: number; readonly crashes: number };

/** Share of requests whose client leaves before the end. */
const LEAVE_SHARE = 0.15;
/** Requests between two faults, and between two restarts of a shard, on average. */
const REQUESTS_PER_FAULT = 6;
const REQUESTS_PER_RESTART = 50;

export function planChaos({ requests, seed, crashes }: ChaosPlanOptions): ChaosStep[] {
  const rng = seededRng(seed);
  const crashEvery = Math.floor(requests / (crashes + 1));
  return Array.from({ length: requests }, (_, index) => {
    const before: Disturbance[] = [];
    if (rng() < 1 / REQUESTS_PER_FAULT) before.push(fault(rng));
    if (rng() < 1 / REQUESTS_PER_RESTART) before.push({ kind: "restart", region: pick(rng, CHAOS_REGIONS) });
    if (index > 0 && crashes > 0 && index % crashEvery === 0 && index / crashEvery <= crashes)
      before.push({ kind: "crash" });
    return { ...request(rng), before };
  });
}

function request(rng: Rng): ChaosRequest {
  const stream = rng() < 0.7;
  return {
    place: pick(rng, CHAOS_REGIONS),
    stream,
    maxTokens: 1 + Math.floor(rng() * 60),
    leave: rng() < LEAVE_SHARE ? leave(rng, stream) : null,
  };
}

function leave(rng: Rng, stream: boolean): Leave {
  const how = rng() < 0.5 ? "close" : "reset";
  // The headers come after some milliseconds: half of these leave before them.
  if (!stream || rng() < 0.5) return { how, afterMs: Math.floor(rng() * 30) };
  return { how, afterBytes: 1 + Math.floor(rng() * 5_000) };
}

/** Every kind the simulator knows. Most end by themselves; what lasts is healed by a later `none`. */
function fault(rng: Rng): Disturbance {
  const endpointId = pick(rng, CHAOS_ENDPOINTS);
  const times = 1 + Math.floor(rng() * 4);
  const status = (code: number): FaultInput => ({ kind: "status", status: code, times });
  const faults: readonly FaultInput[] = [
    { kind: "none" },
    { kind: "none" },
    { kind: "reset", times },
    { kind: "reset", times: times * 4, paths: "all" },
    { kind: "hang", times: 1 },
    { kind: "refuse", forMs: 20 + Math.floor(rng() * 400) },
    { kind: "slow", factor: 2 + Math.floor(rng() * 10) },
    { kind: "die_after_bytes", bytes: 0, times },
    { kind: "die_after_bytes", bytes: 1 + Math.floor(rng() * 3_000), times },
    { kind: "die_after_bytes", bytes: 1 + Math.floor(rng() * 300), times },
    status(429),
    status(500),
    status(503),
    { kind: "status", status: 503, latencyMs: 50, times },
    // A server that is not Runpod's would mean by a 400 that the request is wrong.
    endpointId.endsWith("-lb")
      ? { kind: "capacity", answer: pick(rng, ["timed_out", "no_workers"]), times }
      : status(429),
  ];
  return { kind: "fault", endpointId, fault: pick(rng, faults) };
}

function pick<Item>(rng: Rng, items: readonly Item[]): Item {
  const item = items[Math.floor(rng() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
