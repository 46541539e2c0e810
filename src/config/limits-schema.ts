/**
 * Decides what `warmpath.jsonc` may say of a tenant's and a key's limits, and of prices.
 *
 * Model. A tenant with `limits`, even
 * `{}`, has its usage counted; one without costs nothing.
 */
import * as z from "zod";
import {
  BODY_BYTES_DEFAULT,
  BODY_BYTES_MAX,
  BODY_TIMEOUT_MS_MAX,
  BODY_TIMEOUT_MS_MIN,
  CHOICES_DEFAULT,
  CHOICES_MAX,
  CLIENT_TIMEOUT_MS_MIN,
  COUNT_LIMIT_MAX,
  EXECUTION_TIMEOUT_MS_MAX,
  MONEY_MAX,
  OUTPUT_TOKENS_MAX,
  PRICE_MAX,
  QUEUE_DEPTH_MAX,
  QUEUE_WAIT_MS_MAX,
  UPLOAD_BYTES_MAX,
  UPLOAD_HEAD_BYTES_DEFAULT,
  RESUME_BYTES_DEFAULT,
  RESUME_BYTES_MAX,
  RESUME_GRACE_MS_MAX,
  RESUME_RETENTION_MS_MAX,
} from "./config-bounds.ts";

const int = (min: number, max: number) => z.int().min(min).max(max);
const count = (max = COUNT_LIMIT_MAX) => z.int().min(1).max(max).optional();
const money = () => z.number().positive().max(MONEY_MAX).optional();

const members = {
  requestsPerMinute: count().describe("Requests in any 60 s, 1 to 10^12. Default: no limit."),
  tokensPerMinute: count().describe(
    "Tokens in any 60 s, of prompts and answers, 1 to 10^12. A request counts with the most that it may come to, and with what it came to once that is known. Default: no limit.",
  ),
  concurrency: count().describe("Requests at once, 1 to 10^12. Default: no limit."),
  tokensPerDay: count().describe("Tokens of a day of UTC, 1 to 10^12. Default: no limit."),
  tokensPerMonth: count().describe("Tokens of a month of UTC, 1 to 10^12. Default: no limit."),
  spendPerDay: money().describe(
    "Money of a day of UTC, above 0 to 10^9, by the prices of the pools; beyond it the answer is 429 insufficient_quota. Default: no limit.",
  ),
  spendPerMonth: money().describe("Money of a month of UTC, above 0 to 10^9, as spendPerDay. Default: no limit."),
  maxTokensMax: count(OUTPUT_TOKENS_MAX).describe(
    "Largest max_tokens (max_completion_tokens, max_output_tokens) that a request may ask for, 1 to 1048576; more is refused with 400, and a request that names none is sent with this. Default: limits.maxTokensMax, which is not written into requests.",
  ),
  nMax: count(CHOICES_MAX).describe("Largest n and best_of, 1 to 1024. Default: limits.nMax."),
};

export const keyLimits = z.strictObject(members);

export const tenantLimits = z.strictObject({
  ...members,
  queueMax: z
    .int()
    .min(0)
    .max(QUEUE_DEPTH_MAX)
    .default(100)
    .describe(
      "Requests that may wait for one of the `concurrency`, 0 to 10000, by turns among the tenant's keys. Default 100.",
    ),
  queueWaitMsMax: z
    .int()
    .min(0)
    .max(QUEUE_WAIT_MS_MAX)
    .default(10_000)
    .describe(
      "Longest wait for one of the `concurrency`, ms, 0 to 120000; who would wait longer is refused at once. Default 10000.",
    ),
  onLedgerDown: z
    .enum(["allow-bounded", "refuse"])
    .default("allow-bounded")
    .describe(
      'What happens while the tenant\'s ledger does not answer: "allow-bounded" lets each isolate use a tenth of every limit of a minute, and a hundredth of a day\'s cap a minute; "refuse" answers 503. Default "allow-bounded": an outage of the counter is none of the service.',
    ),
});

const limiter = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, { error: 'write the name of a binding of wrangler.toml, such as "SHIELD_ADDRESS"' })
  .optional();

const shield = z.strictObject({
  byAddress: limiter.describe(
    "Binding that counts by the client's address, before its key is looked at; of IPv6 by its first 64 bits. Default: none.",
  ),
  byKey: limiter.describe("Binding that counts by key, once it is known. Default: none."),
  periodSeconds: z
    .literal([10, 60])
    .default(60)
    .describe("The bindings' `period`, s, 10 or 60: a refused client is told to come back after it. Default 60."),
});

