/**
 * Decides what may be written in `warmpath.jsonc`: the zod schema, and every bound and default with its reason.
 *
 * Model: objects are strict, so a misspelt key is an error and never a setting that silently does nothing. The schema
 * knows shapes only; what needs two places of the file at once (ids, references) is in `config-check.ts`, and what the
 * rest of the project reads is `Config` in `config.ts`. A message passed to `error` is the fix, in the words of the
 * file. `warmpath.schema.json` is generated from here, so a description is the documentation an editor shows.
 * Source: docs/explanation/architecture.md; Durable Object location hints: Cloudflare's data-location reference (11 hints,
 * 2026-06).
 * Rejected: zod transforms that resolve defaults in place: the generated JSON schema and the resolved type would then
 * describe two different files, and `workers.max` depends on its neighbour anyway.
 */
import * as z from "zod";
import {
  AFFINITY_MODES,
  ATTEMPTS_MAX,
  BACKEND_KINDS,
  COLD_START_MS_MAX,
  CONCURRENCY_PER_WORKER_MAX,
  CONNECT_TIMEOUT_MS_MAX,
  ENDPOINTS_PER_POOL_MAX,
  EXECUTION_TIMEOUT_MS_MAX,
  FIRST_TOKEN_TIMEOUT_MS_MAX,
  GPU_WORKERS_MAX,
  HEDGE_AFTER_MS_MIN,
  IDLE_TIMEOUT_SECONDS_MAX,
  KEYS_MAX,
  LEASE_TTL_MS_MAX,
  LEASE_TTL_MS_MIN,
  LOCATION_HINTS,
  MODELS_PER_POOL_MAX,
  PATHS_PER_POOL_MAX,
  PATIENCE_MS_MAX,
  PREFILL_TOKENS_PER_MS_MAX,
  QUEUE_DEPTH_MAX,
  QUEUE_WAIT_MS_MAX,
  ROUTES_MAX,
  SCALER_VALUE_MAX,
  STALL_TIMEOUT_MS_MAX,
} from "./config-bounds.ts";
import { adminSchema, jwtSchema, keySchema } from "./access-schema.ts";
import {
  adapters,
  answerModel,
  endpointModel,
  engineLoad,
  onCut,
  prefill,
  protocols,
  streamUsage,
} from "./engine-schema.ts";
import { limits, prices, tenantLimits } from "./limits-schema.ts";
import { provider } from "./provider-schema.ts";
import { jobsSchema } from "./jobs-schema.ts";
import { RailsSchema } from "./rails-schema.ts";
import { sockets } from "./socket-schema.ts";
import { SightSchema } from "./sight-schema.ts";
import { fallback, shadow, split } from "./traffic-schema.ts";

/** Pool and endpoint ids: they appear in paths, object names and headers, so no slash, colon, space or upper case. */
const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const REGION_ID = /^[a-z0-9][a-z0-9-]{0,31}$/;
/** The NAME of an environment secret, so that a pasted secret itself is refused. */
const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
const MODEL = /^[!-~](?:[ -~]{0,198}[!-~])?$/;
const PUBLIC_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]{1,64}){1,8}$/;

/** A path, everything below one, or everything. */
const OPEN_PATH = /^(?:\*|(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]{1,64}){1,8}(?:\/\*)?)$/;

const id = z.string().regex(ID, { error: "use 1 to 64 of a-z 0-9 . _ -, starting with a letter or a digit" });
const regionId = z.string().regex(REGION_ID, { error: "use 1 to 32 of a-z 0-9 -, starting with a letter or a digit" });
const path = z
  .string()
  .regex(PUBLIC_PATH, { error: 'write a plain path such as "/score", without query or final slash' });
/** Checked in `config-check.ts`, which may say why a URL is refused. */
const url = z.string().min(1).max(2000);

const int = (min: number, max: number) => z.int().min(min).max(max);

const modelName = z.string().regex(MODEL, { error: "write a model name of 1 to 200 printable ASCII characters" });

const auth = z.strictObject({
  secret: z
    .string()
    .regex(SECRET_NAME, { error: 'write the NAME of a secret, such as "RUNPOD_API_KEY", never the secret itself' })
    .describe("Name of the environment secret that is sent as a bearer token. Set it with `wrangler secret put NAME`."),
});

const region = z.strictObject({
  lat: z
    .number()
    .min(-90)
    .max(90)
    .describe("Latitude of the GPUs, degrees, -90 to 90: network delay is estimated from it."),
  lon: z.number().min(-180).max(180).describe("Longitude of the GPUs, degrees, -180 to 180."),
  hint: z
    .enum(LOCATION_HINTS)
    .describe(
      "Durable Object location hint: where this region's shards are created. Only the first creation obeys it.",
    ),
});

