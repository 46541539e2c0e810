/**
 * What the page asks of a pool's queue, and what it reads in the answers. What has another shape than expected is left
 * out, never guessed.
 */
import { type Answered, apiCall, memberOf } from "../session/api-call.ts";

export type JobRow = {
  readonly id: string;
  readonly status: string;
  readonly tenant: string | null;
  readonly submittedAt: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly attempts: number | null;
  readonly position: number | null;
  readonly delayMs: number | null;
  readonly executionMs: number | null;
  readonly endpoint: string | null;
  readonly worker: string | null;
  readonly error: string | null;
  readonly isRedrivable: boolean;
  readonly tags: readonly (readonly [name: string, value: string])[];
  readonly history: readonly { readonly status: string; readonly at: string | null; readonly why: string }[];
};

export type JobPage = { readonly jobs: readonly JobRow[]; readonly hasMore: boolean };

export type DeadWebhook = {
  readonly webhookId: string;
  readonly jobId: string;
  readonly tenant: string | null;
  readonly url: string;
  readonly failures: number | null;
  readonly state: string;
};

export type PullingWorker = {
  readonly id: string;
  /** Ids of those that it holds. */
  readonly jobs: readonly string[];
  readonly seenMsAgo: number | null;
};

/** Rows of one page of a list. */
export const PAGE_ROWS = 50;

const queue = (pool: string): string => `/admin/jobs/${encodeURIComponent(pool)}`;
const jobAt = (pool: string, id: string): string => `${queue(pool)}/jobs/${encodeURIComponent(id)}`;

export const allQueues = (): Promise<Answered> => apiCall("GET", "/admin/jobs");
export const listJobs = (pool: string, status: string, offset: number): Promise<Answered> => {
  const query = new URLSearchParams({ offset: String(offset), limit: String(PAGE_ROWS) });
  if (status !== "") query.set("status", status);
  return apiCall("GET", `${queue(pool)}/jobs?${query.toString()}`);
};
export const deadJobs = (pool: string): Promise<Answered> => apiCall("GET", `${queue(pool)}/dead-letters`);
export const oneJob = (pool: string, id: string): Promise<Answered> => apiCall("GET", jobAt(pool, id));
export const redriveJob = (pool: string, id: string): Promise<Answered> => apiCall("POST", `${jobAt(pool, id)}/retry`);
export const cancelJob = (pool: string, id: string): Promise<Answered> => apiCall("POST", `${jobAt(pool, id)}/cancel`);
export const deadWebhooks = (pool: string): Promise<Answered> => apiCall("GET", `${queue(pool)}/dead-webhooks`);
/** Jobs by id, or all that are dead; so many go at once that `hasMore` may be true. */
export const redriveJobs = (pool: string, which: { readonly ids: readonly string[] } | { readonly all: true }) =>
  apiCall("POST", `${queue(pool)}/redrive`, which);
export const replayWebhooks = (pool: string, webhookIds: readonly string[]): Promise<Answered> =>
  apiCall("POST", `${queue(pool)}/replay`, { webhookIds });
export const pullingWorkers = (pool: string): Promise<Answered> => apiCall("GET", `${queue(pool)}/workers`);
export const setQueueMode = (pool: string, order: "pause" | "resume" | "drain"): Promise<Answered> =>
  apiCall("POST", `${queue(pool)}/${order}`);

export function readJobPage(value: unknown): JobPage {
  return { jobs: listIn(value).flatMap(readJob), hasMore: memberOf(value, "hasMore") === true };
}

/** None where it has no id. */
export function readJob(value: unknown): readonly JobRow[] {
  const id = textIn(value, "id");
  if (id === null) return [];
  const history = memberOf(value, "history");
  const tags = memberOf(value, "tags");
  return [
    {
      id,
      status: textIn(value, "status") ?? "unknown",
      tenant: textIn(value, "tenant"),
      submittedAt: textIn(value, "submittedAt"),
      startedAt: textIn(value, "startedAt"),
      endedAt: textIn(value, "endedAt"),
      attempts: numberIn(value, "attempts"),
      position: numberIn(value, "position"),
      delayMs: numberIn(value, "delayMs"),
      executionMs: numberIn(value, "executionMs"),
      endpoint: textIn(value, "endpoint"),
      worker: textIn(value, "worker"),
      error: textIn(value, "error"),
      isRedrivable: memberOf(value, "isRedrivable") === true,
      tags:
        typeof tags === "object" && tags !== null
          ? Object.entries(tags).map(([name, tag]) => [name, String(tag)] as const)
          : [],
      history: (Array.isArray(history) ? history : []).map((step: unknown) => ({
        status: textIn(step, "status") ?? "unknown",
        at: textIn(step, "at"),
        why: textIn(step, "why") ?? "",
      })),
    },
  ];
}

export const readDeadWebhooks = (value: unknown): readonly DeadWebhook[] =>
  listIn(value).flatMap((one) => {
    const webhookId = textIn(one, "webhookId");
    if (webhookId === null) return [];
    return [
      {
        webhookId,
        jobId: textIn(one, "jobId") ?? "",
        tenant: textIn(one, "tenant"),
        url: textIn(one, "url") ?? "",
        failures: numberIn(one, "failures"),
        state: textIn(one, "state") ?? "",
      },
    ];
  });

export const readWorkers = (value: unknown): readonly PullingWorker[] =>
  listIn(value).flatMap((one) => {
    const id = textIn(one, "id");
    const jobs = memberOf(one, "jobs");
    if (id === null) return [];
    const held = Array.isArray(jobs) ? jobs.filter((job): job is string => typeof job === "string") : [];
    return [{ id, jobs: held, seenMsAgo: numberIn(one, "seenMsAgo") }];
  });

function listIn(value: unknown): readonly unknown[] {
  const data = memberOf(value, "data");
  return Array.isArray(data) ? data : [];
}

function textIn(value: unknown, name: string): string | null {
  const found = memberOf(value, name);
  return typeof found === "string" ? found : null;
}

function numberIn(value: unknown, name: string): number | null {
  const found = memberOf(value, name);
  return typeof found === "number" && Number.isFinite(found) ? found : null;
}