const resumable = z.strictObject({
  graceMs: int(0, RESUME_GRACE_MS_MAX)
    .default(30_000)
    .describe(
      "How long a stream goes on that nobody follows, ms, 0 to 60000; then its endpoint is told to stop. Default 30000: a phone that changes its network is back within a few seconds.",
    ),
  retentionMs: int(1_000, RESUME_RETENTION_MS_MAX)
    .default(300_000)
    .describe("How long a stream is kept after its end, ms, 1000 to 3600000. Default 300000."),
  bytesMax: int(1_024, RESUME_BYTES_MAX)
    .default(RESUME_BYTES_DEFAULT)
    .describe(
      "How much of a stream is kept, bytes, 1024 to 33554432: the newest events; a client that asks for older ones is refused. Default 4194304: some 20,000 events of one token.",
    ),
});

export const limits = z.strictObject({
  shield: shield
    .optional()
    .describe(
      "The platform's rate limiters (`[[ratelimits]]` in wrangler.toml) as a first shield against floods; each place of the platform counts by itself. One that is not bound is off. Default: none.",
    ),
  bodyBytesMax: int(1024, BODY_BYTES_MAX)
    .default(BODY_BYTES_DEFAULT)
    .describe(
      "Largest request body, unpacked, bytes, 1024 to 31457280 (30 MiB). Default 16777216 (16 MiB): two photos in base64; the isolate holds it up to three times while it is read.",
    ),
  uploadBytesMax: int(1024, UPLOAD_BYTES_MAX)
    .default(BODY_BYTES_MAX)
    .describe(
      "Largest form (multipart/form-data: sound to be transcribed, pictures to be edited), bytes, 1024 to 104857600 (100 MiB). Default 31457280 (30 MiB): OpenAI takes 25 MB of sound, Runpod 30 MB of body.",
    ),
  uploadHeadBytesMax: int(1024, BODY_BYTES_MAX)
    .default(UPLOAD_HEAD_BYTES_DEFAULT)
    .describe(
      "Of a form so many bytes are held at most, 1024 to 31457280 (30 MiB): one of this size may be sent again elsewhere, a larger one goes up as it comes, and must have its `model` within this. Default 8388608 (8 MiB): eight minutes of speech as MP3.",
    ),
  bodyTimeoutMs: int(BODY_TIMEOUT_MS_MIN, BODY_TIMEOUT_MS_MAX)
    .default(120_000)
    .describe(
      "Time in which a request body must have come, ms, 1000 to 600000; then the answer is 408. Default 120000: 16 MiB at 1.1 Mbit/s.",
    ),
  clientTimeoutMsMax: int(CLIENT_TIMEOUT_MS_MIN, EXECUTION_TIMEOUT_MS_MAX)
    .default(EXECUTION_TIMEOUT_MS_MAX)
    .describe(
      "Longest time that a client may give its request (x-warmpath-timeout, x-stainless-timeout), ms, 1000 to 86400000; what it says beyond counts as this. It never lengthens queueWaitMsMax, firstTokenTimeoutMs or executionTimeoutMs. Default 86400000: those bound it.",
    ),
  maxTokensMax: int(1, OUTPUT_TOKENS_MAX)
    .default(OUTPUT_TOKENS_MAX)
    .describe(
      "Largest max_tokens (max_completion_tokens, max_output_tokens) that a request may ask for, 1 to 1048576; more is refused with 400. Default 1048576: no model that is served writes as much in one answer, and what does not know its context would try.",
    ),
  nMax: int(1, CHOICES_MAX)
    .default(CHOICES_DEFAULT)
    .describe(
      "Largest n and best_of, 1 to 1024; more is refused with 400. Default 128: what OpenAI's own API takes. Each is an answer that an engine computes.",
    ),
  resumable: resumable
    .prefault({})
    .describe("Streams that a client may come back to, where it asks for one (`x-warmpath-resumable: true`)."),
  perTenant: tenantLimits
    .optional()
    .describe("Limits of every tenant that has none of its own in `tenants`. Default: none, and nothing is counted."),
});

const price = () => z.number().min(0).max(PRICE_MAX);

export const prices = z.strictObject({
  inputPerMTok: price().describe("Of a million tokens of prompts, 0 to 1000, to a millionth."),
  cachedInputPerMTok: price()
    .optional()
    .describe("Of those that were in an endpoint's cache, 0 to 1000. Default: inputPerMTok."),
  outputPerMTok: price().describe("Of a million tokens of answers, 0 to 1000."),
  perRequest: price()
    .optional()
    .describe(
      "Of each request that is answered, 0 to 1000, to a millionth, as many times as it asks for with n: pictures, sound. Default: none, and what tells no tokens has no known cost.",
    ),
});

/** As they are written: who keeps to them makes sums of them (`tenants/limits-resolve.ts`). */
export type KeyLimits = z.output<typeof keyLimits>;
export type TenantLimits = z.output<typeof tenantLimits>;
export type ShieldConfig = z.output<typeof shield>;
export type PoolPrices = z.output<typeof prices>;
