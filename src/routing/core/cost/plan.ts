/**
 * Decides, for requests that found no free slot, which of them leave now, and for where.
 *
 * Model. Held requests are planned in order of arrival, each on top of the plans before it, by the same cost as ever. The
 * lead of a plan is what passes anyway: the trip there, and the trip that the news of an end takes back. A planned request
 * leaves when its expected wait is at most LEAD_FACTOR times its lead, plus BACKLOG_SHARE of the time that everything held
 * needs; until then it stays, and is planned again at every arrival and every end. So near endpoints are bound late, far
 * ones early (a slot must not idle while its next request travels), and the deeper the backlog the less a slot may idle.
 * Requests that leave early wait in the endpoint's own queue, which is therefore used only where there is one
 * (`queuesExcess`).
 * Source: found in the simulator on the reference scenarios, with its figures (docs/explanation/simulator.md); the over-commit is the
 * bandwidth–delay product of a slot. Rejected: strict late binding, which is unstable across regions, and binding at
 * once, whose p99 is 1.2 to 1.7 times the bound in one region.
 */
import { costTerms, totalMs } from "./cost.ts";
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import { NEAR_MS, promptAt, readingFigures } from "./route.ts";
import type { PromptAt, RouteReason, RouteRequest } from "./route.ts";
import type { Rng } from "../../../lib/rng.ts";
import { exploring } from "./terms/net.ts";

/** Commit when the expected wait is at most this many times the lead; 1 lets a far slot idle when an end comes early. */
export const LEAD_FACTOR = 8;

/** … plus this share of the backlog's time: 0 costs a tenth of the p99 near saturation, 1 binds too early. */
export const BACKLOG_SHARE = 0.25;

/** Held requests planned at each event; later ones wait for their turn. Bounds a decision under overload. */
export const PLAN_MAX = 64;

export type HeldRequest = {
  readonly id: string;
  readonly request: RouteRequest;
  /** The only region it may leave for; null: any. */
  readonly onlyRegion: string | null;
  /** Its lead at an endpoint, ms, where the caller knows better than LEAD_TRIPS round trips. */
  readonly leadMsAt?: (view: EndpointView) => number;
};

export type Commit = {
  readonly id: string;
  readonly endpointId: string;
  readonly region: string;
  readonly reason: RouteReason;
  readonly costMs: number;
  readonly prompt: PromptAt;
};

export type Planned = {
  /** The held requests that leave now, in order. */
  readonly commits: readonly Commit[];
  /** Expected wait of those that stay, by id, ms; they are planned again by the next call. */
  readonly staysMs: ReadonlyMap<string, number>;
};

export type PlanOptions = {
  /** How many are held in all, where `held` is only the first of them. */
  readonly backlog?: number;
  /** Who is expected to wait no longer than this leaves at once, ms, where the endpoint queues what it cannot serve. */
  readonly boundWithinMs?: number;
};

export function planHeld(
  held: readonly HeldRequest[],
  views: readonly EndpointView[],
  rng: Rng,
  { backlog = held.length, boundWithinMs = 0 }: PlanOptions = {},
): Planned {
  const open = views.filter(({ standing, warmth }) => standing === "admitting" && warmth === "warm").map(planned);
  const endsPerMs = perMs(open);
  // Where nothing has room nothing ends, and nobody leaves early.
  const slackMs = endsPerMs === 0 ? 0 : (BACKLOG_SHARE * backlog) / endsPerMs;
  const commits: Commit[] = [];
  const staysMs = new Map<string, number>();
  for (const one of held.slice(0, PLAN_MAX)) {
    const { id, request } = one;
    const best = bestPlan(open, one, rng);
    if (best === null) continue;
    const { view } = best;
    const reading = readingFigures(view, request, best.netMs);
    view.inFlight += 1;
    view.workTokens += reading.work;
    view.kvUsed += request.inputTokens + (view.outputTokens ?? 0);
    if (!leavesNow(best, slackMs) && !(view.queuesExcess && best.waitMs <= boundWithinMs)) {
      staysMs.set(id, best.waitMs);
      continue;
    }
    const reason = isNearest(view, open, request) ? "nearest_warm" : "spill";
    const prompt = promptAt(reading, best.netMs);
    commits.push({ id, endpointId: view.id, region: view.region, reason, costMs: best.costMs, prompt });
  }
  return { commits, staysMs };
}

/** An endpoint with what is planned there; written in place. */
type PlannedView = EndpointView & { inFlight: number; workTokens: number; kvUsed: number };

const planned = (view: EndpointView): PlannedView => ({
  ...view,
  workTokens: view.workTokens ?? 0,
  kvUsed: view.kvUsed ?? 0,
});

type Plan = {
  readonly view: PlannedView;
  readonly netMs: number;
  readonly costMs: number;
  readonly waitMs: number;
  readonly leadMs: number;
  /** A slot is free, as far as is known: an old picture expects a wait even so. */
  readonly isFree: boolean;
};

/** The cheapest endpoint on top of what is planned there; equals are drawn. */
function bestPlan(open: readonly PlannedView[], { request, onlyRegion, leadMsAt }: HeldRequest, rng: Rng): Plan | null {
  let best: Plan | null = null;
  let equals = 0;
  const allowed = open.filter(
    ({ id, region }) => !request.excluded.includes(id) && (onlyRegion === null || region === onlyRegion),
  );
  const reachable = allowed.filter(({ region }) => region !== request.avoidRegion);
  const able = reachable.length > 0 ? reachable : allowed;
  for (const [index, seen] of exploring<EndpointView>(able, request).entries()) {
    const view = able[index];
    if (view === undefined) continue;
    const plan = planAt(seen, request, leadMsAt);
    if (best !== null && plan.costMs > best.costMs) continue;
    equals = best !== null && plan.costMs === best.costMs ? equals + 1 : 1;
    if (rng() * equals < 1) best = { ...plan, view };
  }
  return best;
}

/** The grant travels to the edge and the request to the endpoint: a round trip; the news of an end takes another half. */
export const LEAD_TRIPS = 1.5;

function planAt(view: EndpointView, request: RouteRequest, leadMsAt: HeldRequest["leadMsAt"]): Omit<Plan, "view"> {
  const terms = costTerms(view, request);
  const leadMs = leadMsAt?.(view) ?? LEAD_TRIPS * terms.net;
  // Only who knows the lead exactly may count on it: by the rule of thumb a far wait would look shorter than a near one.
  const overlapMs = leadMsAt === undefined ? 0 : Math.min(terms.wait, leadMs);
  const isFree = view.inFlight < view.capacity;
  return { netMs: terms.net, costMs: totalMs(terms) - overlapMs, waitMs: terms.wait, leadMs, isFree };
}

function leavesNow({ view, waitMs, leadMs, isFree }: Plan, slackMs: number): boolean {
  return isFree || (view.queuesExcess && waitMs <= LEAD_FACTOR * leadMs + slackMs);
}

/** Requests per ms that these endpoints end together. */
function perMs(open: readonly EndpointView[]): number {
  return open.reduce((sum, { capacity, occupancyMs }) => sum + capacity / occupancyMs, 0);
}

function isNearest(view: EndpointView, open: readonly EndpointView[], request: RouteRequest): boolean {
  const netMs = costTerms(view, request).net;
  return open.every((other) => costTerms(other, request).net >= netMs - NEAR_MS);
}
