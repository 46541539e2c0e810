/**
 * Decides how jobs are called. A queue knows a job by its id; outside of `/v2/{pool}` a job's name must also tell its
 * pool, because the pool's queue is the one place that knows the job: `{id}~{pool}`.
 *
 * Nothing here is secret: an id is 122 random bits, and the queue gives a job to its own tenant only. Rejected: signing
 * the name (there is nothing that a forged one could reach), and a look-up from id to pool (one more object in the
 * path).
 */

/**
 * Runpod's forms end in the region of its API. Clients keep ids as text; the ending is kept for those that check it.
 */
export const runpodJobId = (uuid: string): string => `${uuid}-u1`;
export const runpodSyncJobId = (uuid: string): string => `sync-${uuid}-u1`;
export const nativeJobId = (uuid: string): string => `job_${uuid}`;
export const batchIdOf = (uuid: string): string => `batch_${uuid}`;

/** The longest of ours has 44 characters. */
export const JOB_ID_CHARS_MAX = 64;
const JOB_ID = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_-]{0,${JOB_ID_CHARS_MAX - 1}}$`);

/** Could this be the id of a job or a batch? */
export const isJobId = (text: string): boolean => JOB_ID.test(text);

/** RUNPOD_POD_ID, or a UUID: what a GPU worker calls itself. */
const WORKER_ID_CHARS_MAX = 64;
const WORKER_ID = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${WORKER_ID_CHARS_MAX - 1}}$`);

export const isWorkerId = (text: string): boolean => WORKER_ID.test(text);

export const jobName = (jobId: string, poolId: string): string => `${jobId}~${poolId}`;

export type JobName = { readonly jobId: string; readonly poolId: string };

export function parseJobName(text: string): JobName | null {
  const at = text.indexOf("~");
  const jobId = text.slice(0, Math.max(0, at));
  return at === -1 || !isJobId(jobId) ? null : { jobId, poolId: text.slice(at + 1) };
}
