/**
 * The state of one shard, the one authority over the leases of its endpoints, and what peers and time do to it.
 * Acquiring is in `shard-acquire.ts`, settling in `shard-settle.ts`.
 *
 * Model. A Durable Object, one per pool and region, holds one `ShardState` in memory; its shell (`routing/host/`) calls
 * these functions with a clock and performs the effects that they return as data. The simulator runs the same shell.
 */
import type { Peer, SentSince, ShardState } from "./shard-state.ts";
import { createAffinity } from "./affinity.ts";
import { createBudgets } from "./budget.ts";
import { createShares } from "./fair-shares.ts";
import { createDebts } from "./tenant-debts.ts";
import type { EndpointView, ViewSet } from "../endpoint/endpoint-view.ts";
import { staticView } from "../endpoint/static-view.ts";
import { createEndpoint, endpointView } from "../endpoint/endpoint.ts";
import type { EndpointState } from "../endpoint/endpoint-state.ts";
import { NO_EVENTS } from "../../../lib/fading-count.ts";
import { createLeaseTable, expireLeases, inFlight } from "./leases.ts";
import type { PoolSpec } from "../pool.ts";
import { hearPoison } from "./shard-poison.ts";
import { forgetPutBackable } from "./shard-put-back.ts";
import { kvUsedAt, workTokensAt } from "./shard-line.ts";
import { createNews } from "./shard-news.ts";
import { createPoisonBook, tellSuspects } from "./poison.ts";
import { regionRoundTrip, regionRoundTrips } from "../cost/terms/net.ts";

/** What the shell must do. `resolved`: wake whoever awaits that queued lease. */
export type Effect =
  | { readonly kind: "wake"; readonly endpointId: string }
  | { readonly kind: "probe"; readonly endpointId: string }
  | { readonly kind: "resolved"; readonly leaseId: string };

/** Digests go out this often while there is traffic, ms. */
export const DIGEST_EVERY_MS = 500;

/** A digest older than this says nothing any more, ms: its endpoints fall back to their configuration. */
export const DIGEST_LIFE_MS = 30_000;

/** A shard without traffic for this long stops probing and lets itself be evicted, ms. */
export const ACTIVE_MS = 60_000;

/** An isolate counts as asking for this long after its last request, ms. */
export const ASKER_MS = 1_000;

/** Isolates remembered; the oldest is forgotten first. */
export const ASKERS_MAX = 1_024;

export function createShard(pool: PoolSpec, region: string, epoch: number, now: number): ShardState {
  const own = pool.endpoints.filter((spec) => spec.region === region);
  return {
    pool,
    region,
    endpoints: new Map(own.map((spec) => [spec.id, createEndpoint(spec, now)])),
    leases: createLeaseTable(epoch),
    budgets: createBudgets(),
    debts: createDebts(),
    affinity: createAffinity(),
    demand: NO_EVENTS,
    scaledAtMs: Number.NEGATIVE_INFINITY,
    peers: new Map(),
    queue: new Map(),
    shares: createShares(),
    turns: 0,
    putBackable: [],
    arrivals: [],
    resolved: new Map(),
    askers: new Map(),
    lastTrafficMs: Number.NEGATIVE_INFINITY,
    digestSentMs: Number.NEGATIVE_INFINITY,
    poison: createPoisonBook(epoch),
    news: createNews(),
  };
}

export function isActive(state: ShardState, now: number): boolean {
  return now - state.lastTrafficMs < ACTIVE_MS || state.leases.live.size > 0;
}

/** The shard's own endpoints, exact at `now`; for one decision with the round trip of its client's place alone. */
export function ownViews(state: ShardState, now: number, clientKey?: string): EndpointView[] {
  const own = [...state.endpoints.values()];
  const trips = own.map(({ roundTripMs }) => roundTripMs);
  const client = clientKey === undefined ? null : { key: clientKey, regionMs: regionRoundTrip(trips, now, clientKey) };
  const regionTripMs = client === null ? regionRoundTrips(trips, now) : NO_TRIPS;
  return own.map((endpoint) =>
    endpointView(endpoint, inFlight(state.leases, endpoint.spec.id), now, {
      client,
      regionTripMs,
      workTokens: workTokensAt(state, endpoint, now),
      kvUsed: kvUsedAt(state, endpoint, now),
    }),
  );
}

const NO_TRIPS: Readonly<Record<string, number>> = {};

/**
 * Endpoints that are looked at while there is no traffic: those that keep a GPU worker. The probe of one that scales to
 * zero may wake it, and it being gone is what is expected of it.
 */
export function watchedIdle({ endpoints }: ShardState): EndpointState[] {
  return [...endpoints.values()].filter(({ spec, drained }) => spec.workersMin > 0 && !drained);
}

