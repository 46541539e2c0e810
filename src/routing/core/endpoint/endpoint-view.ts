/**
 * What a router needs to know of one endpoint to decide, as plain numbers at one instant.
 *
 * One shape serves four readers, so that one pure function decides for all of them: the shard that owns the endpoint
 * (exact), its peers (a digest, up to a second old), the edge (a snapshot, when the shard is silent) and nobody at all
 * (the priors of the static configuration). It crosses the wire between the Worker and the Durable Objects: add fields,
 * never change the meaning of one.
 */
import type { SuspectTold } from "../shard/poison.ts";
import type { Place } from "../pool.ts";

/** Is the model loaded. */
export type Warmth = "cold" | "warming" | "warm";

/** Why an endpoint takes no traffic: panic may override what failures say, `draining` is somebody's decision. */
export type Standing = "admitting" | "ejected" | "draining" | "down";

export type EndpointView = {
  readonly id: string;
  readonly region: string;
  readonly place: Place;
  readonly warmth: Warmth;
  /** While warming: expected ms until warm, >= 0. While cold: the whole cold start. While warm: 0. */
  readonly coldMs: number;
  readonly standing: Standing;
  /** What is left of its ejection, ms; 0 or absent when it is not ejected. Only shown to people. */
  readonly ejectedForMs?: number;
  /** How long ago this was so, ms; absent: it is exact. Set by whoever reads a digest. */
  readonly ageMs?: number;
  /** Live leases, and what the engine says that it has beyond them. */
  readonly inFlight: number;
  /** Requests it serves at once now: warm GPU workers x concurrency, or what a recent refusal left of them; >= 0. */
  readonly capacity: number;
  /** After a refusal for want of room: time until one more may be tried, ms; 0 or absent: now. */
  readonly refusesForMs?: number;
  /** Does it queue what it cannot serve at once; one that refuses it is never given more than its capacity. */
  readonly queuesExcess: boolean;
  /** Mean time a request holds its slot, ms. */
  readonly occupancyMs: number;
  /** Wait that late first tokens let expect (`lateness.ts`), ms; absent: 0. */
  readonly lateMs?: number;
  /** First-token delay beyond network and prefill by in-flight bucket (`routing/core/cost/terms/load.ts`), ms, non-decreasing. */
  readonly loadCurveMs: readonly number[];
  /** How fast it reads prompts (`reading.ts`), tokens per ms. */
  readonly prefillTokensPerMs: number;
  /** Adapters (LoRA) that its engine has in its batch or in line; absent: it does not tell. */
  readonly adapters?: readonly string[];
  /** Adapters of the pool that it lists; absent: it lists nothing, or was not asked. */
  readonly adaptersListed?: readonly string[];
  /** Prompt tokens in line there (`prompt-line.ts`); absent: not known, 0. */
  readonly workTokens?: number;
  /** Tokens of KV memory that its requests take in the end, and all that it has; absent or null: not known. */
  readonly kvUsed?: number;
  readonly kvMax?: number | null;
  /** Mean length of an answer, tokens. */
  readonly outputTokens?: number;
  /** Tokens written to its prompt cache so far, and how many of the last ones it keeps (`prompt-cache.ts`). */
  readonly cacheWritten?: number;
  readonly cacheKeeps?: number;
  /** Probability that an attempt fails before its first byte, 0..1 exclusive. */
  readonly failureProbability: number;
  /** What a failed attempt costs beyond the network, ms. */
  readonly failureCostMs: number;
  /** Measured HTTP round trip by client place key, ms; absent keys use `regionTripMs`, and then the distance. */
  readonly roundTripMs: Readonly<Record<string, number>>;
  /** The same as measured at other endpoints of its region, for keys that are not measured here. Absent: nothing. */
  readonly regionTripMs?: Readonly<Record<string, number>>;
  /** In place of both, where the view is made for one decision: that of its client; null or absent: not measured. */
  readonly tripMs?: number | null;
};

/** What a view is made of beside the endpoint's own state and its live leases. */
export type ViewBeside = {
  /** What the endpoints of its region have measured. */
  readonly regionTripMs?: Readonly<Record<string, number>>;
  /** Of one decision: the place of its client, and what its region has measured from there; null: nothing. */
  readonly client?: { readonly key: string; readonly regionMs: number | null } | null;
  /** Prompt tokens in line there, and tokens of KV memory that the requests there take; absent: 0. */
  readonly workTokens?: number;
  readonly kvUsed?: number;
};

/** Views with their age: what a digest and a snapshot are. */
export type ViewSet = {
  readonly epoch: number;
  readonly region: string;
  readonly views: readonly EndpointView[];
  /** In a snapshot: age of the other regions' digests in it, ms; a region without one is told from its configuration. */
  readonly digestAgesMs?: Readonly<Record<string, number>>;
  /** In a digest: requests under which endpoints ended. Absent: none. */
  readonly poison?: readonly SuspectTold[];
};
