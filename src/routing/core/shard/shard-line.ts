/**
 * Decides what a shard makes of prompts: how long the line at each of its endpoints is, what a grant says of its place in
 * it, and what first tokens and ends teach of an endpoint's reading and of its cache.
 *
 * Model. `endpoint/prompt-line.ts` and `endpoint/reading.ts` have the rules; this is where leases, messages and endpoints
 * meet. What the engine itself says of its load counts where it is more than the leases say, for it also reads prompts of
 * others; what was sent there since it said so is counted on top.
 */
import type { EndpointState } from "../endpoint/endpoint-state.ts";
import { toldCached } from "../endpoint/endpoint-learn.ts";
import type { LineSeen } from "../endpoint/endpoint-learn.ts";
import { freshWords } from "../endpoint/engine-report.ts";
import { EVIDENCE_TOKENS_MIN, observeReuse } from "../endpoint/prompt-cache.ts";
import { lineOf } from "../endpoint/prompt-line.ts";
import type { LeasePrompt, Reuse } from "../endpoint/prompt-line.ts";
import { observeRead, speedOf } from "../endpoint/reading.ts";
import { inFlight, noteRead, promptTokensAt, unreadAt } from "./leases.ts";
import type { Lease } from "./leases.ts";
import type { PromptAt } from "../cost/route.ts";
import type { AcquireRequest, Begun, Grant, LeaseConfirmation, Settlement } from "../shard-messages.ts";
import { holderOf } from "./affinity.ts";
import type { ShardState } from "./shard-state.ts";

/** News of a first token rides on another message for so long, ms … */
export const BEGUN_RIDE_MS = 50;
/** … or for so long, ms, where the line was shorter than LONG_LINE_MS: it is over by itself before anyone asks. */
export const BEGUN_RIDE_MS_MAX = 200;
/** A line as long as this is worth a message, ms. */
export const LONG_LINE_MS = 100;

/** Prompt tokens in line at an endpoint of this shard. */
export function workTokensAt(state: ShardState, endpoint: EndpointState, now: number): number {
  const { reading } = endpoint;
  const speed = speedOf(reading);
  const unread = unreadAt(state.leases, endpoint.spec.id);
  const own = lineOf(unread, { speed, lastMs: reading.lastMs }, now).leftMs * speed;
  const words = freshWords(endpoint.engine, now);
  if (words?.report.waitingTokens === undefined) return own;
  const since = sentSince(unread, words.atMs, ({ work }) => work);
  return Math.max(own, words.report.waitingTokens + since - speed * (now - words.atMs));
}

/** Tokens of KV memory that the requests at an endpoint of this shard take in the end. */
export function kvUsedAt(state: ShardState, endpoint: EndpointState, now: number): number {
  const { id } = endpoint.spec;
  const own = promptTokensAt(state.leases, id) + inFlight(state.leases, id) * endpoint.outputTokens.value;
  const words = freshWords(endpoint.engine, now);
  if (words?.report.kvTokensUsed === undefined) return own;
  const since = sentSince(unreadAt(state.leases, id), words.atMs, ({ tokens }) => tokens);
  return Math.max(own, words.report.kvTokensUsed + since);
}

function sentSince(unread: Iterable<Lease>, sinceMs: number, of: (prompt: LeasePrompt) => number): number {
  let sum = 0;
  for (const { prompt, grantedAtMs } of unread) if (prompt !== null && grantedAtMs > sinceMs) sum += of(prompt);
  return sum;
}

/** The prompt of a request that is about to be granted at `endpoint`. */
export function promptOf(
  state: ShardState,
  { inputTokens, affinity = null, stream = false }: AcquireRequest,
  endpoint: EndpointState,
  { work, netMs, isBlocked }: PromptAt,
  now: number,
): LeasePrompt {
  const holder = affinity === null ? null : holderOf(state.affinity, affinity, endpoint.spec.id);
  const reuse: Reuse | null =
    holder === null
      ? null
      : { tokens: Math.min(holder.tokens, inputTokens), distance: endpoint.cache.written - holder.written };
  // The grant goes back to the edge, and the request to the endpoint: half a round trip each where both are near.
  return { tokens: inputTokens, work, atEndpointMs: now + netMs, backMs: netMs / 2, isBlocked, isTold: stream, reuse };
}

