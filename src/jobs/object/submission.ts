/** Takes a job in: limits, idempotency, where the input is kept. The order is what makes a repetition harmless. */
import { mayFill } from "../core/fair-lanes.ts";
import { decideSubmission, isIdempotencyKey, scopedKey } from "../core/idempotency.ts";
import { areTags, createJob, isVisible } from "../core/job.ts";
import type { SubmitOutcome, SubmitRequest } from "../core/messages.ts";
import { DEFAULT_POLICY, PRIORITY_MAX, PRIORITY_NORMAL, SCHEDULE_AHEAD_MAX_MS } from "../core/policy.ts";
import type { JobPolicy } from "../core/policy.ts";
import { admit } from "../core/queue.ts";
import { STORAGE_RETRY_MS } from "../core/storage-full.ts";
import { mayStore } from "./full-mark.ts";
import type { Blobs } from "./blobs.ts";
import { BLOB_BYTES_MAX, INPUT_ROW_BYTES_MAX, STORAGE_BYTES_MAX, utf8Bytes } from "./bounds.ts";
import type { Extra, JobRow } from "./job-row.ts";
import { viewOf } from "./job-view.ts";
import type { Ledger } from "./ledger.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** A client over a limit comes back after this, ms: nobody knows when a job ends. */
const LIMITED_RETRY_MS = 1_000;

export type SubmissionParts = { readonly ledger: Ledger; readonly blobs: Blobs; readonly dispatcher: Dispatcher };

export type Taken =
  | { readonly kind: "taken"; readonly row: JobRow; readonly isNew: boolean }
  /** Its key was used, and the job that it made is gone. */
  | { readonly kind: "gone"; readonly jobId: string }
  | Exclude<SubmitOutcome, { kind: "accepted" }>;

export async function takeIn(parts: SubmissionParts, request: SubmitRequest): Promise<Taken> {
  const { blobs, ledger, dispatcher } = parts;
  const { jobId, work } = request;
  const bytes = utf8Bytes(work.body);
  if (bytes > BLOB_BYTES_MAX) return { kind: "too_large", bytesMax: BLOB_BYTES_MAX };
  const refused = known(parts, request) ?? full(parts, request, bytes);
  if (refused !== null) return refused;
  // Before anything is written: what is written holds back every message until it is on disk, and a lease takes a trip.
  if (request.policy.notBeforeMs === null) dispatcher.pump(1, request.policy.priority > PRIORITY_NORMAL);
  const bodyKey = bytes > INPUT_ROW_BYTES_MAX ? blobs.inputKey(jobId) : null;
  if (bodyKey !== null) {
    await blobs.put(bodyKey, work.body);
    // Meanwhile the same submission may have come again.
    const again = known(parts, request);
    if (again !== null) {
      // Unless it is this very job's, nobody will ever read it.
      if (ledger.find(jobId) === null) await blobs.forget(jobId, [bodyKey]);
      return again;
    }
  }
  const now = Date.now();
  const made = createJob(
    {
      id: jobId,
      tenant: request.tenant,
      seq: ledger.nextSeq(),
      policy: policyOf(request),
      tags: areTags(request.tags) ? request.tags : {},
      ...startOf(request, now),
    },
    now,
  );
  const [named] = namesOf(parts, request);
  if (named !== undefined) {
    const decision = decideSubmission(null, { jobId, bodyHash: named.bodyHash }, now);
    if (decision.kind === "new") ledger.store.saveKey(named.key, decision.record);
  }
  const spec = { work: bodyKey === null ? work : { ...work, body: "" }, bodyKey };
  return { kind: "taken", row: ledger.create(made, extraOf(request), spec, bytes), isNew: true };
}

/** What became of the same submission before; null: it is new. */
function known(parts: SubmissionParts, request: SubmitRequest): Taken | null {
  const { ledger } = parts;
  const { jobId, tenant } = request;
  const now = Date.now();
  const decisions = namesOf(parts, request).map(({ key, bodyHash }) =>
    decideSubmission(ledger.store.key(key), { jobId, bodyHash }, now),
  );
  const decision = decisions.find(({ kind }) => kind !== "new") ?? { kind: "new" };
  if (decision.kind === "conflict") return decision;
  const id = decision.kind === "same" ? decision.jobId : jobId;
  const row = ledger.find(id);
  if (row !== null && row.job.tenant !== tenant) return { kind: "conflict" };
  if (row !== null && isVisible(row.job, now)) return { kind: "taken", row, isNew: false };
  return decision.kind === "same" || row !== null ? { kind: "gone", jobId: id } : null;
}

