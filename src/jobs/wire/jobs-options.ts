/**
 * Decides what a client may ask of a job by headers, on both surfaces, and how they are spelt.
 *
 * Names follow the field's (fal's `x-fal-queue-priority`, `x-fal-request-timeout`, `x-fal-no-retry`; the IETF draft's
 * `Idempotency-Key`), under our prefix, which no endpoint ever sees. Times on the wire are seconds. An option that
 * cannot be read is refused, not ignored: a job that silently runs at another time is worse than an error.
 */
import { isIdempotencyKey, KEY_CHARS_MAX } from "../core/idempotency.ts";
import type { JobWebhook } from "../core/messages.ts";
import { TAG_CHARS_MAX, TAGS_MAX } from "../core/job.ts";
import { POLICY_RANGES, PRIORITY_HIGH, PRIORITY_LOW, PRIORITY_NORMAL, SCHEDULE_AHEAD_MAX_MS } from "../core/policy.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { readWebhook } from "./jobs-runpod.ts";

/** `low`, `normal`, `high`, or 0 (first) to 9 (last). */
const PRIORITY = "x-warmpath-priority";
/** Seconds from the earliest start to the latest. */
const START_TIMEOUT = "x-warmpath-start-timeout";
/** Seconds that one attempt may run. */
const RUN_TIMEOUT = "x-warmpath-run-timeout";
/** Seconds from submission to deletion. */
const TTL = "x-warmpath-ttl";
/** `1`, `true` or `yes`: one attempt only. */
const NO_RETRY = "x-warmpath-no-retry";
/** Earliest start: an ISO date-time with its offset, or Unix seconds. */
const START_AT = "x-warmpath-start-at";
/** `name=value` pairs, separated by commas. */
const TAGS = "x-warmpath-tags";
/** URL that is told how the job goes, by Standard Webhooks. */
export const WEBHOOK = "x-warmpath-webhook";
/** Which events, separated by commas; all without it. */
const WEBHOOK_EVENTS = "x-warmpath-webhook-events";
export const IDEMPOTENCY_KEY = "idempotency-key";
/** `job`: a request that cannot be served now may become a job. */
export const ON_BUSY = "x-warmpath-on-busy";

/** Names of events are short words of ours. */
const EVENTS_MAX = 16;

export type JobOptions = {
  readonly priority: number | null;
  readonly startWithinMs: number | null;
  readonly executionTimeoutMs: number | null;
  readonly ttlMs: number | null;
  readonly noRetry: boolean;
  /** Instant, ms. */
  readonly notBeforeMs: number | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly webhook: JobWebhook | null;
  readonly idempotencyKey: string | null;
};

type OptionProblem = { readonly param: string; readonly problem: string };

type Read<Value> = Result<Value, OptionProblem>;

/** `mayBeLocal`: as of `readRunRequest`. */
export function readJobOptions(headers: Headers, now: number, mayBeLocal = true): Read<JobOptions> {
  const priority = readPriority(headers.get(PRIORITY));
  const startWithinMs = readSeconds(headers, START_TIMEOUT, POLICY_RANGES.startWithinMs);
  const executionTimeoutMs = readSeconds(headers, RUN_TIMEOUT, POLICY_RANGES.executionTimeoutMs);
  const ttlMs = readSeconds(headers, TTL, POLICY_RANGES.ttlMs);
  const notBeforeMs = readInstant(headers.get(START_AT), now);
  const tags = readTags(headers.get(TAGS));
  const webhook = readHook(headers, mayBeLocal);
  const idempotencyKey = readKey(headers.get(IDEMPOTENCY_KEY));
  if (!priority.ok) return priority;
  if (!startWithinMs.ok) return startWithinMs;
  if (!executionTimeoutMs.ok) return executionTimeoutMs;
  if (!ttlMs.ok) return ttlMs;
  if (!notBeforeMs.ok) return notBeforeMs;
  if (!tags.ok) return tags;
  if (!webhook.ok) return webhook;
  if (!idempotencyKey.ok) return idempotencyKey;
  return ok({
    priority: priority.value,
    startWithinMs: startWithinMs.value,
    executionTimeoutMs: executionTimeoutMs.value,
    ttlMs: ttlMs.value,
    noRetry: /^(?:1|true|yes)$/i.test(headers.get(NO_RETRY)?.trim() ?? ""),
    notBeforeMs: notBeforeMs.value,
    tags: tags.value,
    webhook: webhook.value,
    idempotencyKey: idempotencyKey.value,
  });
}