const cors = z.strictObject({
  allowOrigin: z
    .string()
    .regex(/^(?:\*|https?:\/\/[^\s/?#@]{1,255})$/, {
      error: 'write "*" or one origin such as "https://app.example.com"',
    })
    .default("*")
    .describe('Origin that browsers may call from: "*" or one origin. Default "*": keys, not cookies, authenticate.'),
});

const secretName = z
  .string()
  .regex(SECRET_NAME, { error: 'write the NAME of a secret, such as "ACME_WEBHOOK_SECRET", never the secret itself' });

const tenant = z.strictObject({
  webhookSecret: z
    .union([secretName, z.array(secretName).min(1).max(2)])
    .optional()
    .describe(
      "Name of the secret that signs this tenant's webhooks, whsec_…, so that no other tenant's receiver can make one. Two names while it is changed: every message then has both signatures. Default: WARMPATH_WEBHOOK_SECRET, which is everybody's.",
    ),
  limits: tenantLimits
    .optional()
    .describe(
      "What its requests may come to, over the whole fleet; {} counts its usage and limits nothing. Default: limits.perTenant.",
    ),
});

const route = z.strictObject({
  path: path.describe('Public path, such as "/score"; every method is forwarded.'),
  pool: z.string().describe("Id of the pool that serves the path."),
  upstreamPath: path.optional().describe("Path on the endpoint. Default: the same path."),
  openTo: id
    .optional()
    .describe(
      "Tenant as whom requests without a key are served, for a client that cannot send one. Anybody who reaches the router may then use this path. Default: a key is needed.",
    ),
});

const health = z.strictObject({
  path: path
    .optional()
    .describe(
      'Health path on the endpoint\'s own URL. Default: where the kind of server tells it, "/health" for most ("/ping" for runpod-lb, "/v1/loads" for sglang, "/api/ps" for ollama). Give path or url, not both.',
    ),
  url: url
    .optional()
    .describe(
      "Absolute health URL. Default for runpod-lb on {id}.api.runpod.ai: https://api.runpod.ai/v2/{id}/health, which neither wakes a GPU worker nor waits for one.",
    ),
  auth: auth
    .optional()
    .describe(
      "Secret for the health request. Default: the endpoint's own, when the URL has the endpoint's origin or is Runpod's API.",
    ),
});

const workers = z.strictObject({
  min: int(0, GPU_WORKERS_MAX).default(1).describe("GPU workers always kept, 0 to 1000. Default 1: a warm endpoint."),
  max: int(1, GPU_WORKERS_MAX).optional().describe("GPU workers at most, 1 to 1000. Default: min, at least 1."),
});

const endpoint = z.strictObject({
  id: id.describe("Unique over all pools: leases, metrics and headers name it."),
  region: z.string().describe("Id of one of `regions`."),
  backend: z
    .enum(BACKEND_KINDS)
    .describe(
      'Kind of server: "vllm", "sglang", "tgi", "trtllm" (TensorRT-LLM), "llamacpp", "ollama", "nim", "triton" (and KServe v2), "cog", "runpod-lb" for a Runpod load-balanced endpoint, "openai" for anything else with that HTTP API. It decides where readiness and load are read, and what the server\'s own answers mean.',
    ),
  url: url.describe(
    "Base URL; the request path is appended, so a final /v1 is left out. https, or http for loopback, private and single-label hosts.",
  ),
  model: endpointModel(modelName),
  allowPlainHttp: z
    .boolean()
    .default(false)
    .describe("Allow http to a public host. Default false: prompts and the secret would cross the internet readable."),
  auth: auth.optional().describe("Secret sent to the endpoint as a bearer token. Default: none is sent."),
  gpu: z
    .array(z.string().min(1).max(100))
    .max(16)
    .default([])
    .describe("Names of the GPU types, for people. Default []."),
  workers: workers.prefault({}).describe("How many GPU workers the endpoint scales between. Default {min: 1, max: 1}."),
  concurrencyPerWorker: int(1, CONCURRENCY_PER_WORKER_MAX)
    .optional()
    .describe(
      "Requests one warm GPU worker serves at once, 1 to 4096. Default: learned from the first-token times of streams, from 8 on; write it where you know the engine's batch or most answers are not streams.",
    ),
  queuesExcess: z
    .boolean()
    .optional()
    .describe(
      "Does the endpoint queue what it cannot serve at once? Then a few requests more than it has slots are sent on when all are busy, as many as become free on the way. Default: true, and false for runpod-lb, whose load balancer refuses them.",
    ),
  scalerValue: int(1, SCALER_VALUE_MAX)
    .default(4)
    .describe(
      "Requests per GPU worker at which the platform's scaler adds one, 1 to 1000: it keeps ceil(requests / scalerValue). Default 4: Runpod's.",
    ),
  idleTimeoutSeconds: int(1, IDLE_TIMEOUT_SECONDS_MAX)
    .default(60)
    .describe(
      "Idle time after which the last GPU worker beyond workers.min may be gone, s, 1 to 3600: from then on the endpoint is presumed cold, unless a probe finds it ready. Default 60: Runpod's and Flash's custom.",
    ),
  executionTimeoutMs: int(100, EXECUTION_TIMEOUT_MS_MAX)
    .default(300_000)
    .describe("Longest one attempt may run, ms, 100 to 86400000. Default 300000: below Runpod's own 330 s cut."),
  coldStartMs: int(0, COLD_START_MS_MAX)
    .default(30_000)
    .describe("First guess of the time from cold to warm, ms, 0 to 3600000; learned afterwards. Default 30000."),
  prefillTokensPerMs: z
    .number()
    .positive()
    .max(PREFILL_TOKENS_PER_MS_MAX)
    .default(16)
    .describe(
      "First guess of prompt speed, tokens per ms, above 0 to 10000; learned afterwards. Default 16: an 8B model on one mid-range GPU.",
    ),
  engineLoad,
  prefill,
  protocols,
  provider,
  health: health.prefault({}).describe("Where to ask whether the endpoint is up. Default: /health on its URL."),
});

const hedge = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      "Ask a second endpoint when a stream's first byte is later than 95 % of the first endpoint's. Default true: it costs at most 2 % of the requests, only on slots that are free, and the slower attempt is aborted. Set false where a repeated request is billed or does more than answer.",
    ),
  afterMsMin: int(HEDGE_AFTER_MS_MIN, FIRST_TOKEN_TIMEOUT_MS_MAX)
    .default(100)
    .describe(
      "Never sooner than this after the dispatch, ms, 25 to 600000. Default 100: who saves less than that saves nothing that a person notices.",
    ),
});

