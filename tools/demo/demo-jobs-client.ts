/** A client of the job API: submits as to Runpod, and reads back what anyone could. */
import { createSseDecoder, push } from "../../src/lib/sse.ts";
import { type Access, post, REQUEST_MS_MAX } from "./demo-client.ts";

/** Longest hold of one read, s; within it every job of the demo has ended, on a busy machine too. */
export const JOB_WAIT_SECONDS = 30;

/** The hold, and what an answer takes beside it, ms. */
const JOB_READ_MS_MAX = JOB_WAIT_SECONDS * 1_000 + REQUEST_MS_MAX;

/** What `GET /v1/jobs/{id}` says, as far as the demo reads it. */
export type Job = {
  readonly status: string;
  /** Why it ended without an output. */
  readonly error: string | null;
  readonly attempts: number;
  /** Of its last attempt. */
  readonly endpoint: string | null;
  readonly executionMs: number | null;
  readonly history: readonly { readonly status: string; readonly at: string; readonly why: string }[];
};

/** Resolves with the job's id. Rejects when the router does not take it. */
export async function submitJob(access: Access, pool: string, input: unknown): Promise<string> {
  const response = await post(access, `/v2/${pool}/run`, null, { input });
  const { id } = (await response.json()) as { id?: string };
  if (!response.ok || id === undefined) throw new Error(`the router took no job: status ${response.status}`);
  return id;
}

/**
 * Whether a first piece of the job's stream has come before it ended: then it runs, whatever becomes of it. The events
 * are read, which bind a job to no attempt.
 */
export async function seeOutput({ url, key }: Access, pool: string, id: string): Promise<boolean> {
  const response = await fetch(`${url}/v1/jobs/${id}~${pool}/events`, {
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(JOB_READ_MS_MAX),
  });
  if (!response.ok) throw new Error(`the router does not tell of the events of ${id}: status ${response.status}`);
  const decoder = createSseDecoder();
  const utf8 = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    const events = push(decoder, utf8.decode(bytes, { stream: true }));
    if (!events.ok) return false;
    if (events.value.some(({ event }) => event === "output")) return true;
  }
  return false;
}

/** The job once it has ended, or as it is after JOB_WAIT_SECONDS; the router holds the answer, nobody polls. */
export async function readJob(access: Access, pool: string, id: string): Promise<Job> {
  return (await read(access, `/v1/jobs/${id}~${pool}`, { prefer: `wait=${JOB_WAIT_SECONDS}` })) as Job;
}

/** Every job that the pool's queue knows of this client, in Runpod's words. */
export async function listJobs(
  access: Access,
  pool: string,
): Promise<readonly { readonly id: string; readonly status: string }[]> {
  const { requests } = (await read(access, `/v2/${pool}/requests`, {})) as {
    requests: { id: string; status: string }[];
  };
  return requests;
}

async function read({ url, key }: Access, path: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const response = await fetch(url + path, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    signal: AbortSignal.timeout(JOB_READ_MS_MAX),
  });
  if (!response.ok) throw new Error(`the router does not tell of ${path}: status ${response.status}`);
  return response.json();
}
