/**
 * Says, in one sentence a candidate, why it was chosen or what it lost to: the decision in words that an operator can
 * check against the figures beside them.
 *
 * Model. The first thing that decided: it may take nothing (ejected, draining, down, tried), it has no free slot, its
 * model is not loaded, or it would answer later, and then the term that makes most of the difference. Within the
 * router's tolerance nobody is later: the emptier one was taken, or a draw decided. Words are for people
 * and may change; programs read the terms. Rejected: instants ("until 12:03"), which the core cannot tell
 * and which lie across machines.
 */
import { assertNever } from "../../../lib/invariant.ts";
import type { CostTerms } from "./cost.ts";
import { NEAR_MS, NEAR_SHARE } from "./route.ts";
import type { Candidate, RouteReason } from "./route.ts";

/** How much later a term makes an endpoint, after a number of ms. */
const LATER: Readonly<Record<keyof CostTerms, string>> = {
  net: "farther",
  wait: "longer to wait for a slot",
  load: "slower at its load",
  pre: "slower to read the prompt",
  cold: "more of a cold start",
  risk: "more to expect from its failures",
};

const WON: Readonly<Record<RouteReason, string>> = {
  nearest_warm: "chosen: no warm endpoint is nearer",
  spill: "chosen: every nearer warm endpoint is full",
  cheaper: "chosen: a nearer warm endpoint has a slot, but would answer later",
  cold_start: "chosen: nothing warm would answer sooner than this cold start",
  panic: "chosen: too few endpoints take traffic, so ejection is ignored",
};

const WON_ALONE = "chosen without a shard: the lowest cost by what is known here";

/** `reason` is null where no shard was asked, and the choice was made from what was known without one. */
export type Winner = { readonly endpointId: string; readonly reason: RouteReason | null };

/** A candidate, with what is left of its ejection, ms; 0 or absent where that is not known. */
export type Weighed = Candidate & { readonly ejectedForMs?: number };

/** One sentence for each candidate, in their order. `winner` is null when nothing was chosen. */
export function explainCandidates(candidates: readonly Weighed[], winner: Winner | null): string[] {
  const chosen = candidates.find(({ endpointId }) => endpointId === winner?.endpointId) ?? null;
  const limitMs = nearLimitMs(candidates);
  return candidates.map((one) => {
    if (winner !== null && one === chosen) return winner.reason === null ? WON_ALONE : WON[winner.reason];
    return barred(one, winner) ?? notReady(one) ?? (chosen === null ? "not chosen" : later(one, chosen, limitMs));
  });
}

function barred(one: Weighed, winner: Winner | null): string | null {
  switch (one.excluded) {
    case null:
      return null;
    case "tried":
      return "excluded: this request has tried it";
    case "draining":
      return "draining: takes nothing new";
    case "ejected":
      if (winner?.reason === "panic") return null;
      return (one.ejectedForMs ?? 0) > 0 ? `ejected for another ${ms(one.ejectedForMs ?? 0)}` : "ejected";
    case "down":
      return winner?.reason === "panic" ? null : "down: its probes fail";
    default:
      return assertNever(one.excluded);
  }
}

function notReady({ warmth, terms, inFlight, capacity }: Weighed): string | null {
  const isFull = inFlight >= capacity;
  const slots = `${count(inFlight)} of ${count(capacity)}`;
  if (warmth !== "warm") return `${warmth}: ${ms(terms.cold)}${isFull ? `, and full: ${slots}` : ""}`;
  if (capacity === 0) return `has refused for want of room: asked again in ${ms(terms.wait)}`;
  return isFull ? `full: ${slots}, a slot in ${ms(terms.wait)}` : null;
}

/** Both have a slot and may take it; the other one did. */
function later(one: Weighed, chosen: Weighed, limitMs: number): string {
  const gapMs = one.totalMs - chosen.totalMs;
  if (one.totalMs <= limitMs || gapMs <= 0) {
    const isFuller = one.inFlight / one.capacity > chosen.inFlight / chosen.capacity;
    const slots = `${count(one.inFlight)} of ${count(one.capacity)}`;
    return isFuller ? `as fast, but fuller: ${slots}` : "as fast: the draw fell on the other";
  }
  let most: keyof CostTerms = "net";
  for (const term of Object.keys(LATER) as (keyof CostTerms)[]) {
    if (gapOf(one, chosen, term) > gapOf(one, chosen, most)) most = term;
  }
  const mostMs = gapOf(one, chosen, most);
  const inAll = Math.round(mostMs) === Math.round(gapMs) ? "" : `, ${ms(gapMs)} later in all`;
  return `${ms(mostMs)} ${most === "wait" ? waitFor(one) : LATER[most]}${inAll}`;
}

/** What it would wait for longest. */
function waitFor({ terms, reading }: Candidate): string {
  if (reading === undefined || Math.max(reading.lineMs, reading.kvMs) < terms.wait) return LATER.wait;
  return reading.lineMs >= reading.kvMs
    ? `longer until the prompts in line are read (${ms(reading.lineMs)} at ${perMs(reading.tokensPerMs)})`
    : `longer until it has KV memory (${count(reading.kvUsed)} of ${count(reading.kvMax ?? 0)} tokens taken)`;
}

const perMs = (tokens: number): string => `${tokens >= 10 ? count(tokens) : tokens.toPrecision(2)} tokens a ms`;

const gapOf = (one: Candidate, chosen: Candidate, term: keyof CostTerms): number =>
  one.terms[term] - chosen.terms[term];

/** Up to this cost the router takes endpoints as equally fast, ms. */
function nearLimitMs(candidates: readonly Candidate[]): number {
  const free = candidates.filter(
    (one) => one.excluded === null && one.warmth === "warm" && one.inFlight < one.capacity,
  );
  const bestMs = Math.min(...free.map(({ totalMs }) => totalMs));
  return free.length === 0 ? Number.NEGATIVE_INFINITY : bestMs + Math.max(NEAR_MS, NEAR_SHARE * bestMs);
}

const ms = (value: number): string => `${count(value)} ms`;

/** Whole, with a comma before each three digits: 25,000. */
function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