const pool = z.strictObject({
  models: z
    .array(modelName)
    .max(MODELS_PER_POOL_MAX)
    .optional()
    .describe("Values of `model` that select this pool; a name selects one pool only. Default: the pool's id."),
  adapters: adapters(modelName),
  paths: z
    .array(
      z.string().regex(OPEN_PATH, { error: 'write a path such as "/score", "/tools/*" for all below, or "*" for all' }),
    )
    .max(PATHS_PER_POOL_MAX)
    .default([])
    .describe(
      'Further paths of the endpoints that clients may name under /p and in jobs, with every method: "/score", "/tools/*" or "*". Inference is always open; what operates an engine needs a key with the scope "operate" besides. Default []: inference alone.',
    ),
  endpoints: z
    .array(endpoint)
    .max(ENDPOINTS_PER_POOL_MAX)
    .default([])
    .describe("The GPU servers of the pool, 1 to 64; none where GPU workers pull its jobs (`jobs.pull`)."),
  patienceMs: int(0, PATIENCE_MS_MAX)
    .default(50)
    .describe(
      "Wait for the shard beyond the expected round trip to it, ms, 0 to 10000; then decide from the last snapshot. Default 50: a near shard answers in 5 to 30.",
    ),
  connectTimeoutMs: int(100, CONNECT_TIMEOUT_MS_MAX)
    .default(5_000)
    .describe(
      "An endpoint that has sent no headers for this long is asked for its health on the side, and left if that is not answered within the same time, ms, 100 to 60000. Default 5000: two lost handshake packets.",
    ),
  firstTokenTimeoutMs: int(10, FIRST_TOKEN_TIMEOUT_MS_MAX)
    .optional()
    .describe(
      "Longest wait for the first token of a stream, ms, 10 to 600000; role chunks, comments and empty deltas are none. Much sooner, by what the endpoint usually takes, another endpoint with free slots is asked beside it. Default 300000: as long as a whole answer may take.",
    ),
  ttfbTimeoutMs: int(10, FIRST_TOKEN_TIMEOUT_MS_MAX)
    .optional()
    .describe("Former name of firstTokenTimeoutMs, ms, 10 to 600000; the new name counts where both are written."),
  stallTimeoutMs: int(100, STALL_TIMEOUT_MS_MAX)
    .default(30_000)
    .describe(
      "Longest silence in the midst of an answer, ms, 100 to 600000; then a stream ends with an error. Default 30000: an engine that writes tokens pauses for seconds at most.",
    ),
  attemptsMax: int(1, ATTEMPTS_MAX)
    .default(2)
    .describe(
      "Attempts of one request that may fail, 1 to 5, each at another endpoint and only before the first byte; an attempt that found no room is none, nor is the first connection that breaks within a second without a byte. Default 2: a third costs the client more than an honest error, unless nodes often go several at a time.",
    ),
  hedge: hedge
    .prefault({})
    .describe("A second attempt beside one that is late; never for a request that may not be repeated."),
  queueDepthMax: int(0, QUEUE_DEPTH_MAX)
    .default(100)
    .describe(
      "Requests that may wait in one shard for a slot, 0 to 10000; with one more, the last of the lowest class is refused. Default 100: more would time out in the queue.",
    ),
  queueWaitMsMax: int(0, QUEUE_WAIT_MS_MAX)
    .default(10_000)
    .describe(
      "Longest wait for a slot before a 429, ms, 0 to 120000; a client that says less (x-warmpath-timeout) waits no longer than that. Default 10000.",
    ),
  leaseTtlMs: int(LEASE_TTL_MS_MIN, LEASE_TTL_MS_MAX)
    .default(30_000)
    .describe(
      "Life of a lease without a renewal, ms, 100 to 600000. Default 30000: how long a crashed isolate can hold a slot.",
    ),
  coldWaitMsMax: int(0, FIRST_TOKEN_TIMEOUT_MS_MAX)
    .optional()
    .describe(
      "Longest cold start that a request waits for, ms, 0 to 600000 and not above firstTokenTimeoutMs; beyond it the answer is 503 with Retry-After. Default 10000, or firstTokenTimeoutMs if that is less: as long as for a slot.",
    ),
  affinity: z
    .enum(AFFINITY_MODES)
    .default("prefix")
    .describe(
      'Lead a long prompt to the endpoint that has it in its cache: "session" by the name that the request gives its session, in a header (x-warmpath-session, x-claude-code-session-id, x-session-affinity, x-session-id, session-id, session_id) or the body (prompt_cache_key, conversation, previous_response_id, metadata.user_id, user), the first of them; "prefix" also by how much of the prompt was read before; "off" never. Default "prefix": it is a discount in ms, weighed against distance and load.',
    ),
  streamUsage,
  answerModel,
  sockets,
  onCut,
  prices: prices
    .optional()
    .describe("What its tokens cost, in `currency`, for spend caps and usage. Default: nothing."),
  fallback: fallback(id),
  shadow: shadow(id),
  rails: RailsSchema.prefault({}).describe("Guardrails of the pool."),
  jobs: jobsSchema(path).prefault({}).describe("How the pool takes jobs."),
});

