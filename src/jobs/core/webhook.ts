/**
 * Decides when a webhook is sent, sent again, given up or never sent again: the pure part of the outbox.
 *
 * Model. A delivery is a small state machine beside its job: pending → delivered | dead | disabled. Its id is derived
 * from the job, so every try and every replay carries the same one and a receiver can drop repeats: at least once from
 * us, once for them. Delivery is stored with the job's last write; passing notices (started, progress, …) are sent once
 * from memory and not stored, because each is made obsolete by the next, and the last one is stored.
 *
 * Two forms. `standard` follows the schedule of the Standard Webhooks page with full jitter in each window; any 2xx is
 * success, 410 means never again. `runpod` is Runpod's: success is exactly 200, two more tries, 10 s apart.
 * A redirect is a failure in both: following it would let a receiver point us at an address nobody checked.
 * Rejected: ordering deliveries of one job (a dead receiver would hold the terminal one behind a progress notice).
 */
import { jitterBelowMs } from "./backoff.ts";
import type { Notice } from "./events.ts";
import type { Job } from "./job.ts";
import type { Rng } from "../../lib/rng.ts";

export type WebhookForm = "standard" | "runpod";

export type Delivery = {
  /** The same over all tries and replays. */
  readonly webhookId: string;
  readonly form: WebhookForm;
  readonly state: "pending" | "delivered" | "dead" | "disabled";
  /** Tries that failed since it was last put into the outbox. */
  readonly failures: number;
  /** While `pending`: the next try, ms. */
  readonly nextAtMs: number | null;
};

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Window after the nth failure, ms. */
export const STANDARD_WINDOWS_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
const RUNPOD_PAUSES_MS: readonly number[] = [10 * SECOND, 10 * SECOND];

/** Below this a jittered retry would reach a receiver that is still restarting. */
export const RETRY_FLOOR_MS = SECOND;

/** A receiver acknowledges and works later; Standard Webhooks recommend 15–30 s. */
export const WEBHOOK_TIMEOUT_MS = 15 * SECOND;

/**
 * `jobId.generation.notice`: one effect for each end of a job, also across redrives. A passing notice may come more
 * than once, so it also names the attempt and, where there are several in one, its `ordinal`.
 */
export function webhookId(job: Pick<Job, "id" | "generation" | "token">, notice: Notice, ordinal = 0): string {
  const id = `${job.id}.${job.generation}.${notice}`;
  return isTerminalNotice(notice) ? id : `${id}.${job.token}.${ordinal}`;
}

export function createDelivery(id: string, form: WebhookForm, now: number): Delivery {
  return { webhookId: id, form, state: "pending", failures: 0, nextAtMs: now };
}

/** `null` for no answer: refused, reset, timed out, or an address that may not be called. */
export type DeliveryAnswer = { readonly status: number; readonly retryAfterMs?: number } | null;

/** Counts one try. A delivery that is not pending stays as it is: a doubled try cannot revive it. */
export function delivered(delivery: Delivery, answer: DeliveryAnswer, now: number, rng: Rng): Delivery {
  if (delivery.state !== "pending") return delivery;
  if (isSuccess(delivery.form, answer)) return { ...delivery, state: "delivered", nextAtMs: null };
  const failures = delivery.failures + 1;
  if (answer?.status === 410) return { ...delivery, state: "disabled", failures, nextAtMs: null };
  const delayMs = pauseMs(delivery.form, failures, answer?.retryAfterMs ?? 0, rng);
  if (delayMs === null) return { ...delivery, state: "dead", failures, nextAtMs: null };
  return { ...delivery, failures, nextAtMs: now + delayMs };
}

/** A dead letter, or one already delivered, is sent again under its own id. 410 was the receiver's word and stays. */
export function replayed(delivery: Delivery, now: number): Delivery {
  if (delivery.state === "disabled" || delivery.state === "pending") return delivery;
  return { ...delivery, state: "pending", failures: 0, nextAtMs: now };
}

function isSuccess(form: WebhookForm, answer: DeliveryAnswer): boolean {
  if (answer === null) return false;
  return form === "runpod" ? answer.status === 200 : answer.status >= 200 && answer.status < 300;
}

/** Null when the tries are used up. */
function pauseMs(form: WebhookForm, failures: number, retryAfterMs: number, rng: Rng): number | null {
  if (form === "runpod") return RUNPOD_PAUSES_MS[failures - 1] ?? null;
  const windowMs = STANDARD_WINDOWS_MS[failures - 1];
  if (windowMs === undefined) return null;
  // A receiver may ask for more patience, but not for more than the schedule would ever have.
  return Math.max(RETRY_FLOOR_MS, jitterBelowMs(windowMs, rng), Math.min(retryAfterMs, 24 * HOUR));
}

/** How a job can end: stored and retried, where the others are sent once. */
export const TERMINAL_NOTICES: readonly Notice[] = [
  "job.completed",
  "job.failed",
  "job.cancelled",
  "job.timed_out",
  "job.expired",
];

export const isTerminalNotice = (notice: Notice): boolean => TERMINAL_NOTICES.includes(notice);

/** An empty filter is every notice. Runpod's form knows only the end of a job, whatever the filter says. */
export function wantsNotice(form: WebhookForm, filter: readonly string[], notice: Notice): boolean {
  if (form === "runpod" && !isTerminalNotice(notice)) return false;
  return filter.length === 0 || filter.includes(notice);
}
