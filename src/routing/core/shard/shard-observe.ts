/**
 * Decides what a shard does about news of an endpoint that no lease brought: a probe's result, an operator's word.
 *
 * Model. Both may free capacity (the endpoint is up again, or warm, or taken back into traffic), and a request may be
 * queued for exactly that; so both end in the queue, as a settlement does. Rejected: leaving it to the next message or
 * to the alarm, which lets a request wait for a second beside a free slot, or be shed beside it.
 */
import { observeProbe, setDrained } from "../endpoint/endpoint.ts";
import type { ProbeResult } from "../endpoint/endpoint.ts";
import type { Rng } from "../../../lib/rng.ts";
import { inFlight } from "./leases.ts";
import type { ShardState } from "./shard-state.ts";
import type { Effect } from "./shard.ts";
import { noteFailure } from "./shard-news.ts";
import { noteLife } from "./shard-poison.ts";
import { sweep } from "./shard-settle.ts";

/** Takes the result of a probe that was sent at `askedMs`, then serves the queue. */
export function applyProbe(
  state: ShardState,
  endpointId: string,
  result: ProbeResult,
  now: number,
  rng: Rng,
  askedMs: number = now,
): readonly Effect[] {
  const endpoint = state.endpoints.get(endpointId);
  if (endpoint === undefined) return [];
  noteLife(state, endpointId, result, { now, askedMs });
  observeProbe(endpoint, result, now, inFlight(state.leases, endpointId));
  if (result.kind === "failed") noteFailure(state.news, endpointId, "probe", result.failure, now);
  return sweep(state, now, rng);
}

/**
 * Takes an endpoint out of traffic, or puts it back; null when it is not this shard's. It gets no new lease from then
 * on, not even in panic; attempts that hold one run to their end. Asked twice it changes nothing.
 */
export function applyDrain(
  state: ShardState,
  endpointId: string,
  drained: boolean,
  now: number,
  rng: Rng,
): readonly Effect[] | null {
  const endpoint = state.endpoints.get(endpointId);
  if (endpoint === undefined) return null;
  if (!setDrained(endpoint, drained)) return [];
  const effects = sweep(state, now, rng);
  // What it is like by now is not known from traffic: it had none.
  return drained ? effects : [...effects, { kind: "probe", endpointId }];
}