export const ConfigSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Path of the JSON schema, for editors: "./warmpath.schema.json".'),
    regions: z
      .record(regionId, region)
      .describe("Where GPUs are, by region id, at most 64. Each pool has one shard per region that it uses."),
    keys: z
      .array(keySchema)
      .max(KEYS_MAX)
      .default([])
      .describe("API keys, at most 1000, made by `npm run key`. Default []: nobody may call."),
    jwt: jwtSchema
      .default([])
      .describe("Whose tokens (JWT) are taken beside API keys, at most 16 issuers. Default []: nobody's."),
    admin: adminSchema.prefault({}).describe("Where operators come in."),
    tenants: z
      .record(id, tenant)
      .default({})
      .describe("What is a tenant's own, by the name that its keys have. Default {}: nothing is."),
    limits: limits.prefault({}).describe("Bounds for every request."),
    sight: SightSchema.prefault({}).describe("What is told of requests."),
    currency: z
      .string()
      .length(3)
      .default("USD")
      .describe('Currency of prices and spend caps, a code of ISO 4217. Default "USD".'),
    cors: cors.optional().describe("Lets browsers call the API. Default: absent, and no CORS header is sent."),
    // Read whole by `whole-schema.ts`.
    alerts: z.unknown().optional(),
    jobs: z.unknown().optional(),
    routes: z
      .array(route)
      .max(ROUTES_MAX)
      .default([])
      .describe("Further public paths, each served by one pool. Default []."),
    split: split(id, modelName),
    pools: z.record(id, pool).describe("Pools by id, 1 to 100: the endpoints that can serve one model."),
  })
  .describe("Configuration of Warmpath: what the router serves. Platform bindings stay in wrangler.toml.");

/** The file as written, defaults applied, nothing resolved yet. */
export type RawConfig = z.output<typeof ConfigSchema>;
export type RawEndpoint = RawConfig["pools"][string]["endpoints"][number];