/** Every endpoint of the pool: own ones exact, the others from their shard's digest, else from configuration. */
export function allViews(state: ShardState, now: number, clientKey?: string): EndpointView[] {
  const views = ownViews(state, now, clientKey);
  for (const spec of state.pool.endpoints) {
    if (spec.region === state.region) continue;
    const peer = livePeer(state, spec.region, now);
    const digested = peer?.views.get(spec.id);
    if (peer === null || digested === undefined) {
      views.push(staticView(spec));
      continue;
    }
    views.push(seenSince(digested, peer.sentSince.get(spec.id), now - peer.atMs));
  }
  return views;
}

/** A digest's view, `ageMs` old, with what was sent there since. */
function seenSince(digested: EndpointView, sent: SentSince | undefined, ageMs: number): EndpointView {
  const { requests, work, kv } = sent ?? NOTHING_SENT;
  return {
    ...digested,
    inFlight: digested.inFlight + requests,
    workTokens: (digested.workTokens ?? 0) + work,
    kvUsed: (digested.kvUsed ?? 0) + kv,
    cacheWritten: (digested.cacheWritten ?? 0) + work,
    refusesForMs: Math.max(0, (digested.refusesForMs ?? 0) - ageMs),
    ageMs,
  };
}

const NOTHING_SENT: SentSince = { requests: 0, work: 0, kv: 0 };

/** The peer whose digest still says something of its endpoints; null when there is none. */
function livePeer(state: ShardState, region: string, now: number): Peer | null {
  const peer = state.peers.get(region);
  return peer === undefined || now - peer.atMs > DIGEST_LIFE_MS ? null : peer;
}

/** Age of each digest that `allViews` uses, by region, ms. */
export function digestAgesMs(state: ShardState, now: number): Record<string, number> {
  const live = [...state.peers].filter(([region]) => livePeer(state, region, now) !== null);
  return Object.fromEntries(live.map(([region, { atMs }]) => [region, now - atMs]));
}

/** Ends every lease that is due, and with it the grant of a queued request that nobody has fetched. */
export function dropExpired(state: ShardState, now: number): void {
  for (const { id } of expireLeases(state.leases, now)) {
    state.resolved.delete(id);
    forgetPutBackable(state, id);
  }
}

/** What this shard tells its peers and the edge about its own endpoints. */
export function makeDigest(state: ShardState, now: number): ViewSet {
  dropExpired(state, now);
  const poison = tellSuspects(state.poison, now);
  const told = poison.length === 0 ? {} : { poison };
  return { epoch: state.leases.epoch, region: state.region, views: ownViews(state, now), ...told };
}

/** What this shard tells the edge about the whole pool, for the time when it cannot be asked. */
export function makeSnapshot(state: ShardState, now: number): ViewSet {
  const { epoch } = state.leases;
  return { epoch, region: state.region, views: allViews(state, now), digestAgesMs: digestAgesMs(state, now) };
}

/** Takes a peer's digest; one of an older incarnation than the last is ignored. */
export function absorbDigest(state: ShardState, set: ViewSet, now: number): void {
  const known = state.peers.get(set.region);
  if (set.region === state.region || (known !== undefined && known.set.epoch > set.epoch)) return;
  if (!state.pool.endpoints.some((spec) => spec.region === set.region)) return;
  const views = new Map(set.views.map((view) => [view.id, view]));
  state.peers.set(set.region, { set, views, atMs: now, sentSince: new Map() });
  if (set.poison !== undefined) hearPoison(state, set.poison, now);
}

/** Other regions of the pool, to exchange digests with. */
export function peerRegions(state: ShardState): string[] {
  const regions = new Set(state.pool.endpoints.map((spec) => spec.region));
  regions.delete(state.region);
  return [...regions];
}

/** Peers must hear at once of what has changed. */
export function tellPeersSoon(state: ShardState): void {
  state.digestSentMs = Number.NEGATIVE_INFINITY;
}

export const hasNews = ({ digestSentMs }: ShardState): boolean => digestSentMs === Number.NEGATIVE_INFINITY;

/** True at most once per DIGEST_EVERY_MS, and at once when there is news: the caller then exchanges digests. */
export function isDigestDue(state: ShardState, now: number): boolean {
  if (now - state.digestSentMs < DIGEST_EVERY_MS) return false;
  state.digestSentMs = now;
  return true;
}

/** Isolates that asked within ASKER_MS, this one included. */
export function countAsker(state: ShardState, leaseId: string, now: number): number {
  const isolate = leaseId.slice(0, leaseId.indexOf("-"));
  state.askers.delete(isolate);
  state.askers.set(isolate, now);
  for (const [oldest, atMs] of state.askers) {
    if (now - atMs <= ASKER_MS && state.askers.size <= ASKERS_MAX) break;
    state.askers.delete(oldest);
  }
  return state.askers.size;
}
