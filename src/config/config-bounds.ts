/**
 * Decides how far each number and list of `warmpath.jsonc` may go, and the defaults that more than one place needs.
 * Every bound has its reason beside it; the schema, the checks and the tests read it from here.
 */

/** A Worker may hold 128 MB; a body is held once while the rails read it. 30 MiB is also Runpod's own limit. */
export const BODY_BYTES_MAX = 30 * 1024 * 1024;
/**
 * Two photos of a phone, about 5 MB each, in base64. While it is read it is held up to three times: as bytes, text,
 * JSON.
 */
export const BODY_BYTES_DEFAULT = 16 * 1024 * 1024;
/** What Cloudflare takes of one request on most plans. A form goes up as it comes, so its size costs no memory. */
export const UPLOAD_BYTES_MAX = 100 * 1024 * 1024;
/** Eight minutes of speech as MP3, or a photo; a Worker holds it once. */
export const UPLOAD_HEAD_BYTES_DEFAULT = 8 * 1024 * 1024;
/** Below this a phone on the move could not send a prompt. */
export const BODY_TIMEOUT_MS_MIN = 1_000;
export const BODY_TIMEOUT_MS_MAX = 600_000;
/** A digest lists every endpoint of a pool, several times a second. */
export const ENDPOINTS_PER_POOL_MAX = 64;
/** Each pool and region is one Durable Object; the fleet view lists them all. */
export const POOLS_MAX = 100;
export const REGIONS_MAX = 64;
/** The key table sits in every isolate's memory; beyond this, tenants belong in a store. */
export const KEYS_MAX = 1000;
export const ROUTES_MAX = 100;
export const MODELS_PER_POOL_MAX = 100;
/** Engines hold some dozens at a time; a shard compares this many names with what an engine tells. */
export const ADAPTERS_PER_POOL_MAX = 256;
/** What a key may be allowed to do. */
export const SCOPES = ["infer", "admin", "worker", "operate"] as const;
/** Models, pools, networks, claims: a longer list is a role that wants a key of its own. */
export const ACCESS_LIST_MAX = 100;
/** Each is a set of public keys in memory. */
export const JWT_ISSUERS_MAX = 16;
/** Clocks that are further apart are wrong. */
export const CLOCK_TOLERANCE_S_MAX = 300;
/** Signatures with a public key alone: with a shared secret among them, a public key could be taken for one. */
export const JWT_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;
/** Every request to a path of its own is compared with each; who has more opens a prefix. */
export const PATHS_PER_POOL_MAX = 100;
export const RAILS_PER_STAGE_MAX = 16;
/** No GPU server batches more sequences than this. */
export const CONCURRENCY_PER_WORKER_MAX = 4096;
export const GPU_WORKERS_MAX = 1000;
/** A scaler that waits for more requests per GPU worker than this is switched off. */
export const SCALER_VALUE_MAX = 1000;
/** Runpod's bound on idleTimeout. */
export const IDLE_TIMEOUT_SECONDS_MAX = 3600;
/** A timer of a socket looks no more often than a few times in this. */
export const SOCKET_MS_MIN = 100;
/** workerd, and Cloudflare's network, take no longer message. */
export const SOCKET_MESSAGE_BYTES_MAX = 32 * 1024 * 1024;
/** Below this an answer of ordinary length would end the socket. */
export const SOCKET_UNHEARD_BYTES_MIN = 65_536;
/** More than the memory of any isolate of Cloudflare: for those who run the router themselves. */
export const SOCKET_UNHEARD_BYTES_MAX = 1_073_741_824;
/** One day: longer work belongs in the job queue. */
export const EXECUTION_TIMEOUT_MS_MAX = 86_400_000;
/** Stainless' SDKs say whole seconds. */
export const CLIENT_TIMEOUT_MS_MIN = 1_000;
/** As much as a queue stores before it takes nothing in (`STORAGE_BYTES_MAX` of `jobs/object/bounds.ts`). */
export const JOB_BYTES_MAX = 8 * 1024 ** 3;
/** As many as may wait in one queue (`jobs/core/queue.ts`). */
export const JOB_LIMIT_MAX = 1_000_000;
/** Calls of one tenant in 10 s that one isolate could serve at all. */
export const JOB_RATE_MAX = 100_000;
/** A pool is looked at no more often than this. */
export const JOB_EVENT_MS_MIN = 1_000;
/** One day: who hears of it later need not hear of it. */
export const JOB_EVENT_MS_MAX = 86_400_000;
/** Below this a single look decides. */
export const ALERT_MS_MIN = 1_000;
/** One day: who hears of it later need not hear of it. */
export const ALERT_MS_MAX = 86_400_000;
/** A reminder a minute is a nuisance already. */
export const ALERT_REPEAT_MS_MIN = 60_000;
/** Several looks fit. */
export const ALERT_WINDOW_MS_MIN = 60_000;
/** The sums of each look within it are kept in memory. */
export const ALERT_WINDOW_MS_MAX = 3_600_000;
export const ALERT_SAMPLES_MAX = 100_000;
/** A year: a key that lasts longer is not about to expire. */
export const ALERT_KEY_DAYS_MAX = 365;
export const COLD_START_MS_MAX = 3_600_000;
export const PREFILL_TOKENS_PER_MS_MAX = 10_000;
export const PATIENCE_MS_MAX = 10_000;
export const FIRST_TOKEN_TIMEOUT_MS_MAX = 600_000;
/** As long as a whole answer may take by default: whoever has waited for a token for so long waits for nothing. */
export const FIRST_TOKEN_TIMEOUT_MS_DEFAULT = 300_000;
export const CONNECT_TIMEOUT_MS_MAX = 60_000;
export const STALL_TIMEOUT_MS_MAX = 600_000;
/**
 * Google's SRE book stops at three; where many spot nodes go at once a fifth still helps, and beyond it nothing is
 * left.
 */
