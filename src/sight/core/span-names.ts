/**
 * Every name of a span and of its attributes, in this one file: OpenTelemetry's for generative AI and for HTTP where there is
 * one. The first are in development and rename things; everything else is `warmpath.…`.
 * What a model was asked for and what it took is told of the attempt that was answered alone: whoever adds up the usage of
 * spans is not to count a request twice.
 * Source: docs/reference/sources.md, Metrics and their names.
 */
export const SPAN = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  model: "gen_ai.request.model",
  stream: "gen_ai.request.stream",
  inputTokens: "gen_ai.usage.input_tokens",
  cachedTokens: "gen_ai.usage.cache_read.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  firstChunk: "gen_ai.response.time_to_first_chunk",
  method: "http.request.method",
  route: "http.route",
  status: "http.response.status_code",
  errorType: "error.type",
  requestId: "warmpath.request.id",
  tenant: "warmpath.tenant",
  pool: "warmpath.pool",
  outcome: "warmpath.outcome",
  priority: "warmpath.priority",
  queueMs: "warmpath.queue_ms",
  railsMs: "warmpath.rails_ms",
  endpoint: "warmpath.endpoint",
  region: "warmpath.region",
  why: "warmpath.reason",
  refusal: "warmpath.outcome.reason",
  costMicros: "warmpath.cost_micros",
  hedge: "warmpath.hedge",
  lost: "warmpath.lost",
} as const;
