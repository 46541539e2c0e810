/**
 * Decides what Runpod's job API accepts: bodies, waits, bounds. Written by hand, because the messages are the client's
 * only help and the shapes are small. Members that nobody documents are ignored, as Runpod ignores them.
 *
 * Facts: backends.md 1.2.
 */
import { PRIORITY_LOW, PRIORITY_NORMAL, POLICY_RANGES } from "../core/policy.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { WEBHOOK_PROBLEMS, webhookTarget } from "../../wire/webhook-target.ts";
import { isObject } from "../../lib/json-object.ts";

const MIB = 1024 * 1024;

/** Runpod's bounds, in the unit that leaves a client's 10 MB inside. */
export const RUN_BODY_BYTES_MAX = 10 * MIB;
export const RUNSYNC_BODY_BYTES_MAX = 20 * MIB;
/** One call that adds to a batch. */
export const BATCH_BODY_BYTES_MAX = 10 * MIB;
const BATCH_REQUESTS_MAX = 5_000;
/** What a worker sends: a result, and a chunk of 1 MB with room for its envelope. */
export const RESULT_BODY_BYTES_MAX = 20 * MIB;
export const CHUNK_BODY_BYTES_MAX = MIB + 4_096;
/** More than any GPU worker runs at once. */
export const TAKE_COUNT_MAX = 256;

/** Runpod's range of `wait`, ms. */
const WAIT_MS_MIN = 1_000;
export const RUNSYNC_WAIT_MS_MAX = 300_000;
export const STATUS_WAIT_MS_MAX = 90_000;
const WAIT_MS_DEFAULT = 90_000;

/** A read of a stream without news is held this long, ms: the SDK asks again at once, and proxies cut at 30 s. */
export const STREAM_HOLD_MS = 25_000;

/** Five short texts. */
const S3_CONFIG_CHARS_MAX = 8_192;

export type RunPolicy = {
  /** ms; null: the default. */
  readonly executionTimeoutMs: number | null;
  readonly ttlMs: number | null;
  readonly priority: number;
};

export type RunRequest = {
  readonly input: unknown;
  readonly webhook: string | null;
  readonly policy: RunPolicy;
  /** As JSON text; null: none. */
  readonly s3Config: string | null;
};

export type RequestProblem = { readonly param: string | null; readonly problem: string };

type Json = Readonly<Record<string, unknown>>;

/**
 * `parsed`: what JSON.parse gave. `mayBeLocal`: webhooks may go to loopback, to private networks and by http, as in
 * development; whoever does not say leaves that to the delivery, which looks again.
 */
export function readRunRequest(parsed: unknown, mayBeLocal = true): Result<RunRequest, RequestProblem> {
  if (!isObject(parsed)) return err({ param: null, problem: "The body must be a JSON object." });
  const { input, webhook, policy, s3Config } = parsed;
  if (input === undefined || input === null) return err({ param: "input", problem: "input is required." });
  const hook = readWebhook(webhook, mayBeLocal);
  if (!hook.ok) return hook;
  const rules = readPolicy(policy);
  if (!rules.ok) return rules;
  const s3 = readS3Config(s3Config);
  if (!s3.ok) return s3;
  return ok({ input, webhook: hook.value, policy: rules.value, s3Config: s3.value });
}

/** A URL that a webhook may be sent to, as far as its text tells; null and "" are none. `mayBeLocal`: see above. */
export function readWebhook(value: unknown, mayBeLocal = true): Result<string | null, RequestProblem> {
  if (value === undefined || value === null || value === "") return ok(null);
  const target = typeof value === "string" ? webhookTarget(value, mayBeLocal) : err("not_a_url" as const);
  if (target.ok) return ok(value as string);
  return err({ param: "webhook", problem: `webhook ${WEBHOOK_PROBLEMS[target.error]}` });
}

