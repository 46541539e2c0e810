/**
 * Decides which endpoints a request does not try after another one has refused it, because they have just refused the same.
 *
 * Model. A refusal of an idle endpoint may be the request's own, so its shard does not believe it at once
 * (`room-doubt.ts`), and each further request would be tried at every endpoint. An isolate remembers it meanwhile: an
 * endpoint that refused FULL_TIMES requests of one tenant while it was idle, and has served nobody since, is full for that
 * tenant for FULL_MS, twice as long with each wait in vain, up to FULL_MS_MAX. Only second attempts are saved. A first one
 * goes where its shard sends it, and the first that is served ends the memory; so an endpoint that refuses everything
 * takes nothing from an idle one beside it, and whoever makes endpoints refuse saves attempts of its own tenant alone.
 * What an endpoint refuses that works at others is in no doubt: its shard hears of it, and holds what comes next.
 * Rejected: the same for all tenants, by which one with requests that no endpoint takes would leave the others a single
 * attempt; and a longer wait, after which an endpoint with room again is found too late.
 */
import { remember } from "../../lib/recent.ts";

type Refusals = {
  /** In a row. */
  readonly times: number;
  readonly waitMs: number;
  /** Full until then, ms. */
  readonly untilMs: number;
};

/** By endpoint, and by tenant. Written in place. */
export type FullLately = Map<string, Map<string, Refusals>>;

/** One refusal may be a moment's. */
export const FULL_TIMES = 2;
/** A second attempt that is saved is one that would have been refused a moment ago, ms. */
export const FULL_MS = 1_000;
/** Within five seconds of its return an endpoint is to be used in full. */
export const FULL_MS_MAX = 4_000;
/** Tenants remembered of an endpoint; the one that was refused longest ago is forgotten first. */
export const FULL_TENANTS_MAX = 256;

/** An idle endpoint refused a request of this tenant. */
export function noteFull(full: FullLately, endpointId: string, tenant: string, now: number): void {
  const tenants = full.get(endpointId) ?? new Map<string, Refusals>();
  full.set(endpointId, tenants);
  const known = tenants.get(tenant);
  // What began before the wait is the same news again.
  const isNew = known === undefined || now >= known.untilMs;
  const times = (known?.times ?? 0) + 1;
  const longer = known === undefined || known.times < FULL_TIMES ? FULL_MS : Math.min(FULL_MS_MAX, 2 * known.waitMs);
  const waitMs = isNew ? longer : known.waitMs;
  remember(tenants, tenant, { times, waitMs, untilMs: now + waitMs }, FULL_TENANTS_MAX);
}

/** Endpoints that are full for this tenant. */
export function fullFor(full: FullLately, tenant: string, now: number): string[] {
  return [...full].flatMap(([endpointId, tenants]) => {
    const known = tenants.get(tenant);
    return known !== undefined && known.times >= FULL_TIMES && now < known.untilMs ? [endpointId] : [];
  });
}
