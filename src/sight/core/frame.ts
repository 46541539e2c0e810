/**
 * What the dashboard draws at one instant, the same whether it was pushed over the socket or asked for: pools and their
 * endpoints, rates over the last moments, decisions that are new since the frame before, jobs, events.
 *
 * Model. Plain JSON, made once for all who watch. What is not known is `null`, never 0. Nothing in it was written by a
 * client or an endpoint but what is redacted (`said`, `lastFailure.text`), and the page shows every text as text.
 * An endpoint has here what a page shows of it; what only routing reads (its load curve, its round trips by place) would
 * be most of a frame's bytes at 200 endpoints.
 * Rejected: patches against the frame before. A frame that was lost would have to be asked for again, and gzip finds the
 * repetition.
 */

/** Raised when the meaning of a member changes; members may be added without that. */
export const FRAME_VERSION = 1;

/** What failed last at an endpoint. `text` is what it said, redacted. */
type FrameFailure = {
  readonly kind: string;
  /** Null: no answer came. */
  readonly status: number | null;
  readonly text: string;
  readonly ageMs: number;
  /** What to do about it, where that is known. */
  readonly hint?: string;
};

/** An endpoint as its shard sees it; the members of `EndpointView` under their own names. */
export type FrameEndpoint = {
  readonly id: string;
  readonly region: string;
  readonly place: { readonly lat: number; readonly lon: number };
  readonly warmth: "cold" | "warming" | "warm";
  /** While warming: ms until warm; while cold: the whole cold start; while warm: 0. */
  readonly coldMs: number;
  readonly standing: "admitting" | "ejected" | "draining" | "down";
  /** What is left of its ejection, ms; absent: none. */
  readonly ejectedForMs?: number;
  readonly inFlight: number;
  readonly capacity: number;
  /** After a refusal for want of room: ms until one more may be tried; absent: now. */
  readonly refusesForMs?: number;
  /** Mean time that a request holds its slot, ms. */
  readonly occupancyMs: number;
  /** Wait that late first tokens let expect, ms; absent: none. */
  readonly lateMs?: number;
  readonly prefillTokensPerMs: number;
  /** Prompt tokens in line there; absent: not known. */
  readonly workTokens?: number;
  /** Tokens of KV memory that are taken, and all there are; absent or null: not known. */
  readonly kvUsed?: number;
  readonly kvMax?: number | null;
  /** Probability that an attempt fails before its first byte, 0 to 1. */
  readonly failureProbability: number;
  /** Null: nothing failed since its shard has started. */
  readonly lastFailure: FrameFailure | null;
};

/** A pool in a region. What did not answer is `reachable: false`, with no endpoints: how they do is not known. */
export type FrameShard = {
  readonly pool: string;
  readonly region: string;
  readonly reachable: boolean;
  /** Null: not known. */
  readonly liveLeases: number | null;
  readonly queued: number | null;
  readonly endpoints: readonly FrameEndpoint[];
};

/** Quantiles, ms; null where nothing was counted. */
type FrameQuantiles<Names extends string> = Readonly<Record<Names, number | null>>;

/** Over the last `windowS` seconds, all isolates together. */
type FrameRates = {
  readonly windowS: number;
  readonly requestsPerS: number;
  /** Requests by how they ended (`RequestRecord.outcome`). */
  readonly byOutcome: Readonly<Record<string, number>>;
  /** Of those that the client is not at fault for; null: there were none. */
  readonly errorShare: number | null;
  readonly ttftMs: FrameQuantiles<"p50" | "p95" | "p99">;
  readonly overheadMs: FrameQuantiles<"p50" | "p99">;
  readonly tpotMs: FrameQuantiles<"p50" | "p95">;
  readonly queueMs: FrameQuantiles<"p50" | "p95">;
  /** Now, over all shards that answered. */
  readonly inFlight: number;
  readonly capacity: number;
  readonly queued: number;
  readonly spills: number;
  readonly retries: number;
  readonly hedges: number;
  readonly coldStarts: number;
  readonly failOpens: number;
  readonly railTrips: readonly {
    readonly rail: string;
    readonly rule: string;
    readonly action: string;
    readonly count: number;
  }[];
  readonly tokens: { readonly in: number; readonly cached: number; readonly out: number };
  /** In the currency of the config's prices; null: it has none. */
  readonly costPerHour: number | null;
};

type FrameJobs = {
  readonly pool: string;
  /** Null: the pool's queue did not answer. */
  readonly byState: Readonly<Record<string, number>> | null;
  /** How long the longest waiting job has waited, ms; null: none waits, or it is not known. */
  readonly oldestQueuedMs: number | null;
  /** Failed and timed-out jobs that are kept; null: not known. */
  readonly dead: number | null;
  /** Does the queue start jobs, and take them; null: not known. */
  readonly mode: "open" | "paused" | "draining" | null;
};

export type FrameEvent = {
  readonly atMs: number;
  /** A word of ours, such as `endpoint_standing` or `alert`. */
  readonly kind: string;
  readonly text: string;
};

export type FeedFrame<Decision> = {
  readonly v: typeof FRAME_VERSION;
  readonly atMs: number;
  readonly fleet: readonly FrameShard[];
  /** Null: the deployment counts nothing (it binds no FLEET_FEED), or the feed did not answer. */
  readonly rates: FrameRates | null;
  /** New since the frame before, 50 at most, the newest last. */
  readonly decisions: readonly Decision[];
  readonly jobs: readonly FrameJobs[];
  readonly events: readonly FrameEvent[];
};
