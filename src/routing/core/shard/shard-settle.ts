/**
 * Decides what a shard learns when leases end: by settlement, by expiry, and when holders say that they still hold one.
 * A slot that frees goes to the queue at once.
 *
 * What a message says comes before what the clock says: a lease whose confirmation arrives with the call that would have
 * dropped it lives on, because its holder does use the slot.
 */
import { claimInherited, isRefusing, observeAttempt, standing } from "../endpoint/endpoint.ts";
import { renewLease, settleLease } from "./leases.ts";
import type { Rng } from "../../../lib/rng.ts";
import { dropExpired, tellPeersSoon } from "./shard.ts";
import type { ShardState } from "./shard-state.ts";
import type { Effect } from "./shard.ts";
import { REFUSED_RETRY_MS } from "./shard-grant.ts";
import { noteSuspect } from "./shard-poison.ts";
import { forgetPutBackable } from "./shard-put-back.ts";
import { resolve, serveQueue } from "./shard-queue.ts";
import { hearBegun, hearEnd, heldPrompt, settleLine } from "./shard-line.ts";
import { placeHeld, settleKey } from "./shard-locality.ts";
import { LOCAL_EPOCH } from "../shard-messages.ts";
import type { Report, LeaseConfirmation, Settlement } from "../shard-messages.ts";
import { failureKind, noteFailure, noteStandings } from "./shard-news.ts";
import { countDemand, scale } from "./shard-scale.ts";
import { chargeHeld, senderOf, settleService } from "./shard-shares.ts";
import { earnFor } from "./tenant-debts.ts";

/** Applies what an edge isolate had to tell, then drops what is due and serves the queue. */
export function applyReport(state: ShardState, report: Report, now: number, rng: Rng): Effect[] {
  if (report.settled.length > 0 || report.held.length > 0) state.lastTrafficMs = now;
  const effects: Effect[] = [];
  if (report.begun !== undefined) hearBegun(state, report.begun, now);
  for (const held of report.held) keepHeld(state, held, now);
  for (const settlement of report.settled) {
    if (!settle(state, settlement, effects, { now, rng })) continue;
    effects.push({ kind: "probe", endpointId: settlement.endpointId });
  }
  return [...effects, ...sweep(state, now, rng)];
}

/**
 * Drops what is due (expired leases, waiters whose time is up, outcomes nobody fetched), serves the queue, and wakes what
 * the demand calls for.
 */
export function sweep(state: ShardState, now: number, rng: Rng): Effect[] {
  dropExpired(state, now);
  for (const [leaseId, { forgetAtMs }] of state.resolved) {
    if (forgetAtMs > now) break;
    state.resolved.delete(leaseId);
  }
  const effects = serveQueue(state, now, rng);
  effects.push(...scale(state, now));
  noteStandings(state, now);
  return effects;
}

/** True when a probe should look at the endpoint. What ended already teaches nothing again. */
function settle(
  state: ShardState,
  told: Settlement,
  effects: Effect[],
  { now, rng }: { readonly now: number; readonly rng: Rng },
): boolean {
  const settlement = wholePrompt(told);
  const { leaseId } = settlement;
  hearEnd(state, settlement, now);
  const outcome = settleLease(state.leases, leaseId, now);
  state.resolved.delete(leaseId);
  forgetPutBackable(state, leaseId);
  // The request went elsewhere while it waited here: its place is free, and nobody may be left awaiting it.
  if (state.queue.has(leaseId)) {
    resolve(state, leaseId, { kind: "shed", retryAfterMs: REFUSED_RETRY_MS }, effects, now);
  }
  if (outcome.kind === "ended") return false;
  const lease = outcome.kind === "settled" ? outcome.lease : null;
  settleService(state, lease, settlement, now);
  const endpoint = state.endpoints.get(settlement.endpointId);
  if (endpoint === undefined) return false;
  noteSuspect(state, settlement, now);
  if (settlement.outcome === "served") earnFor(state.budgets, state.debts, senderOf(lease, settlement));
  if (settlement.outcome === "unused" && outcome.kind === "settled") countDemand(state, -1, now);
  const line = lease === null ? null : settleLine(lease, endpoint, settlement);
  settleKey(state, endpoint, settlement, { prompt: lease?.prompt ?? null, line }, now);
  const fromEarlier = settlement.epoch > LOCAL_EPOCH && settlement.epoch < state.leases.epoch;
  if (outcome.kind === "unknown" && fromEarlier) claimInherited(endpoint);
  const before = [standing(endpoint, now), isRefusing(endpoint, now)];
  const wantsProbe = observeAttempt(endpoint, settlement, now, rng, line);
  const kind = failureKind(settlement.outcome);
  if (kind !== null) noteFailure(state.news, settlement.endpointId, kind, settlement.failure, now);
  // Peers bind requests to it by what they last heard: they hear of an ejection or a refusal, and of its end, at once.
  if (standing(endpoint, now) !== before[0] || isRefusing(endpoint, now) !== before[1]) tellPeersSoon(state);
  return wantsProbe;
}

/** A prompt that goes on from an answer has more tokens than were sent, as its endpoint has counted. */
function wholePrompt(settlement: Settlement): Settlement {
  const { affinity, promptTokens } = settlement;
  if (affinity?.goesOn !== true || promptTokens === undefined) return settlement;
  return { ...settlement, inputTokens: promptTokens, affinity: { ...affinity, tokens: promptTokens } };
}

function keepHeld(state: ShardState, held: LeaseConfirmation, now: number): void {
  const endpoint = state.endpoints.get(held.endpointId);
  if (endpoint === undefined) return;
  const prompt = heldPrompt(held, now);
  const isKnown = (state.leases.live.get(held.leaseId)?.prompt ?? null) !== null;
  const outcome = renewLease(
    state.leases,
    {
      id: held.leaseId,
      endpointId: held.endpointId,
      epoch: held.epoch,
      ttlMs: state.pool.leaseTtlMs,
      capLeftMs: held.capLeftMs,
      prompt,
      begun: held.begun ?? false,
    },
    now,
  );
  placeHeld(state, held);
  chargeHeld(state, state.leases.live.get(held.leaseId), held, now);
  if (outcome !== "gone" && !isKnown) endpoint.cache.written += prompt?.work ?? 0;
  if (outcome !== "adopted") return;
  if (held.epoch > LOCAL_EPOCH) claimInherited(endpoint);
  // It came here without asking, and is demand like any other.
  else countDemand(state, 1, now);
}