function full({ ledger }: SubmissionParts, { tenant, policy }: SubmitRequest, bytes: number): Taken | null {
  if (isNearlyFull(ledger) || !mayStore(Date.now()))
    return { kind: "limited", limit: "storage", retryAfterMs: STORAGE_RETRY_MS };
  if (!mayKeep(ledger, tenant, bytes)) {
    return { kind: "limited", limit: "tenant_storage", retryAfterMs: STORAGE_RETRY_MS };
  }
  const admission = admit(ledger.mode, ledger.counts(tenant, null), ledger.limits, policy.notBeforeMs !== null);
  if (admission.kind === "admitted") return null;
  const { reason } = admission;
  if (reason === "paused" || reason === "draining") return { kind: "paused" };
  return { kind: "limited", limit: reason, retryAfterMs: LIMITED_RETRY_MS };
}

/** What is there already counts: an input of its own size is let in by the one that comes to the limit. */
function mayKeep({ store, bytes: kept, limits }: Ledger, tenant: string, bytes: number): boolean {
  const { tenantBytesMax } = limits;
  const own = kept.of(tenant) + bytes;
  return tenantBytesMax === null ? mayFill(own, store.sql.databaseSize, STORAGE_BYTES_MAX) : own <= tenantBytesMax;
}

/** A queue that cannot write could not even end its jobs. */
export const isNearlyFull = ({ store }: Ledger): boolean => store.sql.databaseSize >= STORAGE_BYTES_MAX;

/**
 * Under which names its idempotency key may be stored, the one first that is written; none without a key. Where rows
 * are sealed, neither the key nor the hash of its body can be guessed from what is there.
 */
function namesOf(
  { ledger }: SubmissionParts,
  { tenant, idempotencyKey, bodyHash }: SubmitRequest,
): readonly { readonly key: string; readonly bodyHash: string }[] {
  if (idempotencyKey === null || !isIdempotencyKey(idempotencyKey)) return [];
  const { sealer } = ledger.store;
  const hashes = sealer.blinds(bodyHash);
  return sealer.blinds(idempotencyKey).map((key, at) => ({
    key: scopedKey(tenant, key),
    bodyHash: hashes[at] ?? bodyHash,
  }));
}

function startOf({ policy: { notBeforeMs } }: SubmitRequest, now: number): { readonly notBeforeMs?: number } {
  return notBeforeMs === null ? {} : { notBeforeMs: Math.min(notBeforeMs, now + SCHEDULE_AHEAD_MAX_MS) };
}

/** The surfaces have checked the ranges; the bounds that the core insists on are kept here once more. */
function policyOf({ policy }: SubmitRequest): JobPolicy {
  return {
    ...DEFAULT_POLICY,
    priority: Math.min(PRIORITY_MAX, Math.max(0, Math.trunc(policy.priority))),
    startWithinMs: policy.startWithinMs,
    executionTimeoutMs: policy.executionTimeoutMs,
    ttlMs: policy.ttlMs,
    retentionMs: policy.retentionMs,
    attemptsMax: Math.max(1, policy.attemptsMax),
  };
}

function extraOf({ batchId, webhook, keyId }: SubmitRequest): Extra {
  return {
    ...(keyId !== undefined && { keyId }),
    batchId,
    endpointId: null,
    workerId: null,
    lostAt: null,
    answer: null,
    failedOutput: null,
    webhook,
  };
}

/** How the first submission's job looks when it is over and forgotten: the same id, and no second effect. */
export function goneView(jobId: string): ReturnType<typeof viewOf> {
  return {
    id: jobId,
    status: "expired",
    submittedMs: 0,
    startedMs: null,
    endedMs: null,
    attempts: 0,
    delayMs: null,
    executionMs: null,
    endpointId: null,
    workerId: null,
    output: null,
    error: "the job that this key made has been deleted",
    answer: null,
    tags: {},
    position: null,
    history: [],
  };
}