function readPolicy(value: unknown): Result<RunPolicy, RequestProblem> {
  if (value === undefined || value === null) return ok(DEFAULTS);
  if (!isObject(value)) return err({ param: "policy", problem: "policy must be an object." });
  const { lowPriority } = value;
  if (lowPriority !== undefined && lowPriority !== null && typeof lowPriority !== "boolean") {
    return err({ param: "policy.lowPriority", problem: "policy.lowPriority must be true or false." });
  }
  const executionTimeoutMs = readMs(value, "executionTimeout", POLICY_RANGES.executionTimeoutMs);
  if (!executionTimeoutMs.ok) return executionTimeoutMs;
  const ttlMs = readMs(value, "ttl", POLICY_RANGES.ttlMs);
  if (!ttlMs.ok) return ttlMs;
  const priority = lowPriority === true ? PRIORITY_LOW : PRIORITY_NORMAL;
  return ok({ executionTimeoutMs: executionTimeoutMs.value, ttlMs: ttlMs.value, priority });
}

const DEFAULTS: RunPolicy = { executionTimeoutMs: null, ttlMs: null, priority: PRIORITY_NORMAL };

type Range = { readonly min: number; readonly max: number };

function readMs(policy: Json, name: string, { min, max }: Range): Result<number | null, RequestProblem> {
  const value = policy[name];
  if (value === undefined || value === null) return ok(null);
  const fits = typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
  if (fits) return ok(value);
  return err({ param: `policy.${name}`, problem: `policy.${name} must be whole milliseconds, ${min} to ${max}.` });
}

function readS3Config(value: unknown): Result<string | null, RequestProblem> {
  if (value === undefined || value === null) return ok(null);
  const text = isObject(value) ? JSON.stringify(value) : null;
  if (text !== null && text.length <= S3_CONFIG_CHARS_MAX) return ok(text);
  return err({
    param: "s3Config",
    problem: `s3Config must be an object of at most ${S3_CONFIG_CHARS_MAX} characters.`,
  });
}

/** ms of a query's `wait`, brought into its range as Runpod's own clients do; null: it is no number. */
export function readWaitMs(value: string | null, maxMs: number): number | null {
  if (value === null || value === "") return Math.min(WAIT_MS_DEFAULT, maxMs);
  const wanted = Number(value);
  return Number.isFinite(wanted) ? Math.min(maxMs, Math.max(WAIT_MS_MIN, Math.round(wanted))) : null;
}

/** The requests of a batch call: a list, or an object with a list. */
export function readBatchRequests(parsed: unknown, mayBeLocal = true): Result<readonly RunRequest[], RequestProblem> {
  const list = isObject(parsed) ? (parsed["requests"] ?? []) : parsed;
  if (!Array.isArray(list)) return err({ param: "requests", problem: "requests must be a list." });
  if (list.length > BATCH_REQUESTS_MAX) {
    return err({ param: "requests", problem: `A batch has at most ${BATCH_REQUESTS_MAX} requests.` });
  }
  const requests: RunRequest[] = [];
  for (const [index, item] of list.entries()) {
    const read = readRunRequest(item, mayBeLocal);
    if (!read.ok) return err({ param: `requests[${index}]`, problem: read.error.problem });
    requests.push(read.value);
  }
  return ok(requests);
}

export type Page = { readonly offset: number; readonly limit: number };

/** A page of a list; more would be one large message. */
const PAGE_LIMIT_MAX = 100;

export function readPage(query: URLSearchParams): Result<Page, RequestProblem> {
  const offset = Number(query.get("offset") ?? "0");
  const limit = Number(query.get("limit") ?? String(PAGE_LIMIT_MAX));
  if (!Number.isSafeInteger(offset) || offset < 0) {
    return err({ param: "offset", problem: "offset must be a whole number from 0." });
  }
  if (!Number.isSafeInteger(limit) || limit < 1) {
    return err({ param: "limit", problem: `limit must be a whole number, 1 to ${PAGE_LIMIT_MAX}.` });
  }
  return ok({ offset, limit: Math.min(limit, PAGE_LIMIT_MAX) });
}
