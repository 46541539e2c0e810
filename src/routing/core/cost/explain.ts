/**
 * Decides what an explanation holds: the decision that a request would meet now, with every
 * candidate, without making it.
 *
 * Model. The same `route` over the same views as a real request, in the shard that owns the state (`shard-explain.ts`)
 * or, when that shard does not answer, over what the edge would decide from (`explainAlone`). Nothing is changed: no
 * lease, no wake-up, no count of requests or of what was sent to a peer. So a tie may be drawn otherwise than for the
 * next request, and what the owner of another region decides among its own endpoints is not known here.
 * Rejected: a dry-run flag on `acquire`, which one forgotten branch turns into a lease.
 */
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import { adapterCosts } from "./terms/adapter.ts";
import { explainCandidates } from "./explain-why.ts";
import type { Winner } from "./explain-why.ts";
import { route, withReading } from "./route.ts";
import type { Candidate, RouteOutcome, RouteRequest } from "./route.ts";
import type { Rng } from "../../../lib/rng.ts";
import type { Priority } from "../shard/priority.ts";
import type { LinePlace } from "../shard-messages.ts";
import { netSource } from "./terms/net.ts";
import type { NetSource } from "./terms/net.ts";

export type ExplainRequest = Omit<RouteRequest, "exact"> & {
  /** The class whose place in line is asked for; absent: normal. */
  readonly priority?: Priority;
  /** Adapter that is asked for; null or absent: none. */
  readonly adapter?: string | null;
};

/** Who answered: the nearest shard itself, its last snapshot in this isolate, or the configuration alone. */
type ExplainSource = "shard" | "snapshot" | "static";

/** Where one candidate's figures came from: its owner, the owner's last digest, or its configuration alone. */
type ToldBy = "owner" | "digest" | "config";

export type ExplainedCandidate = Candidate & {
  readonly standing: EndpointView["standing"];
  readonly chosen: boolean;
  /** One sentence: why it was chosen, or what it lost to. */
  readonly why: string;
  readonly toldBy: ToldBy;
  /** Where its `net` comes from. */
  readonly netFrom: NetSource;
  /** Age of its figures, ms; null when they are the configuration's. */
  readonly ageMs: number | null;
};

export type Explanation = {
  readonly source: ExplainSource;
  /** Region of the shard that decided, or whose snapshot it was; null for the configuration alone. */
  readonly region: string | null;
  readonly decision: RouteOutcome;
  /** Fewer than half of the endpoints take traffic, and ejection is ignored. */
  readonly panic: boolean;
  /** The lowest cost first. */
  readonly candidates: readonly ExplainedCandidate[];
  /** Age of each other region's digest that was used, ms. */
  readonly digestAgesMs: Readonly<Record<string, number>>;
  /** Where it would have to stand in line; absent: no shard was asked, or an older one. */
  readonly line?: LinePlace;
};

/** Views without their owner: a snapshot `ageMs` old, or the configuration. */
export type Picture = {
  readonly source: ExplainSource;
  readonly region: string | null;
  readonly ageMs: number;
  readonly digestAgesMs: Readonly<Record<string, number>>;
};

/** What the edge would decide from `views` while no shard answers. */
export function explainAlone(
  views: readonly EndpointView[],
  request: ExplainRequest,
  picture: Picture,
  rng: Rng,
): Explanation {
  return explain(views, { ...request, exact: false }, picture, rng);
}

export function explain(
  views: readonly EndpointView[],
  asked: RouteRequest & Pick<ExplainRequest, "adapter">,
  picture: Picture,
  rng: Rng,
): Explanation {
  const request = { ...asked, adapterMsAt: adapterCosts(views, asked.adapter) };
  const { outcome, panic, candidates: weighed } = route(views, request, rng);
  const candidates = withReading(weighed, views, request);
  const winner: Winner | null = outcome.kind === "chosen" ? outcome : null;
  const told = views.map((view) => toldOf(view.region, picture));
  const left = views.map((view, index) => Math.max(0, (view.ejectedForMs ?? 0) - (told[index]?.ageMs ?? 0)));
  const whys = explainCandidates(
    candidates.map((one, index) => ({ ...one, ejectedForMs: left[index] ?? 0 })),
    winner,
  );
  const explained = candidates.map((one, index): ExplainedCandidate => ({
    ...one,
    standing: views[index]?.standing ?? "admitting",
    chosen: one.endpointId === winner?.endpointId,
    why: whys[index] ?? "",
    netFrom: netSource(views[index] ?? NO_VIEW, request),
    ...(told[index] ?? { toldBy: "config", ageMs: null }),
  }));
  return {
    source: picture.source,
    region: picture.region,
    decision: outcome,
    panic,
    candidates: explained.toSorted((one, other) => one.totalMs - other.totalMs),
    digestAgesMs: picture.digestAgesMs,
  };
}

const NO_VIEW = { roundTripMs: {} };

function toldOf(region: string, picture: Picture): Pick<ExplainedCandidate, "toldBy" | "ageMs"> {
  if (region === picture.region) return { toldBy: "owner", ageMs: picture.ageMs };
  const digestAgeMs = picture.digestAgesMs[region];
  if (digestAgeMs === undefined) return { toldBy: "config", ageMs: null };
  return { toldBy: "digest", ageMs: digestAgeMs };
}
