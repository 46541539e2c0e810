/**
 * A pool's queue in memory, for tests of the surfaces: it keeps jobs and says what it was asked, and nothing runs until
 * a test says so. What the real queue decides is tested with the real one.
 */
import type { JobStatus, JobView, SubmitOutcome, SubmitRequest, TakenJob } from "../../src/jobs/core/messages.ts";

type Kept = { readonly request: SubmitRequest; view: JobView; readonly chunks: string[]; drained: number };

export type FakeQueue = ReturnType<typeof fakeQueue>;

export function fakeQueue() {
  const jobs = new Map<string, Kept>();
  const calls: (readonly [name: string, ...args: unknown[]])[] = [];
  const keys = new Map<string, { readonly id: string; readonly hash: string }>();
  const results: { readonly jobId: string; readonly result: unknown }[] = [];
  let refusal: Exclude<SubmitOutcome, { kind: "accepted" }> | null = null;
  const note = (name: string, ...args: unknown[]): void => void calls.push([name, ...args]);
  const find = (tenant: string, id: string): Kept | null => {
    const kept = jobs.get(id);
    return kept?.request.tenant === tenant ? kept : null;
  };
  const change = (id: string, changed: Partial<JobView>): void => {
    const kept = jobs.get(id);
    if (kept === undefined) throw new Error(`no job ${id}`);
    kept.view = { ...kept.view, ...changed };
  };
  const mine = (tenant: string) => [...jobs.values()].filter(({ request }) => request.tenant === tenant);
  const rpc = {
    async submit(request: SubmitRequest): Promise<SubmitOutcome> {
      note("submit", request);
      if (refusal !== null) return refusal;
      const key = request.idempotencyKey === null ? null : `${request.tenant} ${request.idempotencyKey}`;
      const known = key === null ? undefined : keys.get(key);
      const first = known === undefined ? undefined : jobs.get(known.id);
      if (known !== undefined && first !== undefined) {
        if (known.hash !== request.bodyHash) return { kind: "conflict" };
        return { kind: "accepted", job: first.view, isNew: false };
      }
      if (key !== null) keys.set(key, { id: request.jobId, hash: request.bodyHash });
      const view = viewOf(request);
      jobs.set(request.jobId, { request, view, chunks: [], drained: 0 });
      return { kind: "accepted", job: view, isNew: true };
    },
    async view(tenant: string, id: string, waitMs: number) {
      note("view", tenant, id, waitMs);
      return find(tenant, id)?.view ?? null;
    },
    async stream(tenant: string, id: string, fromSeq: number, waitMs: number) {
      note("stream", tenant, id, fromSeq, waitMs);
      const kept = find(tenant, id);
      if (kept === null) return null;
      const from = fromSeq < 0 ? kept.drained : fromSeq;
      const chunks = kept.chunks.map((data, seq) => ({ seq, data })).slice(from);
      if (fromSeq < 0) kept.drained = kept.chunks.length;
      const isEnd = kept.view.endedMs !== null;
      return { status: kept.view.status, chunks, nextSeq: kept.chunks.length, isEnd };
    },
    async cancel(tenant: string, id: string) {
      const kept = find(tenant, id);
      if (kept !== null) change(id, { status: "cancelled", endedMs: 3_000 });
      return find(tenant, id)?.view ?? null;
    },
    async retry(tenant: string, id: string) {
      const kept = find(tenant, id);
      if (kept === null) return null;
      if (kept.view.status !== "failed") return "not_retryable" as const;
      change(id, { status: "queued", endedMs: null, output: null, error: null });
      return find(tenant, id)?.view ?? null;
    },
    async purge(tenant: string) {
      return mine(tenant).length;
    },
    async health() {
      return {
        jobs: { completed: 1, failed: 2, inProgress: 3, inQueue: 4, retried: 5 },
        workers: { idle: 1, initializing: 2, ready: 3, running: 4, throttled: 5, unhealthy: 6 },
        paused: false,
      };
    },
    async list(tenant: string, page: { offset: number; limit: number; status: JobStatus | null }) {
      note("list", tenant, page);
      const views = mine(tenant).map(({ view }) => view);
      const wanted = page.status === null ? views : views.filter(({ status }) => status === page.status);
      return wanted.slice(page.offset, page.offset + page.limit);
    },
    async deadLetters(tenant: string) {
      return mine(tenant)
        .map(({ view }) => view)
        .filter(({ status }) => status === "failed");
    },
    async setMode(mode: string) {
      note("setMode", mode);
    },
    async setLimits(limits: object) {
      note("setLimits", limits);
      return limits;
    },
    async deadDeliveries() {
      return [{ webhookId: "msg_1", jobId: "a", url: "https://example.com", state: "dead", failures: 3 }];
    },
    async replayDelivery(tenant: string, webhookId: string) {
      note("replayDelivery", tenant, webhookId);
      return webhookId === "msg_1";
    },
    async take(workerId: string, count: number, waitMs: number): Promise<readonly TakenJob[]> {
      note("take", workerId, count, waitMs);
      const queued = [...jobs.values()].filter(({ view }) => view.status === "queued").slice(0, count);
      return queued.map(({ request, view }) => {
        change(view.id, { status: "running", workerId, startedMs: 2_000 });
        const { input = request.work.body, s3Config } = request.work;
        const base = { id: view.id, token: 1, input, webhook: request.webhook?.url ?? null };
        return s3Config === undefined ? base : { ...base, s3Config };
      });
    },
    async done(workerId: string, jobId: string, result: unknown) {
      note("done", workerId, jobId);
      const known = jobs.get(jobId)?.view.workerId === workerId;
      if (known) results.push({ jobId, result });
      return known ? ("ok" as const) : ("stale" as const);
    },
    async chunk(workerId: string, jobId: string, data: string) {
      note("chunk", workerId, jobId);
      jobs.get(jobId)?.chunks.push(data);
      return "ok" as const;
    },
    async ping(workerId: string, ids: readonly string[]) {
      note("ping", workerId, ids);
    },
    async stops(workerId: string, waitMs: number) {
      note("stops", workerId, waitMs);
      return mine("tests").flatMap(({ view }) =>
        view.status === "cancelled" && view.workerId === workerId ? [view.id] : [],
      );
    },
    async keepFor(tenant: string, id: string, ttlMs: number) {
      note("keepFor", tenant, id, ttlMs);
      return find(tenant, id) !== null;
    },
    async giveBack(workerId: string, ids: readonly string[]) {
      note("giveBack", workerId, ids);
    },
  };
  return {
    rpc,
    jobs,
    calls,
    results,
    change,
    refuse: (outcome: typeof refusal) => {
      refusal = outcome;
    },
    /** Requests that were submitted. */
    submitted: () => calls.flatMap(([name, request]) => (name === "submit" ? [request as SubmitRequest] : [])),
  };
}

function viewOf({ jobId, tags }: SubmitRequest): JobView {
  return {
    id: jobId,
    status: "queued",
    submittedMs: 1_000,
    startedMs: null,
    endedMs: null,
    attempts: 0,
    delayMs: null,
    executionMs: null,
    endpointId: null,
    workerId: null,
    output: null,
    error: null,
    answer: null,
    tags,
    position: 0,
    history: [{ status: "queued", atMs: 1_000, why: "" }],
  };
}