const PRIORITIES: ReadonlyMap<string, number> = new Map([
  ["high", PRIORITY_HIGH],
  ["normal", PRIORITY_NORMAL],
  ["low", PRIORITY_LOW],
]);

function readPriority(value: string | null): Read<number | null> {
  if (value === null) return ok(null);
  const word = value.trim().toLowerCase();
  const named = PRIORITIES.get(word);
  if (named !== undefined) return ok(named);
  if (/^\d$/.test(word)) return ok(Number(word));
  return err({ param: PRIORITY, problem: `${PRIORITY} must be low, normal, high, or 0 (first) to 9 (last).` });
}

type Range = { readonly min: number; readonly max: number };

function readSeconds(headers: Headers, name: string, { min, max }: Range): Read<number | null> {
  const value = headers.get(name);
  if (value === null) return ok(null);
  const ms = /^\s*\d{1,7}(?:\.\d{1,3})?\s*$/.test(value) ? Math.round(Number(value) * 1_000) : Number.NaN;
  if (ms >= min && ms <= max) return ok(ms);
  return err({ param: name, problem: `${name} must be seconds, ${min / 1_000} to ${max / 1_000}.` });
}

function readInstant(value: string | null, now: number): Read<number | null> {
  if (value === null) return ok(null);
  const text = value.trim();
  const isIso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  const atMs = /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : isIso ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) {
    return err({ param: START_AT, problem: `${START_AT} must be Unix seconds or a date-time with its offset.` });
  }
  if (atMs - now > SCHEDULE_AHEAD_MAX_MS) {
    return err({ param: START_AT, problem: `${START_AT} may be ${SCHEDULE_AHEAD_MAX_MS / 86_400_000} days ahead.` });
  }
  return ok(atMs <= now ? null : atMs);
}

const TAG = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*=\s*([!-+\-.-~](?:[ -+\-.-~]*[!-+\-.-~])?)?\s*$/;

function readTags(value: string | null): Read<Readonly<Record<string, string>>> {
  if (value === null || value.trim() === "") return ok({});
  const tags = new Map<string, string>();
  for (const part of value.split(",").slice(0, TAGS_MAX + 1)) {
    const [, name, text = ""] = TAG.exec(part) ?? [];
    if (name === undefined || `${name}=${text}`.length > TAG_CHARS_MAX) {
      const problem = `${TAGS} must be name=value pairs of at most ${TAG_CHARS_MAX} characters, separated by commas.`;
      return err({ param: TAGS, problem });
    }
    tags.set(name, text);
  }
  if (tags.size > TAGS_MAX) return err({ param: TAGS, problem: `A job has at most ${TAGS_MAX} tags.` });
  return ok(Object.fromEntries(tags));
}

function readHook(headers: Headers, mayBeLocal: boolean): Read<JobWebhook | null> {
  const url = readWebhook(headers.get(WEBHOOK) ?? "", mayBeLocal);
  if (!url.ok) return err({ param: WEBHOOK, problem: url.error.problem.replace("webhook", WEBHOOK) });
  if (url.value === null) return ok(null);
  const events = (headers.get(WEBHOOK_EVENTS) ?? "").split(",").map((event) => event.trim());
  const named = events.filter((event) => event !== "");
  if (named.length > EVENTS_MAX || !named.every((event) => /^[a-z][a-z._-]{0,39}$/.test(event))) {
    return err({ param: WEBHOOK_EVENTS, problem: `${WEBHOOK_EVENTS} must be names of events, separated by commas.` });
  }
  return ok({ url: url.value, form: "standard", events: named });
}

/** A structured-field string, or the bare text that most clients send. */
function readKey(value: string | null): Read<string | null> {
  if (value === null) return ok(null);
  const key = /^"(.*)"$/.exec(value.trim())?.[1] ?? value.trim();
  if (isIdempotencyKey(key)) return ok(key);
  const problem = `${IDEMPOTENCY_KEY} must have 1 to ${KEY_CHARS_MAX} printable ASCII characters without spaces.`;
  return err({ param: IDEMPOTENCY_KEY, problem });
}
