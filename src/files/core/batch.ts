/**
 * A batch: what it is, how it moves, and how OpenAI's API tells it.
 *
 * Model. `validating` until all lines have been read once; then `failed`, with what is wrong in which line, or
 * `in_progress`: lines become jobs, a window of them at a time. When every line has its answer: `finalizing`, while the
 * files of answers are made whole, then `completed`. A batch that is cancelled, or whose window is over, has its lines
 * that have no answer written off, so that each line is in one of the two files, whatever became of the batch.
 */
import { seconds } from "./file.ts";

type BatchStatus =
  | "validating"
  | "failed"
  | "in_progress"
  | "finalizing"
  | "completed"
  | "expired"
  | "cancelling"
  | "cancelled";

/** Where it ends once all lines are done with. */
type Ending = "completed" | "expired" | "cancelled";

export type BatchError = {
  /** OpenAI's words where there are such. */
  readonly code: string;
  /** From 1, empty lines counted; null: of the whole file. */
  readonly line: number | null;
  readonly message: string;
  readonly param: string | null;
};

export type Usage = {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
};
type Counts = { readonly total: number; readonly completed: number; readonly failed: number };

export type Batch = {
  readonly id: string;
  readonly endpoint: string;
  readonly inputFileId: string;
  /** As it was asked for, such as "24h". */
  readonly window: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** ms; null: as OpenAI has it. */
  readonly outputLifeMs: number | null;
  /** Whose it is: as the key was when it was made. The gateway's, and nobody else's, to read. */
  readonly identity: unknown;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly status: BatchStatus;
  readonly ending: Ending;
  /** When it came to each status that it has had. */
  readonly since: Readonly<Partial<Record<BatchStatus, number>>>;
  readonly model: string | null;
  /** That serves the model. */
  readonly poolId: string | null;
  readonly counts: Counts;
  readonly errors: readonly BatchError[];
  /** Bytes of the input that became lines, and how many lines that were, empty ones counted. */
  readonly cursor: { readonly offset: number; readonly line: number };
  /** Where answers are written; null: there was none yet. */
  readonly outputFileId: string | null;
  readonly errorFileId: string | null;
  readonly usage: Usage;
};

export type BatchOrder = Pick<
  Batch,
  "id" | "endpoint" | "inputFileId" | "window" | "metadata" | "outputLifeMs" | "identity"
> & { readonly windowMs: number };

export function createBatch({ windowMs, ...order }: BatchOrder, now: number): Batch {
  return {
    ...order,
    createdAtMs: now,
    expiresAtMs: now + windowMs,
    status: "validating",
    ending: "completed",
    since: {},
    model: null,
    poolId: null,
    counts: { total: 0, completed: 0, failed: 0 },
    errors: [],
    cursor: { offset: 0, line: 0 },
    outputFileId: null,
    errorFileId: null,
    usage: { input: 0, cached: 0, output: 0, reasoning: 0 },
  };
}

export const moved = (batch: Batch, status: BatchStatus, now: number): Batch =>
  batch.status === status ? batch : { ...batch, status, since: { ...batch.since, [status]: now } };

export const hasEnded = ({ status }: Pick<Batch, "status">): boolean =>
  status === "completed" || status === "failed" || status === "expired" || status === "cancelled";

/** Null: it is too late. What is cancelled already stays so. */
export function cancelled(batch: Batch, now: number): Batch | null {
  if (batch.status === "cancelling") return batch;
  if (batch.status !== "validating" && batch.status !== "in_progress") return null;
  return { ...moved(batch, "cancelling", now), ending: "cancelled" };
}

/** Every line has been read, and there is nothing to say against any; or what there is. */
export function validated(
  batch: Batch,
  found: Pick<Batch, "model" | "poolId" | "errors"> & { readonly lines: number },
  now: number,
): Batch {
  // It was cancelled meanwhile.
  if (batch.status !== "validating") return batch;
  const { lines: total, model, poolId, errors } = found;
  if (errors.length > 0) return { ...moved(batch, "failed", now), errors };
  return { ...moved(batch, "in_progress", now), model, poolId, counts: { total, completed: 0, failed: 0 } };
}

/** One line more has its answer. */
export function answered(batch: Batch, isGood: boolean, usage: Usage | null): Batch {
  const { counts, usage: sum } = batch;
  return {
    ...batch,
    counts: {
      ...counts,
      completed: counts.completed + (isGood ? 1 : 0),
      failed: counts.failed + (isGood ? 0 : 1),
    },
    usage:
      usage === null
        ? sum
        : {
            input: sum.input + usage.input,
            cached: sum.cached + usage.cached,
            output: sum.output + usage.output,
            reasoning: sum.reasoning + usage.reasoning,
          },
  };
}

/** Ids of the files that it is not done with. */
export const filesUsedBy = ({ inputFileId, outputFileId, errorFileId }: Batch): readonly string[] =>
  [inputFileId, outputFileId, errorFileId].filter((id) => id !== null);

/** OpenAI's batch object. Files of answers are told of when they are whole. */
export function batchObject(batch: Batch) {
  const { since, errors, counts, usage } = batch;
  const at = (status: BatchStatus): number | null => {
    const ms = since[status];
    return ms === undefined ? null : seconds(ms);
  };
  const isOver = hasEnded(batch);
  return {
    id: batch.id,
    object: "batch",
    endpoint: batch.endpoint,
    model: batch.model,
    errors: errors.length === 0 ? null : { object: "list", data: errors },
    input_file_id: batch.inputFileId,
    completion_window: batch.window,
    status: batch.status,
    output_file_id: isOver ? batch.outputFileId : null,
    error_file_id: isOver ? batch.errorFileId : null,
    created_at: seconds(batch.createdAtMs),
    in_progress_at: at("in_progress"),
    expires_at: seconds(batch.expiresAtMs),
    finalizing_at: at("finalizing"),
    completed_at: at("completed"),
    failed_at: at("failed"),
    expired_at: at("expired"),
    cancelling_at: at("cancelling"),
    cancelled_at: at("cancelled"),
    request_counts: counts,
    usage: {
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: usage.cached },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: usage.reasoning },
      total_tokens: usage.input + usage.output,
    },
    metadata: batch.metadata,
  } as const;
}

/** The line of an answer. `body`: JSON text. Line breaks stand between the members of JSON, never inside of them. */
export function answerLine(
  { lineId, customId }: { readonly lineId: string; readonly customId: string },
  answer: { readonly status: number; readonly requestId: string; readonly body: string },
): string {
  const { status, requestId, body } = answer;
  const response = `{"status_code":${status},"request_id":${JSON.stringify(requestId)},"body":${body.replaceAll(/[\r\n]+/g, " ")}}`;
  return `{"id":${JSON.stringify(lineId)},"custom_id":${JSON.stringify(customId)},"response":${response},"error":null}\n`;
}

const WRITTEN_OFF = {
  batch_expired: "This request could not be executed before the completion window expired.",
  batch_cancelled: "This request was not executed, because the batch was cancelled.",
  request_deleted: "This request was removed from its queue before it was executed.",
} as const;

/** The line of a request that has no answer. */
export function writtenOffLine(
  { lineId, customId }: { readonly lineId: string; readonly customId: string },
  code: keyof typeof WRITTEN_OFF,
): string {
  const line = { id: lineId, custom_id: customId, response: null, error: { code, message: WRITTEN_OFF[code] } };
  return `${JSON.stringify(line)}\n`;
}
