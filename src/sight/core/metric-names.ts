/**
 * Every metric that the router exposes: its name, labels and words, in this one file.
 *
 * Model. Names are OpenTelemetry's for generative AI where there is one, in Prometheus' spelling; that convention is in
 * development and renames things, which is why nothing else in the tree spells a name. Everything else is `warmpath_…`.
 * Base units, `_total` for what only rises, the unit in the name. A label's value comes from the config or from a fixed
 * set, never from a client, and the number of series of a metric is bounded (`tally.ts`).
 * Buckets are fixed: counts of the same buckets add up over any number of isolates, sketches of quantiles would not
 * exactly. Times are counted in ms, as everything in this house, and shown in seconds.
 *
 * Source: docs/reference/sources.md, Metrics and their names.
 */

/** vLLM's own, so that its panels can be laid over ours. */
const FIRST_TOKEN_S = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
] as const;

/** OpenTelemetry's advice. */
const TOKEN_S = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5] as const;

/** The same, for whole operations: doubling from 10 ms. */
const DURATION_S = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] as const;

/** What the router does itself takes a millisecond or a few, a wait in its queue seconds. */
const OWN_S = [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** In one unit of the currency. */
export const MICROS = 1_000_000;

type MetricKind = "counter" | "gauge" | "histogram";

export type Metric = {
  readonly name: string;
  readonly kind: MetricKind;
  /** A sentence without its full stop. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, s; of histograms alone. */
  readonly bucketsS?: readonly number[];
  /** It is counted in parts of its unit, so many in one, because sums of whole numbers are exact; of counters alone. */
  readonly perUnit?: number;
  /** Labels that always have this value, which a convention asks for. */
  readonly fixed?: Readonly<Record<string, string>>;
};

const counter = (name: string, labels: readonly string[], help: string): Metric => ({
  name,
  kind: "counter",
  help,
  labels,
});

const gauge = (name: string, labels: readonly string[], help: string): Metric => ({
  name,
  kind: "gauge",
  help,
  labels,
});

const histogram = (
  name: string,
  bucketsS: readonly number[],
  labels: readonly string[],
  help: string,
  fixed?: Metric["fixed"],
): Metric => ({ name, kind: "histogram", help, labels, bucketsS, ...(fixed === undefined ? {} : { fixed }) });

/** `gen_ai.provider.name` of an endpoint: what speaks an API that several servers have. */
export const PROVIDER = "warmpath";

/** `gen_ai.operation.name` of what is none of the convention's, by its word for what is on no list. */
export const OTHER_OPERATION = "_OTHER";

/** What the convention wants on each of its metrics: who serves the model, as the client of this router sees it. */
const GEN_AI = { gen_ai_provider_name: PROVIDER } as const;

const MODEL = ["pool", "gen_ai_request_model", "gen_ai_operation_name"] as const;
const SHARD = ["pool", "region"] as const;
const ENDPOINT = ["pool", "region", "endpoint"] as const;

/** Counted by isolates and queues, and added up in the feed. */
export const COUNTED = {
  requests: counter(
    "warmpath_requests_total",
    ["pool", "route", "outcome", "reason"],
    "Requests that have ended, by how; the reason is an error's code, or empty",
  ),
  tenantRequests: counter(
    "warmpath_tenant_requests_total",
    ["tenant", "pool", "outcome"],
    "Requests of a tenant that have ended",
  ),
  tokens: counter(
    "warmpath_tokens_total",
    ["tenant", "pool", "type"],
    "Tokens that endpoints have counted: input, of which cached, and output",
  ),
  usageUnknown: counter(
    "warmpath_usage_unknown_total",
    ["tenant", "pool"],
    "Served requests whose endpoint did not say how many tokens they took",
  ),
  cost: {
    ...counter(
      "warmpath_cost_total",
      ["tenant", "pool"],
      "What answers cost by the pool's prices, in their currency: of tenants with limits as their ledger bills it, of others by the tokens that endpoints have counted; absent where the pool has no prices",
    ),
    perUnit: MICROS,
  },
  requestBytes: counter("warmpath_request_bytes_total", ["pool"], "Bytes of request bodies"),
  responseBytes: counter("warmpath_response_bytes_total", ["pool"], "Bytes of answers"),
  duration: histogram(
    "gen_ai_server_request_duration_seconds",
    DURATION_S,
    [...MODEL, "error_type"],
    "From a request's arrival at the router to the end of its answer; error_type is why it was not served",
    GEN_AI,
  ),
  operation: histogram(
    "gen_ai_client_operation_duration_seconds",
    DURATION_S,
    [...MODEL, "region", "error_type"],
    "From the sending to a GPU endpoint to the end of what it answered; error_type is what the attempt was lost by",
    GEN_AI,
  ),
  firstToken: histogram(
    "gen_ai_server_time_to_first_token_seconds",
    FIRST_TOKEN_S,
    [...MODEL, "region"],
    "From a request's arrival at the router to the first token of its stream, waits included",
    GEN_AI,
  ),
  outputToken: histogram(
    "gen_ai_server_time_per_output_token_seconds",
    TOKEN_S,
    [...MODEL, "region"],
    "Time per output token after the first, of streams whose endpoint has counted them",
    GEN_AI,
  ),
  overhead: histogram(
    "warmpath_overhead_seconds",
    OWN_S,
    ["pool"],
    "From the request's arrival to its sending: what the router added",
  ),
  lease: histogram("warmpath_lease_seconds", OWN_S, ["pool"], "Wait for the lease"),
  queue: histogram("warmpath_queue_seconds", OWN_S, ["pool"], "Wait for a slot in the queue of a shard"),
  rails: histogram("warmpath_rails_seconds", OWN_S, ["pool"], "Time that the input guardrails took"),
  decisions: counter(
    "warmpath_decisions_total",
    [...SHARD, "why"],
    "Answered requests by region and why it was chosen, as in x-warmpath-reason: nearest_warm, spill, failover, …",
  ),
  attempts: counter(
    "warmpath_attempts_total",
    [...ENDPOINT, "result"],
    "Attempts at endpoints: answered, or what they were lost by",
  ),
  fallbacks: counter(
    "warmpath_fallbacks_total",
    ["pool", "reason", "to"],
    "Requests that a pool did not serve and that went on to another one: down, cold, full, late, failed",
  ),
  splits: counter(
    "warmpath_split_requests_total",
    ["gen_ai_request_model", "pool"],
    "Requests for a model that several pools share, by the pool that they were led to",
  ),
  shadows: counter(
    "warmpath_shadow_requests_total",
    ["pool", "shadow", "result", "status"],
    "Copies of a pool's requests to a shadow: answered, failed, timeout, cut, too_long; or why they were not sent: no_slot, budget, too_large, blocked, goes_on",
  ),
  shadowFirstToken: histogram(
    "warmpath_shadow_time_to_first_token_seconds",
    FIRST_TOKEN_S,
    ["pool", "shadow"],
    "From the sending of a copy to the first token of its stream",
  ),
  retries: counter("warmpath_retries_total", ["pool"], "Attempts after a lost one, hedges not included"),
  hedges: counter("warmpath_hedges_total", ["pool", "result"], "Second attempts beside a late one: won or lost"),
  continuations: counter(
    "warmpath_continuations_total",
    ["pool", "outcome"],
    "Times that another endpoint went on with a stream that broke off (onCut), by what became of the request",
  ),
  coldStarts: counter("warmpath_cold_starts_total", SHARD, "Requests sent to an endpoint that had to start for them"),
  railVerdicts: counter(
    "warmpath_rail_verdicts_total",
    ["pool", "rail", "stage", "action"],
    "What guardrails said: allow, flag, redact, block; or why they said nothing: skipped, unread, budget, error, timeout",
  ),
  railRules: counter("warmpath_rail_rules_total", ["rail", "rule", "action"], "What guardrails found, by their rule"),
  failOpens: counter(
    "warmpath_rail_fail_opens_total",
    ["pool", "rail", "stage", "status"],
    "Requests that went on although a guardrail had not read them",
  ),
} as const satisfies Readonly<Record<string, Metric>>;

/** What the feed counts of itself. */
export const OWN = {
  reports: counter("warmpath_feed_reports_total", [], "Reports that were counted"),
  repeats: counter("warmpath_feed_reports_repeated_total", [], "Reports that came again, and were counted once"),
  lost: counter(
    "warmpath_feed_reports_lost_total",
    [],
    "Reports that isolates gave up: what they counted is missing from every other counter",
  ),
  overflow: counter(
    "warmpath_feed_series_overflow_total",
    ["metric"],
    "Samples that went to the series named other, because their metric had as many series as it may have",
  ),
  refused: counter(
    "warmpath_feed_series_refused_total",
    [],
    "Samples of another version's metrics, which were left out",
  ),
} as const satisfies Readonly<Record<string, Metric>>;

/** Asked for when somebody looks. */
export const NOW = {
  feedUp: gauge(
    "warmpath_feed_up",
    [],
    "Are the counters here: 0 where the deployment binds no FLEET_FEED, or its object does not answer",
  ),
  sources: gauge("warmpath_feed_sources", [], "Isolates and queues that reported within a day"),
  reportAge: gauge("warmpath_feed_last_report_age_seconds", [], "How long ago the last report came"),
  shardReachable: gauge("warmpath_shard_reachable", SHARD, "Did the shard answer"),
  leases: gauge("warmpath_leases", SHARD, "Requests that hold a slot"),
  queued: gauge("warmpath_queued", SHARD, "Requests that wait for a slot"),
  queuedInClass: gauge("warmpath_queued_in_class", [...SHARD, "priority"], "Requests of a class that wait for a slot"),
  admitting: gauge("warmpath_endpoint_admitting", ENDPOINT, "Does it take traffic"),
  warm: gauge("warmpath_endpoint_warm", ENDPOINT, "Is its model loaded"),
  inFlight: gauge("warmpath_endpoint_in_flight", ENDPOINT, "Requests that run there"),
  capacity: gauge("warmpath_endpoint_capacity", ENDPOINT, "Requests that it serves at once now"),
  ejected: gauge("warmpath_endpoint_ejected", ENDPOINT, "Is it taken out for failures"),
  draining: gauge("warmpath_endpoint_draining", ENDPOINT, "Has an operator taken it out"),
  prefillWork: gauge("warmpath_endpoint_prefill_tokens_in_line", ENDPOINT, "Prompt tokens that wait to be read there"),
  prefillSpeed: gauge(
    "warmpath_endpoint_prefill_tokens_per_second",
    ENDPOINT,
    "How fast it reads prompts, as learned from its answers",
  ),
  occupancy: gauge("warmpath_endpoint_occupancy_seconds", ENDPOINT, "Mean time that a request holds its slot"),
  failureProbability: gauge(
    "warmpath_endpoint_failure_probability",
    ENDPOINT,
    "Probability that an attempt fails before its first byte, 0 to 1",
  ),
  kvUsed: gauge("warmpath_endpoint_kv_tokens_used", ENDPOINT, "Tokens of KV memory that its requests take in the end"),
  kvMax: gauge("warmpath_endpoint_kv_tokens", ENDPOINT, "Tokens of KV memory that it has"),
  refusedRequests: gauge(
    "warmpath_refused_requests",
    SHARD,
    "Requests that are refused because endpoints ended under them",
  ),
  retryBudget: gauge(
    "warmpath_retry_budget_tokens",
    SHARD,
    "Tokens for repeated attempts in a full fleet that are left for the tenant that owes most; below 1 it has none",
  ),
  hedgeBudget: gauge(
    "warmpath_hedge_budget_tokens",
    SHARD,
    "Tokens for hedges that are left for the tenant that owes most",
  ),
  queueReachable: gauge("warmpath_job_queue_reachable", ["pool"], "Did the pool's job queue answer"),
  jobs: gauge("warmpath_jobs", ["pool", "state"], "Jobs that have not ended, by state: queued, running, retrying"),
  jobsDead: gauge("warmpath_jobs_dead", ["pool"], "Failed and timed-out jobs that are kept, counted up to 1,000"),
  jobsOldest: gauge(
    "warmpath_jobs_oldest_queued_seconds",
    ["pool"],
    "How long the longest waiting job has waited; absent where none waits",
  ),
  jobsMode: gauge("warmpath_jobs_queue_mode", ["pool", "mode"], "1 for the queue's mode: open, paused, draining"),
  jobsEnded: counter("warmpath_jobs_ended_total", ["pool", "state"], "Jobs that have ended: completed, failed"),
  jobsRetried: counter("warmpath_jobs_retried_total", ["pool"], "Times that a job was put back after an attempt"),
} as const satisfies Readonly<Record<string, Metric>>;

export type CountedId = keyof typeof COUNTED;