/** The prompt that a holder says it runs under its lease; null: it does not say. */
export function heldPrompt(
  { prompt, work, sinceMs = 0, backMs = 0 }: LeaseConfirmation,
  now: number,
): LeasePrompt | null {
  if (prompt === undefined || work === undefined) return null;
  return { tokens: prompt, work, atEndpointMs: now - sinceMs, backMs, isBlocked: false, reuse: null };
}

/** What a grant says of its prompt's place in line. */
export function toldOfLine(
  work: number,
  { netMs, aheadMs }: PromptAt,
): Pick<Grant, "work" | "netMs" | "begunWithinMs"> {
  return { work, netMs, begunWithinMs: aheadMs >= LONG_LINE_MS ? BEGUN_RIDE_MS : BEGUN_RIDE_MS_MAX };
}

/** First tokens came. */
export function hearBegun(state: ShardState, begun: readonly Begun[], now: number): void {
  for (const { leaseId, endpointId, agoMs, backMs } of begun) {
    const lease = state.leases.live.get(leaseId);
    const endpoint = state.endpoints.get(endpointId);
    if (lease === undefined || endpoint === undefined || lease.endpointId !== endpointId) continue;
    learnRead(state, lease, endpoint, now - agoMs - backMs);
    noteRead(state.leases, lease);
  }
}

/** The first token of a lease whose prompt is in line left the endpoint at `atMs`. */
function learnRead({ leases }: ShardState, lease: Lease, endpoint: EndpointState, atMs: number): void {
  const { prompt, begun } = lease;
  if (prompt === null || begun) return;
  const { reading } = endpoint;
  const speed = { speed: speedOf(reading), lastMs: reading.lastMs };
  const { busySinceMs } = lineOf(unreadAt(leases, lease.endpointId), speed, atMs, prompt);
  observeRead(reading, { work: prompt.work, busySinceMs, isBlocked: prompt.isBlocked }, atMs);
}

/** An attempt has ended, and its lease is about to: its first token may not have been told before. */
export function hearEnd(state: ShardState, { leaseId, ttftMs, heldMs, outcome }: Settlement, now: number): void {
  const lease = state.leases.live.get(leaseId);
  const endpoint = lease === undefined ? undefined : state.endpoints.get(lease.endpointId);
  if (lease === undefined || endpoint === undefined || lease.prompt === null) return;
  if (ttftMs === null || outcome !== "served") return;
  learnRead(state, lease, endpoint, now - Math.max(0, heldMs - ttftMs) - lease.prompt.backMs);
}

/** What an ended lease knew of its prompt; what its end says of the cache is noted. */
export function settleLine({ prompt, aheadMs }: Lease, endpoint: EndpointState, settlement: Settlement): LineSeen {
  const cached = toldCached(settlement);
  // Nothing was sent, so nothing was written.
  if (settlement.outcome === "unused") endpoint.cache.written -= prompt?.work ?? 0;
  if (cached !== null && prompt !== null) {
    endpoint.cache.written += Math.max(0, settlement.inputTokens - cached) - prompt.work;
  }
  return { aheadMs, cachedTokens: prompt === null ? null : prompt.tokens - prompt.work };
}

/** What was thought to be cached of it was, or was not. `isTrusted`: most of what is said of its key is true. */
export function learnReuse(
  { cache }: EndpointState,
  { reuse }: LeasePrompt,
  wasCached: boolean,
  isTrusted: boolean,
): void {
  if (reuse === null || reuse.tokens < EVIDENCE_TOKENS_MIN || !isTrusted) return;
  observeReuse(cache, reuse.distance, wasCached);
}
