/** What the owning shard knows of one endpoint; `endpoint.ts` changes it. */
import type { CountEwma } from "../../../lib/ewma.ts";
import type { Breaker } from "./breaker.ts";
import type { CapacityCut } from "./capacity-cut.ts";
import type { Warmth } from "./endpoint-view.ts";
import type { EngineWords } from "./engine-report.ts";
import type { Lateness } from "./lateness.ts";
import type { FirstByteTimes } from "./first-byte.ts";
import type { GpuWorkers } from "./gpu-workers.ts";
import type { LearnedLimit } from "./learned-limit.ts";
import type { PromptCache } from "./prompt-cache.ts";
import type { Reading } from "./reading.ts";
import type { RoomEvidence } from "./room-doubt.ts";
import type { EndpointSpec } from "../pool.ts";
import type { LoadCurve } from "../cost/terms/load.ts";
import type { RoundTrips } from "../cost/terms/net.ts";
import type { Tries } from "../cost/terms/risk.ts";

export type Health = "up" | "suspect" | "down" | "draining";

export type EndpointState = {
  readonly spec: EndpointSpec;
  warmth: Warmth;
  warmthSinceMs: number;
  /**
   * When the warming under way began, if its beginning was seen; only such a one teaches how long a cold start takes.
   */
  coldStartBeganMs: number | null;
  health: Health;
  /** An operator took it out of traffic, whatever probes and attempts say. */
  drained: boolean;
  probeFailures: number;
  breaker: Breaker;
  warmWorkers: number;
  /** GPU workers that have answered lately, where the endpoint tells them. */
  readonly workers: GpuWorkers;
  /** Requests one GPU worker serves at once, learned; null where the configuration says it. */
  readonly limit: LearnedLimit | null;
  /** When an attempt was last granted or ended, and when a probe last found it ready; -Infinity when never. */
  lastUsedMs: number;
  lastReadyMs: number;
  /** When it last became ready to take traffic after not being so; -Infinity when it always was. */
  readyAtMs: number;
  /** What the last refusal for want of room left of its slots; null: all. */
  capacityCut: CapacityCut | null;
  /** What it accepted and refused lately: whether a refusal is its own. */
  room: RoomEvidence;
  /** What its engine said of its load; null: nothing yet. */
  engine: EngineWords | null;
  /** Requests assumed to be in flight since before the shard restarted (`inheritInFlight`); fades to 0. */
  inherited: { count: number; readonly atMs: number; readonly fadeMs: number } | null;
  /** Last wake-up sent, for one wake-up a need; -Infinity once the endpoint became warm. */
  wokenAtMs: number;
  occupancyMs: CountEwma;
  coldStartMs: CountEwma;
  /** How fast it reads prompts. */
  readonly reading: Reading;
  /** What it keeps of the prompts that it has read. */
  readonly cache: PromptCache;
  /** Mean length of an answer, tokens. */
  outputTokens: CountEwma;
  failureCostMs: CountEwma;
  readonly roundTripMs: RoundTrips;
  readonly firstByte: FirstByteTimes;
  /** What first tokens that did not come say of it. */
  late: Lateness;
  readonly load: LoadCurve;
  tries: Tries;
};
