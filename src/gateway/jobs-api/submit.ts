/**
 * Takes a job in: its rails, its policy, its hash, and the queue's answer. Every surface submits through here, so a job
 * meets the same rails as a synchronous request; what a rail redacts is redacted before anything is stored.
 */
import type {
  JobPolicy,
  JobView,
  JobWebhook,
  JobWork,
  SubmitOutcome,
  SubmitRequest,
} from "../../jobs/core/messages.ts";
import { DEFAULT_POLICY, PRIORITY_NORMAL } from "../../jobs/core/policy.ts";
import { toHex } from "../../wire/api-keys.ts";
import type { JobOptions } from "../../jobs/wire/jobs-options.ts";
import type { RunPolicy } from "../../jobs/wire/jobs-runpod.ts";
import { parseJson, writeJson } from "../../wire/body.ts";
import { bytesOf } from "../../wire/text-bytes.ts";
import { mayAskFor } from "../../wire/output-asked.ts";
import { tokensIn } from "../../wire/token-bytes.ts";
import type { Authenticated } from "../edge-request.ts";
import { isCapped, isLimited, limitsOn } from "../limited.ts";
import type { EdgePool } from "../../dispatch/runtime.ts";
import type { Refusal } from "../../wire/refusal.ts";
import { NO_QUEUE, refuseStorageFull } from "./answers.ts";
import { queueOf } from "./queue.ts";

export type JobDraft = {
  readonly jobId: string;
  readonly work: JobWork;
  readonly policy: JobPolicy;
  readonly webhook: JobWebhook | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | null;
  readonly batchId: string | null;
};

export type Submitted =
  | { readonly kind: "accepted"; readonly job: JobView; readonly isNew: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** What the body says comes before what the headers say. */
export function policyOf(options: JobOptions, body: RunPolicy | null, retentionMs: number): JobPolicy {
  const fromBody = body !== null && body.priority !== PRIORITY_NORMAL ? body.priority : null;
  return {
    executionTimeoutMs: body?.executionTimeoutMs ?? options.executionTimeoutMs ?? DEFAULT_POLICY.executionTimeoutMs,
    ttlMs: body?.ttlMs ?? options.ttlMs ?? DEFAULT_POLICY.ttlMs,
    startWithinMs: options.startWithinMs,
    priority: fromBody ?? options.priority ?? PRIORITY_NORMAL,
    attemptsMax: options.noRetry ? 1 : DEFAULT_POLICY.attemptsMax,
    notBeforeMs: options.notBeforeMs,
    retentionMs,
  };
}

export async function submitJob(edge: Authenticated, pool: EdgePool, draft: JobDraft): Promise<Submitted> {
  const queue = queueOf(edge, pool.config.id);
  if (queue === null) return { kind: "refused", refusal: NO_QUEUE };
  const limited = await limitJob(edge, pool, draft.work);
  if ("reason" in limited) return { kind: "refused", refusal: limited };
  const outcome = await queue.submit(await requestOf(edge, { ...draft, work: limited }));
  return outcome.kind === "accepted" ? outcome : { kind: "refused", refusal: refuseOutcome(outcome) };
}

/** The work as it may be done, or why its tenant and key may not have it done. */
export async function limitJob(edge: Authenticated, pool: EdgePool, work: JobWork): Promise<JobWork | Refusal> {
  // A body is read for what it asks for alone: most are within no limit but the deployment's caps, and name none of them.
  if (!isLimited(edge) && !(isCapped(work) && mayAskFor(work.body))) return work;
  const bytes = bytesOf(work.body);
  const json = parseJson(bytes);
  const inputTokens = tokensIn(pool.tokenBytes, bytes.byteLength);
  const limited = await limitSubmission(edge, { pool, method: work.method, path: work.path, json, inputTokens });
  if ("reason" in limited) return limited;
  if (limited.bound === null || json === null) return work;
  const bounded = writeJson(limited.bound(json), bytes);
  if (bounded === null) return { reason: "invalid_request", detail: "The body is nested too deep." };
  return { ...work, body: new TextDecoder().decode(bounded) };
}

export async function requestOf(edge: Authenticated, draft: JobDraft): Promise<SubmitRequest> {
  // Only a key makes anyone compare.
  const bodyHash = draft.idempotencyKey === null ? "" : await hashOf(draft);
  const { tenant, keyId } = edge.identity;
  return { ...draft, tenant, keyId, bodyHash };
}

function refuseOutcome(outcome: Exclude<SubmitOutcome, { kind: "accepted" }>): Refusal {
  switch (outcome.kind) {
    case "conflict":
      return { reason: "idempotency_conflict" };
    case "limited": {
      if (outcome.limit === "storage") return refuseStorageFull(outcome.retryAfterMs);
      const detail = `The queue has reached a limit (${outcome.limit}). Wait for the time in Retry-After.`;
      return { reason: "rate_limited", detail, retryAfterMs: outcome.retryAfterMs };
    }
    case "too_large": {
      const detail = `The request body is larger than ${outcome.bytesMax} bytes. Send less, or send it by reference.`;
      return { reason: "body_too_large", detail };
    }
    case "paused":
      return { reason: "queue_paused" };
  }
}

/** Of what the job does and how long it may take: where its answer goes is not part of it. */
async function hashOf({ work, policy, tags }: JobDraft): Promise<string> {
  const { kind, method, path, body, input = null } = work;
  const { notBeforeMs: _when, ...rules } = policy;
  const text = JSON.stringify([kind, method, path, body, input, rules, tags]);
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

/** As of a request; `bound`: its body as it is to be stored. */
async function limitSubmission(
  edge: Authenticated,
  asked: Parameters<typeof limitsOn>[1],
): Promise<Refusal | { readonly bound: ((body: unknown) => unknown) | null }> {
  const limiting = await limitsOn(edge, asked);
  if (limiting === null) return { bound: null };
  if ("reason" in limiting) return limiting;
  return (await (await import("../metering.ts")).passSubmission(limiting, edge.ctx)) ?? limiting;
}
