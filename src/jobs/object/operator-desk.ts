/**
 * The queue as operators see it: over all tenants, and without any input or answer.
 *
 * What is counted is counted from memory, from the list of ended jobs, and from one column of the dead ones' rows; a walk
 * over all rows is never made, because a queue may have a million. Ended jobs are counted anew every `COUNT_GAP_MS` at
 * most: a page asks once a second or two.
 */
import type { Erased } from "../core/erased.ts";
import { isRedrivable, isTerminal, isVisible } from "../core/job.ts";
import type { JobStatus } from "../core/messages.ts";
import type {
  OperatorDelivery,
  OperatorJob,
  OperatorJobWhole,
  OperatorPage,
  OperatorWorker,
  QueueSummary,
  RedriveOrder,
  RedriveOutcome,
  ReplayOutcome,
} from "../core/operator.ts";
import { orderKey } from "../core/queue.ts";
import {
  DEAD_COUNTED_MAX,
  ENDED_COUNTED_MAX,
  LIST_MAX,
  POSITION_MAX,
  TENANTS_TOLD_MAX,
  WATCH_LANES_MAX,
} from "./bounds.ts";
import { eraseTenant } from "./erasure.ts";
import type { EraserParts } from "./erasure.ts";
import type { JobRow } from "./job-row.ts";
import { viewOf } from "./job-view.ts";
import { listJobs } from "./listing.ts";
import { oldestDueOf } from "./pool-watch.ts";
import type { JobQueueOperatorRpc } from "./rpc.ts";
import type { WorkerDesk } from "./worker-desk.ts";

/** Between two counts of what has ended, ms. */
const COUNT_GAP_MS = 2_000;

const DEAD: ReadonlySet<JobStatus> = new Set(["failed", "timed_out"]);

type Ended = {
  readonly byState: Record<"completed" | "failed" | "cancelled" | "timed_out" | "expired", number>;
  dead: number;
};

export type DeskDeps = EraserParts & {
  readonly workers: WorkerDesk;
  /** What an earlier object left is taken care of first. */
  readonly begun: () => void;
};

export class OperatorDesk implements JobQueueOperatorRpc {
  readonly #deps: DeskDeps;
  #ended: { readonly atMs: number; readonly counts: Ended } | null = null;

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  async summary(): Promise<QueueSummary> {
    const { ledger, workers } = this.#deps;
    this.#deps.begun();
    const now = Date.now();
    const { byState, dead } = this.#countEnded(now);
    const running = ledger.running.size;
    const { retrying } = ledger;
    return {
      mode: ledger.mode,
      limits: ledger.limits,
      byState: { queued: ledger.waiting() - retrying, running, retrying, ...byState },
      dead,
      oldestQueuedSinceMs: oldestDueOf(ledger.store, ledger.waitingTenants(WATCH_LANES_MAX)),
      tenants: ledger.lanes(TENANTS_TOLD_MAX),
      workers: workers.online(now),
      totals: ledger.allTotals(),
    };
  }