export const ATTEMPTS_MAX = 5;
/** An attempt's timer looks no more often than this. */
export const HEDGE_AFTER_MS_MIN = 25;
export const QUEUE_DEPTH_MAX = 10_000;
export const QUEUE_WAIT_MS_MAX = 120_000;
export const LEASE_TTL_MS_MAX = 600_000;
/** Below this a lease could expire between two batched renewals. */
export const LEASE_TTL_MS_MIN = 100;
export const RAIL_TIMEOUT_MS_MAX = 30_000;
/** Phrases of a topic, hosts, words to let pass: longer lists make a config that nobody reads. */
export const RAIL_LIST_MAX = 1_000;
export const RAIL_TENANTS_MAX = 1_000;
/** A rail that is sampled out altogether is switched off for a while without losing its options. */
export const RAIL_SAMPLE_MIN = 0;
/** As long as for a slot: a client that may wait for the one may wait for the other. */
export const COLD_WAIT_MS_DEFAULT = 10_000;
/** What of a request may lead it to the endpoint that has its prompt in the cache. */
export const AFFINITY_MODES = ["off", "session", "prefix"] as const;
/** Where an engine tells of its load: nowhere, where it is found to, or at the path that it is known to. */
export const ENGINE_LOADS = [
  "auto",
  "off",
  "/v1/loads",
  "/metrics",
  "/prometheus/metrics",
  "/slots",
  "/get_load",
] as const;

/** Kinds of GPU servers: one adapter each (`backends/`). */
export const BACKEND_KINDS = [
  "openai",
  "vllm",
  "sglang",
  "tgi",
  "trtllm",
  "llamacpp",
  "ollama",
  "nim",
  "triton",
  "cog",
  "runpod-lb",
] as const;

export const LOCATION_HINTS = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;

/** Counts of a limit: far beyond any fleet, and a sum of a thousand of them is still exact. */
export const COUNT_LIMIT_MAX = 1_000_000_000_000;
/** In the config's currency: in micro-units still exact. */
export const MONEY_MAX = 1_000_000_000;
/** Of a million tokens: the dearest model known takes less than a fifth of it, and products stay exact. */
export const PRICE_MAX = 1_000;
/** Ten hours at 30 tokens a second; no model that is served writes as much in one answer. */
export const OUTPUT_TOKENS_MAX = 1_048_576;
/** Answers to one request. */
export const CHOICES_MAX = 1_024;
/** What OpenAI's own API takes. */
export const CHOICES_DEFAULT = 128;

/** A stream that nobody follows: an object without a caller may be ended by the platform after 70 s. */
export const RESUME_GRACE_MS_MAX = 60_000;
/** A stream that has ended is of no use to a client that has forgotten it. */
export const RESUME_RETENTION_MS_MAX = 3_600_000;
/** An object holds the stream in memory, of which it has 128 MB; a million tokens are some 200 MB of events. */
export const RESUME_BYTES_MAX = 32 * 1024 * 1024;
/** Some 20,000 events of one token. */
export const RESUME_BYTES_DEFAULT = 4 * 1024 * 1024;

/** Pools behind one: each of them costs the client a part of its time. */
export const FALLBACK_POOLS_MAX = 4;
/** Models that are split, and pools of one. */
export const SPLITS_MAX = 100;
export const SPLIT_POOLS_MAX = 8;
/** A share of one in a million can be written. */
export const SPLIT_WEIGHT_MAX = 1_000_000;
/** Bodies of so many copies are in an isolate's memory at once, of its 128 MB. */
export const SHADOW_IN_FLIGHT_MAX = 64;
export const SHADOW_BODY_BYTES_MAX = 4_194_304;
/** As long as an answer may take. */
export const SHADOW_TIMEOUT_MS_MAX = 600_000;

/** Grace of a router that ends, ms: an hour is longer than any answer. */
export const DRAIN_GRACE_MS_MAX = 3_600_000;

/** A config of all bounds at once stays below this; it is read in every isolate that starts. */
export const CONFIG_CHARS_MAX = 1_048_576;
/** The schema is 8 deep. */
export const CONFIG_DEPTH_MAX = 32;
