/**
 * A job's row as it is stored: what is private of it sealed, the rest readable by SQL.
 *
 * Model. The core's record stays JSON in the open (states, instants, counts, reasons that are words of ours); where
 * rows are sealed, what an endpoint said of a failure and the client's tags go from it into `extra`, which is sealed whole.
 */
import { JOB_NEWER } from "../core/job.ts";
import type { Job } from "../core/job.ts";
import type { JobWebhook, JobWork } from "../core/messages.ts";
import { BrokenSeal } from "./sealer.ts";
import type { Sealer, Stored } from "./sealer.ts";

/** What was submitted and never changes; `work.body` is empty when it lies apart under `bodyKey`. */
export type JobSpecRow = {
  readonly work: JobWork;
  readonly bodyKey: string | null;
};

/** What the shell keeps of a job beside the core's record. */
export type Extra = {
  readonly batchId: string | null;
  /** Of the last attempt. */
  readonly endpointId: string | null;
  readonly workerId: string | null;
  /** Endpoint whose attempt failed last: the next one goes elsewhere if it can. */
  readonly lostAt: string | null;
  readonly answer: { readonly status: number; readonly contentType: string } | null;
  /** JSON text of a failed HTTP request's own answer, at most 64 KiB. */
  readonly failedOutput: string | null;
  readonly webhook: JobWebhook | null;
  /** The key that submitted it; absent from a row of an earlier version. */
  readonly keyId?: string;
};

/** What is kept of a job: its input; and its output and chunks, once it has ended. As UTF-8, or as it is sealed. */
type Bytes = { readonly input: number; readonly kept: number };

export type JobRow = { readonly job: Job; readonly extra: Extra; readonly bytes: Bytes };

export type RawRow = { readonly job: string; readonly extra: Stored; readonly output: Stored | null };

/** Of the core's record, beside `Extra`. */
type Told = { readonly told?: { readonly tags: Job["tags"]; readonly message: string | null } };

/** Of a row that was changed by somebody else: nothing is believed of it. */
const NO_EXTRA: Extra = {
  batchId: null,
  endpointId: null,
  workerId: null,
  lostAt: null,
  answer: null,
  failedOutput: null,
  webhook: null,
};

/** Of a row of an earlier version. */
const NO_BYTES: Bytes = { input: 0, kept: 0 };

/** The output has a column of its own, and what a crash may forget is not written. */
export function writeRow(sealer: Sealer, { job, extra, bytes }: JobRow): RawRow {
  const isSealed = sealer.marks.length > 0;
  const output = job.output?.kind === "inline" ? { kind: "inline", json: "" } : job.output;
  const error = isSealed && job.error !== null ? { ...job.error, message: null } : job.error;
  const open = { ...job, output, progress: null, error, tags: isSealed ? {} : job.tags, bytes };
  const told: Told = isSealed ? { told: { tags: job.tags, message: job.error?.message ?? null } } : {};
  return {
    job: JSON.stringify(open),
    extra: sealer.seal(JSON.stringify({ ...extra, ...told }), ["extra", job.id]),
    output: job.output?.kind === "inline" ? sealer.seal(job.output.json, ["output", job.id]) : null,
  };
}

export function readRow(sealer: Sealer, { job: jobText, extra: extraStored, output }: RawRow): JobRow {
  const { bytes = NO_BYTES, ...stored } = JSON.parse(jobText) as Job & { readonly bytes?: Bytes };
  const read: Job = { ...JOB_NEWER, ...stored };
  const { told, ...extra } = readExtra(sealer, extraStored, read.id);
  const error = read.error === null || told === undefined ? read.error : { ...read.error, message: told.message };
  const job = told === undefined ? read : { ...read, error, tags: told.tags };
  return { job: output === null ? job : { ...job, output: inline(sealer, output, job.id) }, extra, bytes };
}

function readExtra(sealer: Sealer, stored: Stored, id: string): Extra & Told {
  try {
    return JSON.parse(sealer.open(stored, ["extra", id])) as Extra & Told;
  } catch (error) {
    if (!(error instanceof BrokenSeal)) throw error;
    console.error("a job's row was changed by somebody else", id);
    return NO_EXTRA;
  }
}

/** Opened when it is asked for: a list of jobs has no use for their outputs. */
function inline(sealer: Sealer, stored: Stored, id: string): { readonly kind: "inline"; readonly json: string } {
  if (typeof stored === "string") return { kind: "inline", json: stored };
  let opened: string | null = null;
  return {
    kind: "inline",
    get json() {
      opened ??= sealer.open(stored, ["output", id]);
      return opened;
    },
  };
}