  async listAll({ tenant, states, offset, limit }: OperatorPage): Promise<readonly OperatorJob[]> {
    this.#deps.begun();
    const page = { offset, limit: Math.min(limit, LIST_MAX), states: states === null ? null : new Set(states) };
    return listJobs(this.#deps.ledger, tenant, page).map((row) => this.#shown(row));
  }

  async look(jobId: string): Promise<OperatorJobWhole | null> {
    this.#deps.begun();
    const row = this.#find(jobId);
    if (row === null) return null;
    const { history } = viewOf(row, { output: null, position: null });
    const { webhook } = row.extra;
    const where = webhook === null ? null : withoutQuery(webhook.url);
    return { ...this.#shown(row), history, historyDropped: row.job.history.dropped, webhook: where };
  }

  async redriveAll(order: RedriveOrder): Promise<RedriveOutcome> {
    this.#deps.begun();
    const redriven: string[] = [];
    const refused: RedriveOutcome["refused"][number][] = [];
    const dead = "ids" in order ? null : this.#deadOf(order.tenant);
    const ids = "ids" in order ? order.ids : (dead ?? []).slice(0, LIST_MAX).map(({ job }) => job.id);
    for (const id of ids) {
      const row = this.#find(id);
      if (row === null) refused.push({ id, why: "unknown" });
      else if (!isRedrivable(row.job)) refused.push({ id, why: "not_retryable" });
      else {
        this.#deps.ledger.redrive(row);
        redriven.push(id);
      }
    }
    this.#ended = null;
    return { redriven, refused, hasMore: (dead?.length ?? 0) > LIST_MAX };
  }

  async allDeliveries(tenant: string | null, onlyDead: boolean): Promise<readonly OperatorDelivery[]> {
    return this.#deps.outbox.all(tenant, onlyDead, LIST_MAX).map(({ url, ...delivery }) => ({
      ...delivery,
      url: withoutQuery(url),
    }));
  }

  async replayAll(webhookIds: readonly string[]): Promise<ReplayOutcome> {
    const { outbox } = this.#deps;
    const isReplayed = webhookIds.map((id) => outbox.replay(outbox.tenantOf(id) ?? "", id));
    return {
      replayed: webhookIds.filter((_, index) => isReplayed[index] === true),
      refused: webhookIds.filter((_, index) => isReplayed[index] !== true),
    };
  }

  async erase(tenant: string): Promise<Erased> {
    this.#deps.begun();
    this.#ended = null;
    return eraseTenant(this.#deps, tenant);
  }

  async workersNow(): Promise<readonly OperatorWorker[]> {
    const { ledger, workers } = this.#deps;
    return workers.known().map(({ id, seenMs, waiting }) => ({
      id,
      seenMs,
      waiting,
      jobs: ledger.heldBy(id).map(({ row: { job } }) => ({
        id: job.id,
        tenant: job.tenant,
        sinceMs: job.lease?.claimedAtMs ?? job.submittedAtMs,
      })),
    }));
  }

  #find(jobId: string): JobRow | null {
    const row = this.#deps.ledger.find(jobId);
    return row !== null && isVisible(row.job, Date.now()) ? row : null;
  }

  #shown(row: JobRow): OperatorJob {
    const { store, limits } = this.#deps.ledger;
    const { job } = row;
    const isWaiting = job.state === "queued";
    return shown(row, isWaiting ? store.before(job.tenant, orderKey(job, limits.ageingMs), POSITION_MAX) : null);
  }

  #deadOf(tenant: string | null): readonly JobRow[] {
    return listJobs(this.#deps.ledger, tenant, { offset: 0, limit: LIST_MAX + 1, states: DEAD });
  }

  #countEnded(now: number): Ended {
    const age = this.#ended === null ? Number.POSITIVE_INFINITY : now - this.#ended.atMs;
    if (this.#ended !== null && age >= 0 && age < COUNT_GAP_MS) return this.#ended.counts;
    const { ledger } = this.#deps;
    const counts: Ended = { byState: { completed: 0, failed: 0, cancelled: 0, timed_out: 0, expired: 0 }, dead: 0 };
    const seen = new Set<string>();
    let looked = 0;
    for (const { id, state } of ledger.ended.newest()) {
      looked += 1;
      if (looked > ENDED_COUNTED_MAX) break;
      if (seen.has(id)) continue;
      seen.add(id);
      const isDead = DEAD.has(state);
      // An entry is a hint: its job may run again. That is worth a look where it is shown as dead.
      if (isDead && counts.dead < DEAD_COUNTED_MAX && ledger.store.stateOf(id) !== state) continue;
      counts.byState[state] += 1;
      if (isDead && counts.dead < DEAD_COUNTED_MAX) counts.dead += 1;
    }
    this.#ended = { atMs: now, counts };
    return counts;
  }
}

function shown({ job, extra }: JobRow, position: number | null): OperatorJob {
  const failed = isTerminal(job.state) ? job.error : null;
  return {
    id: job.id,
    tenant: job.tenant,
    status: job.state,
    submittedMs: job.submittedAtMs,
    startedMs: job.startedAtMs,
    endedMs: job.endedAtMs,
    deleteMs: job.deleteAtMs,
    attempts: job.attempts,
    position,
    priority: job.policy.priority,
    endpointId: extra.endpointId,
    workerId: extra.workerId,
    reason: failed?.reason ?? null,
    error: failed?.message ?? null,
    answerStatus: extra.answer?.status ?? null,
    tags: job.tags,
    batchId: extra.batchId,
    isRedrivable: isRedrivable(job),
  };
}

/** A receiver's URL may have its secret in the query. */
function withoutQuery(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? "" : parsed.origin + parsed.pathname;
}
