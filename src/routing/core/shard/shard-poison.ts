/** What a shard does with news of requests that end endpoints (`poison.ts` decides): who is told, and when. */
import type { ProbeResult } from "../endpoint/endpoint.ts";
import type { Settlement } from "../shard-messages.ts";
import { clearSuspect, confirmDeath, hearSuspects, noteAlive, noteBroken, shownSuspects } from "./poison.ts";
import type { ShownSuspect, SuspectTold } from "./poison.ts";
import { pushLine } from "./shard-news.ts";
import type { ShardState } from "./shard-state.ts";

/** Requests under which endpoints ended, as far as it counts against them. */
export const suspectsOf = ({ poison, pool }: ShardState, now: number): readonly ShownSuspect[] =>
  shownSuspects(poison, pool.endpoints.length, now);

/** An attempt of a request that may be one has ended. */
export function noteSuspect(
  state: ShardState,
  { suspect, endpointId, outcome, failure }: Settlement,
  now: number,
): void {
  if (suspect === undefined) return;
  if (outcome === "served") {
    clearSuspect(state.poison, suspect, now);
    return;
  }
  const isBroken = outcome === "cut" || (outcome === "failed" && (failure?.status ?? null) === null);
  if (isBroken && noteBroken(state.poison, endpointId, suspect, now)) noteKills(state, [suspect], endpointId, now);
}

/** What a probe that was sent at `askedMs` found says whether an endpoint lives. */
export function noteLife(
  state: ShardState,
  endpointId: string,
  { kind }: ProbeResult,
  { now, askedMs }: { readonly now: number; readonly askedMs: number },
): void {
  if (kind === "ready") noteAlive(state.poison, endpointId, askedMs);
  else if (kind === "failed" || state.poison.deaths.has(endpointId)) {
    const killed = confirmDeath(state.poison, endpointId, now);
    if (killed.length > 0) noteKills(state, killed, endpointId, now);
  }
}

/** Another shard's word of its endpoints. */
export function hearPoison(state: ShardState, told: readonly SuspectTold[], now: number): void {
  const refused = refusedNow(state, now);
  const heard = new Set(hearSuspects(state.poison, told, now));
  for (const one of suspectsOf(state, now))
    if (heard.has(one.request) && !refused.has(one.request)) sayRefused(state, one, one.endpoints.at(-1) ?? "");
}

/** An operator speaks for one of them, or for all (null). How many that were. */
export function pardon(state: ShardState, request: string | null, now: number): number {
  const pardoned = suspectsOf(state, now).filter((one) => request === null || one.request === request);
  for (const one of pardoned) clearSuspect(state.poison, one.request, now);
  if (pardoned.length > 0) tellPeers(state);
  return pardoned.length;
}

/** Operators are told when one is refused from now on; peers of every kill, at once. */
function noteKills(state: ShardState, requests: readonly string[], endpointId: string, now: number): void {
  tellPeers(state);
  for (const one of suspectsOf(state, now)) if (requests.includes(one.request)) sayRefused(state, one, endpointId);
}

/** At once: each shard refuses by what all know. */
function tellPeers(state: ShardState): void {
  state.digestSentMs = Number.NEGATIVE_INFINITY;
}

function refusedNow(state: ShardState, now: number): ReadonlySet<string> {
  return new Set(suspectsOf(state, now).flatMap((one) => (one.refusedForMs > 0 ? [one.request] : [])));
}

function sayRefused(
  { news }: ShardState,
  { request, kills, endpoints, refusedForMs }: ShownSuspect,
  endpointId: string,
) {
  if (refusedForMs === 0) return;
  pushLine(news, { event: "request_refused", endpointId, request, kills, endpoints, refusedForMs });
}
