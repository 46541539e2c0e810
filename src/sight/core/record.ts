/**
 * What is kept of a request when it has ended: one wide event, from which the log, the counters, the page and the spans are
 * made.
 *
 * Model. Plain JSON and metadata alone: never a prompt, an answer, a key, or a name that a client made up. Every member but
 * `candidates` and `way` is always there, and what is not known is null. Members that may become labels (`route`, `outcome`, `reason`, `why`, `lost`,
 * names of the config) have bounded sets of values. Instants are epoch ms at this isolate; what ends in `Ms` inside an
 * attempt is ms since `atMs`.
 * Rejected: an event at each step, which has to be put together again before it answers a question.
 */

/** What became of a request. `refused`: the request itself was wrong; the other words are the glossary's. */
export type RequestOutcome =
  | "served"
  | "blocked"
  | "refused"
  | "shed"
  | "no_endpoint"
  | "expired"
  | "cancelled"
  | "upstream_failed";

/** Why an attempt did not become the answer. */
export type AttemptLoss =
  /** The endpoint had no room. */
  | "no_room"
  /** It refuses the router's own credential. */
  | "credential_refused"
  /** It answered with an error of its own, or with what is no answer (then `status` is 502). */
  | "server_error"
  /** Its context is too short for the request. */
  | "too_long"
  /** The connection was refused, reset, or closed before the answer had begun. */
  | "connection_failed"
  /** No headers came, nor did its health path answer. */
  | "unreachable"
  /** The answer had not begun, or not ended, in time. */
  | "timeout"
  /** Its first token was late, and another endpoint's was there. */
  | "late"
  /** The answer broke off. */
  | "cut"
  /** The answer fell silent. */
  | "silent"
  /** Another attempt of the request was first. */
  | "overtaken"
  /** Nobody wanted it any more: the client left, a guardrail blocked, the router ended. */
  | "cancelled"
  /** Its place was needed for a request of a higher class. */
  | "put_back"
  /** Its endpoint went down while it waited there. */
  | "left";

export type AttemptRecord = {
  readonly endpoint: string;
  readonly region: string;
  /** Why it was sent there: as in `x-warmpath-reason`. */
  readonly why: string;
  readonly sentMs: number;
  /** The first byte of a stream, else the headers. */
  readonly firstByteMs: number | null;
  readonly endedMs: number;
  /** Of the answer; null: none came. */
  readonly status: number | null;
  /** Null: it was the answer. */
  readonly lost: AttemptLoss | null;
  readonly hedge: boolean;
  /** What the endpoint said of its failure: redacted, at most 200 bytes. */
  readonly said: string | null;
};

export type RailSaid = {
  readonly rail: string;
  readonly stage: "input" | "output";
  /** Whether it finished: `done`, `skipped`, `unread`, `budget`, `error`, `timeout`. */
  readonly status: string;
  /** Its verdict: `allow`, `flag`, `redact`, `block`; null: it has none. */
  readonly action: string | null;
  readonly shadow: boolean;
  readonly ms: number;
  /** What it found, as codes such as `secrets:openai_key`. */
  readonly rules: readonly string[];
};

/** Each null where it is not known, or was none. */
export type RequestTimes = {
  /** From the arrival to the dispatch that was answered, as in `x-warmpath-overhead-ms`. */
  readonly overhead: number | null;
  /** Waits for leases, those in line included. */
  readonly lease: number | null;
  /** Of that, in a shard's line. */
  readonly queue: number | null;
  /** The input rails. */
  readonly rails: number | null;
  /** From the arrival to the first token of a stream. */
  readonly ttft: number | null;
  readonly total: number;
};

/** What one endpoint was expected to take, when it was decided; as in the header that `x-warmpath-explain` brings. */
export type CandidateRecord = {
  readonly endpoint: string;
  readonly region: string;
  /** Sum of the terms. */
  readonly ms: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly inFlight: number;
  readonly capacity: number;
  readonly warmth: string;
  readonly excluded: string | null;
  /** Absent from shards of an older version. */
  readonly reading?: {
    readonly lineMs: number;
    readonly work: number;
    readonly tokensPerMs: number;
    /** Of engines that tell their memory. */
    readonly kvMs?: number;
    readonly kvUsed?: number;
    readonly kvMax?: number;
  };
  /** One sentence; of the one that was chosen it begins with the word. */
  readonly why: string;
};

/** How it came to its pool. */
type RequestWay = {
  /** The model that is split, and the pool that it was led to; null: it is not. */
  readonly split: { readonly model: string; readonly pool: string } | null;
  /** Pools that did not serve it, in their order, and why: down, cold, full, late, failed. */
  readonly fell: readonly { readonly from: string; readonly reason: string; readonly to: string }[];
};

/** Of OpenTelemetry's `gen_ai.operation.name` those that a protocol known here stands for. */
export type GenAiOperation = "chat" | "text_completion" | "embeddings";

export type RequestRecord = {
  readonly id: string;
  /** Null: it is in no trace. */
  readonly traceId: string | null;
  readonly span: { readonly id: string; readonly parentId: string | null; readonly sampled: boolean } | null;
  readonly atMs: number;
  readonly method: string;
  /** A template: `/v1/chat/completions`, `/p/{pool}`, a declared route, `job`. */
  readonly route: string;
  /** What the model was asked for, by OpenTelemetry's word; null: no protocol of those that are known. */
  readonly operation: GenAiOperation | null;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly pool: string | null;
  /** One of the pool's names of it. */
  readonly model: string | null;
  readonly stream: boolean;
  readonly priority: string | null;
  /** The data centre that the client reached. */
  readonly colo: string | null;
  /** The pool's region nearest to the client. */
  readonly clientRegion: string | null;
  readonly outcome: RequestOutcome;
  /** Of an outcome that is not `served`: a code of the table of errors, or `client_left`, `endpoint_4xx`, `endpoint_5xx`. */
  readonly reason: string | null;
  /** What the client was told; 0: nothing. */
  readonly status: number;
  /** Of the attempt that was answered. */
  readonly endpoint: string | null;
  readonly region: string | null;
  readonly why: string | null;
  /** Further endpoints that went on with a stream that broke off (`onCut`); absent: none. */
  readonly continued?: number;
  readonly attempts: readonly AttemptRecord[];
  readonly rails: readonly RailSaid[];
  readonly ms: RequestTimes;
  /** As the endpoint has counted. */
  readonly tokens: { readonly in: number | null; readonly cached: number | null; readonly out: number | null };
  /**
   * In millionths of the config's currency: as its tenant's ledger bills it, and without one by the endpoint's tokens. Null:
   * its pool has no prices, or nobody knows the tokens.
   */
  readonly costMicros: number | null;
  /** Absent where its model is not split and its pool served it. */
  readonly way?: RequestWay;
  /** Of the request as it came, and of the answer as the endpoint sent it. */
  readonly bytes: { readonly in: number | null; readonly out: number | null };
  /** From the lowest cost up; only for who watches, and of a few requests a second. */
  readonly candidates?: readonly CandidateRecord[];
};
