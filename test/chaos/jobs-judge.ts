/**
 * Decides what a run of jobs broke, from what clients, receivers and endpoints saw. Pure. The promises: no accepted job
 * is lost, no job is there that nobody submitted, a key has one effect, an end that was told is the end, a history
 * never steps back, and nothing runs more often than it is allowed to.
 */
import type { JobStatus } from "../../src/jobs/core/messages.ts";
import type { JobRequest } from "./jobs-plan.ts";

/** A job as `/v1/jobs/{id}` shows it, as far as it is judged. */
export type SeenJob = {
  readonly id: string;
  readonly status: JobStatus;
  readonly attempts: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly history: readonly { readonly status: JobStatus; readonly at: string; readonly why: string }[];
};

/** What one wish's client was answered. */
export type Told = {
  readonly wish: JobRequest;
  /** Ids of accepted submissions. */
  readonly ids: ReadonlySet<string>;
  /** Submissions that were sent, and those among them that nobody answered. */
  readonly sent: number;
  readonly unanswered: number;
  /** Ids whose cancellation was answered with this status. */
  readonly cancelled: ReadonlyMap<string, JobStatus>;
};

export type Evidence = {
  readonly told: readonly Told[];
  /** Every job that the queue knows in the end. */
  readonly jobs: readonly SeenJob[];
  /** Ends that somebody was told: by a read, by a webhook. */
  readonly ends: readonly { readonly id: string; readonly status: JobStatus }[];
  /** How often each job was dispatched to an endpoint, or pulled. */
  readonly runs: ReadonlyMap<string, number>;
  /** Ids that a webhook came for. */
  readonly hooked: ReadonlySet<string>;
};

const isEnd = (status: JobStatus): boolean => status !== "queued" && status !== "running" && status !== "retrying";

/** What may follow what; a mark such as `late` keeps the state. */
const NEXT: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  queued: ["queued", "running", "cancelled", "expired"],
  running: ["retrying", "queued", "completed", "failed", "cancelled", "timed_out", "expired"],
  retrying: ["queued", "running", "cancelled", "expired"],
  completed: [],
  failed: [],
  cancelled: [],
  timed_out: [],
  expired: [],
};

/** Attempts of a job that does not say otherwise. */
const ATTEMPTS_MAX = 3;
/** A history beyond this has a gap in its middle. */
const HISTORY_ENTRIES_MAX = 64;

export function judge(evidence: Evidence): string[] {
  const byId = new Map(evidence.jobs.map((job) => [job.id, job]));
  return [
    ...evidence.jobs.flatMap((job) => judgeHistory(job).map((what) => `${job.id}: ${what}`)),
    ...evidence.told.flatMap((told) => judgeWish(told, byId)),
    ...judgeUnexpected(evidence),
    ...evidence.ends.flatMap(({ id, status }) => {
      const now = byId.get(id)?.status;
      return now === status ? [] : [`${id}: was told as ${status} and is ${now ?? "unknown"}`];
    }),
    ...judgeRuns(evidence, byId),
  ];
}

/** Steps forward only, and ends once. */
function judgeHistory({ status, history, attempts }: Omit<SeenJob, "id" | "tags">): string[] {
  const broken: string[] = [];
  if (!isEnd(status)) broken.push(`has not ended, it is ${status}`);
  const ends = history.filter((entry) => isEnd(entry.status));
  if (ends.length > 1) broken.push(`ended ${ends.length} times`);
  if (history.at(-1)?.status !== status) broken.push(`is ${status}, its history says otherwise`);
  if (history[0]?.status !== "queued") broken.push("its history does not begin with its submission");
  for (const [index, entry] of history.entries()) {
    const before = history[index - 1];
    if (before === undefined) continue;
    if (Date.parse(entry.at) < Date.parse(before.at)) broken.push(`its history steps back at ${index}`);
    const isGap = history.length >= HISTORY_ENTRIES_MAX;
    if (!isGap && !NEXT[before.status].includes(entry.status)) broken.push(`${before.status} → ${entry.status}`);
  }
  const starts = history.filter((entry) => entry.status === "running").length;
  // Nothing that these endpoints do is a client's fault, so only the third failure is the end.
  if (status === "failed" && attempts < ATTEMPTS_MAX) broken.push(`failed after ${attempts} attempts`);
  if (attempts > starts) broken.push(`${attempts} attempts, ${starts} starts`);
  return broken;
}

function judgeWish({ wish, ids, sent, unanswered, cancelled }: Told, byId: ReadonlyMap<string, SeenJob>): string[] {
  const name = `wish ${wish.n}`;
  const broken: string[] = [];
  if (ids.size === 0) broken.push(`${name}: was never accepted`);
  for (const id of ids) if (!byId.has(id)) broken.push(`${name}: its job ${id} is lost`);
  if (wish.key !== null && ids.size > 1) broken.push(`${name}: one key, ${ids.size} ids`);
  const made = [...byId.values()].filter(({ tags }) => tags["n"] === String(wish.n)).length;
  const most = wish.key === null ? ids.size + unanswered : 1;
  if (made > most) broken.push(`${name}: ${sent} submissions made ${made} jobs, ${most} allowed`);
  for (const [id, status] of cancelled) {
    const now = byId.get(id)?.status;
    if (isEnd(status) && now !== status) broken.push(`${id}: its cancel was answered ${status}, it is ${now}`);
  }
  return broken;
}

/** Every job has a wish, and every run a job. */
function judgeUnexpected({ told, jobs, runs }: Evidence): string[] {
  const wishes = new Set(told.map(({ wish }) => String(wish.n)));
  const known = new Set(jobs.map(({ id }) => id));
  return [
    ...jobs.filter(({ tags }) => !wishes.has(tags["n"] ?? "")).map(({ id }) => `${id}: nobody submitted it`),
    ...[...runs.keys()].filter((id) => !known.has(id)).map((id) => `${id}: ran and is unknown`),
  ];
}

/** A start is written before anything is sent, so there are no more runs than starts in a history. */
function judgeRuns({ runs, told, hooked }: Evidence, byId: ReadonlyMap<string, SeenJob>): string[] {
  const broken: string[] = [];
  for (const [id, job] of byId) {
    const starts = job.history.filter((entry) => entry.status === "running").length;
    const times = runs.get(id) ?? 0;
    if (times > starts && job.history.length < HISTORY_ENTRIES_MAX) {
      broken.push(`${id}: ran ${times} times under ${starts} claims`);
    }
    if (job.status === "completed" && times === 0) broken.push(`${id}: completed without having run`);
  }
  for (const { wish, ids } of told) {
    if (!wish.hook) continue;
    for (const id of ids) if (byId.has(id) && !hooked.has(id)) broken.push(`${id}: its webhook never came`);
  }
  return broken;
}
