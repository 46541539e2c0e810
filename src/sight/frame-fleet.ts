/** The fleet as a frame shows it, from what its shards said of themselves. */
import type { FrameEndpoint, FrameShard } from "./core/frame.ts";
import type { ShownEndpoint } from "../wire/shard-status.ts";
import type { ShardAnswer } from "./ask-fleet.ts";

export function frameFleet(answers: readonly ShardAnswer[]): readonly FrameShard[] {
  return answers.map(({ pool, region, reachable, status }) => ({
    pool,
    region,
    reachable: reachable && status !== null,
    liveLeases: status?.liveLeases ?? null,
    queued: status?.queued ?? null,
    endpoints: (status?.endpoints ?? []).map(frameEndpoint),
  }));
}

/** Named one by one: what a view gets next is not shown by that. */
function frameEndpoint(view: ShownEndpoint): FrameEndpoint {
  const { ejectedForMs, refusesForMs, lateMs, workTokens, kvUsed, kvMax } = view;
  return {
    id: view.id,
    region: view.region,
    place: view.place,
    warmth: view.warmth,
    coldMs: view.coldMs,
    standing: view.standing,
    inFlight: view.inFlight,
    capacity: view.capacity,
    occupancyMs: view.occupancyMs,
    prefillTokensPerMs: view.prefillTokensPerMs,
    failureProbability: view.failureProbability,
    lastFailure: view.lastFailure,
    ...(ejectedForMs === undefined ? {} : { ejectedForMs }),
    ...(refusesForMs === undefined ? {} : { refusesForMs }),
    ...(lateMs === undefined ? {} : { lateMs }),
    ...(workTokens === undefined ? {} : { workTokens }),
    ...(kvUsed === undefined ? {} : { kvUsed }),
    ...(kvMax === undefined ? {} : { kvMax }),
  };
}
