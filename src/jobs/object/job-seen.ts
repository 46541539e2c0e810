/** What is told of an attempt of a job: a record of its own, as of every other request (`sight/seen.ts`). */
import type { EdgePool } from "../../dispatch/runtime.ts";
import type { SightConfig } from "../../config/sight-schema.ts";
import { traceOf } from "../../sight/trace.ts";
import { TRACEPARENT } from "../../wire/headers.ts";
import { createSeen, noteEnd } from "../../sight/see.ts";
import type { Seen, SeenHost } from "../../sight/seen.ts";
import type { Job } from "../core/job.ts";
import type { JobWork } from "../core/messages.ts";
import { PRIORITY_LOW } from "../core/policy.ts";
import type { AttemptReport } from "./run-attempt.ts";

export function seenOf({ id, tenant, policy }: Job, pool: EdgePool, work: JobWork, sight: SightConfig | null): Seen {
  const seen = createSeen(id, "POST");
  const { models } = pool.config;
  seen.path = "job";
  seen.jobPath = work.path;
  seen.identity = { tenant, keyId: null };
  seen.pool = pool;
  seen.model = models.length === 1 ? (models[0] ?? null) : null;
  seen.stream = work.stream;
  seen.trace = sight === null ? null : traceOf(work.headers?.[TRACEPARENT] ?? null, sight);
  seen.bytesIn = work.body.length;
  seen.priority = policy.priority >= PRIORITY_LOW ? "low" : "normal";
  return seen;
}

export function noteReport(seen: Seen, host: SeenHost, report: AttemptReport): void {
  const failed = report.kind === "failed" ? report.reason : null;
  const status = report.answer?.status ?? 0;
  noteEnd(seen, { host, refused: null, failed, status, clientLeft: false, atMs: Date.now() });
}
