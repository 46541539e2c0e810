/**
 * Takes batches from their first line to their end, a turn at a time (an alarm).
 *
 * Model. Everything that a turn knows is in rows: a turn that is cut by a crash is taken up by the next. What is not known
 * after a crash is whether a line that was being handed over has become a job: it is handed over once more, under the same
 * id, which its queue answers with the job that there is. At most a window of lines are jobs at once, and none is read ahead:
 * a queue of a million places is not filled by one batch, and the batch is as long as its file.
 */
import type { JobView } from "../../jobs/core/messages.ts";
import type { InferencePath } from "../../wire/openai.ts";
import { readLine } from "../batch-line.ts";
import type { LineRequest } from "../batch-line.ts";
import {
  COLLECT_BYTES_MAX,
  COLLECT_WAIT_MS,
  FILE_PART_BYTES,
  HELD_BACK_MS,
  LINE_BYTES_MAX,
  LINES_IN_FLIGHT_MAX,
  LINES_IN_FLIGHT_MIN,
  SUBMITTED_AT_ONCE_MAX,
  SUBMITTED_BYTES_MAX,
  WRITTEN_OFF_AT_ONCE_MAX,
} from "../core/bounds.ts";
import { answered, answerLine, hasEnded, moved, validated, writtenOffLine } from "../core/batch.ts";
import type { Batch, Usage } from "../core/batch.ts";
import { LineReader } from "../line-reader.ts";
import { closeFiles, writeAnswers } from "./answer-files.ts";
import type { BatchStore, OpenLine } from "./batch-store.ts";
import type { FileStore } from "./file-store.ts";
import { validate } from "./validate.ts";

/** What became of a line that was handed over. */
export type Handed =
  | { readonly kind: "job"; readonly poolId: string }
  /** It has its answer at once: what a request would have been refused with. */
  | { readonly kind: "answered"; readonly answer: LineAnswer }
  /** Not now. */
  | { readonly kind: "later"; readonly afterMs: number };

/** `body`: JSON text. */
export type LineAnswer = {
  readonly status: number;
  readonly body: string;
  readonly usage: Usage | null;
};

type Collected = { readonly ended: readonly JobView[]; readonly gone: readonly string[] };

/** The gateway's part, and the queues. */
export type LinePorts = {
  /** The pool that serves this model, for whom the batch is; null: none does. */
  poolOf(batch: Batch, model: string): Promise<string | null>;
  hand(batch: Batch, jobId: string, request: LineRequest): Promise<Handed>;
  answerOf(batch: Batch, poolId: string, job: JobView): Promise<LineAnswer>;
  collect(
    poolId: string,
    asked: {
      readonly ids: readonly string[];
      /** These are written down: their jobs may go. */
      readonly done: readonly string[];
      /** What has not ended is cancelled. */
      readonly isCancelled: boolean;
      readonly waitMs: number;
      readonly bytesMax: number;
    },
  ): Promise<Collected>;
  /** The process is about to end. */
  isDraining(): boolean;
};

/** What a turn remembers of a batch. */
type Course = {
  readonly reader: LineReader;
  /** Jobs whose answers are written down. */
  done: string[];
  heldUntilMs: number;
  heldMs: number;
};

export class BatchDriver {
  readonly #files: FileStore;
  readonly #batches: BatchStore;
  readonly #ports: LinePorts;

  constructor(files: FileStore, batches: BatchStore, ports: LinePorts) {
    this.#files = files;
    this.#batches = batches;
    this.#ports = ports;
  }

  /** Until the batch has ended, or the turn. */
  async run(batchId: string, untilMs: number): Promise<void> {
    let course: Course | null = null;
    for (;;) {
      const batch = this.#batches.get(batchId);
      if (batch === null || hasEnded(batch) || Date.now() >= untilMs || this.#ports.isDraining()) return;
      if (batch.status === "validating") {
        await this.#validate(batch);
        continue;
      }
      course ??= this.#begin(batch);
      if (batch.status === "finalizing") await this.#end(batch);
      else if (batch.status === "cancelling" || Date.now() >= batch.expiresAtMs) await this.#writeOff(batch, course);
      else await this.#work(batch, course, untilMs);
    }
  }

  async #validate(batch: Batch): Promise<void> {
    const found = await validate(batch, this.#readerOf(batch), async (model) => this.#ports.poolOf(batch, model));
    const now = this.#batches.get(batch.id);
    if (now !== null) this.#batches.save(validated(now, found, Date.now()));
  }

  #begin(batch: Batch): Course {
    return { reader: this.#readerOf(batch), done: [], heldUntilMs: 0, heldMs: HELD_BACK_MS.min };
  }

  #readerOf({ inputFileId }: Batch): LineReader {
    const files = this.#files;
    const bytes = files.written(inputFileId)?.bytes ?? 0;
    const part = async (index: number) => files.read(inputFileId, index);
    return new LineReader({ bytes, partBytes: FILE_PART_BYTES, part }, LINE_BYTES_MAX);
  }

  /** One step: lines become jobs, and what has ended is written down. */
  async #work(batch: Batch, course: Course, untilMs: number): Promise<void> {
    const most = Math.floor(LINES_IN_FLIGHT_MAX / Math.max(1, this.#batches.openCount));
    const isMore = await this.#fill(batch, course, Math.max(LINES_IN_FLIGHT_MIN, most));
    const open = this.#batches.openLines(batch.id);
    if (open.length === 0 && !isMore) {
      const now = this.#batches.get(batch.id);
      if (now?.status === "in_progress") this.#batches.save(moved(now, "finalizing", Date.now()));
      return;
    }
    const isHeld = await this.#handOver(batch, course, open);
    const left = this.#batches.openLines(batch.id);
    const jobs = left.filter(({ poolId }) => poolId !== null);
    const restMs = Math.max(0, Math.min(untilMs, batch.expiresAtMs) - Date.now());
    const heldMs = isHeld ? Math.max(0, course.heldUntilMs - Date.now()) : COLLECT_WAIT_MS;
    // Where there is more to hand over, what has ended meanwhile is looked at, and not waited for.
    const mayHandMore = !isHeld && jobs.length < left.length;
    const waitMs = mayHandMore ? 0 : Math.min(COLLECT_WAIT_MS, restMs, heldMs);
    if (jobs.length === 0) await scheduler.wait(mayHandMore ? 0 : Math.max(1, waitMs));
    else await this.#collect(batch, course, jobs, { isCancelled: false, waitMs });
  }

  /** Reads lines up to the window. False: there are no more. */
  async #fill(batch: Batch, { reader }: Course, window: number): Promise<boolean> {
    const room = window - this.#batches.openLines(batch.id).length;
    return room <= 0 || this.#readOn(batch, reader, room, () => undefined);
  }

  /** Up to `count` further lines become rows; `written` is told each, in the turn that writes it. False: there are no more. */
  async #readOn(batch: Batch, reader: LineReader, count: number, written: (line: OpenLine) => void): Promise<boolean> {
    let { offset, line } = batch.cursor;
    const read: { readonly one: OpenLine; readonly customId: string }[] = [];
    let found: Awaited<ReturnType<LineReader["lineAt"]>> = null;
    while (read.length < count) {
      found = await reader.lineAt(offset);
      if (found === null || found === "gone") break;
      line += 1;
      const request = readLine(found.bytes, batch.endpoint as InferencePath);
      if (request?.ok === true) {
        const { customId } = request.value;
        read.push({ one: { line, start: offset, jobId: jobIdOf(batch, line), poolId: null }, customId });
      }
      offset = found.next;
    }
    const errors = found === "gone" ? [FILE_GONE] : [];
    let isMore = found !== null && found !== "gone";
    this.#batches.turn(() => {
      const now = this.#batches.get(batch.id);
      // It has moved on meanwhile: whoever moved it reads these lines again.
      isMore ||= now?.cursor.offset !== batch.cursor.offset;
      if (now === null || now.cursor.offset !== batch.cursor.offset) return;
      for (const { one, customId } of read) {
        this.#batches.addLine(batch.id, one, customId);
        written(one);
      }
      this.#batches.save({ ...now, cursor: { offset, line }, errors: [...now.errors, ...errors] });
    });
    return isMore;
  }

  /** True: its queue, or its tenant's limits, have no room for more now. */
  async #handOver(batch: Batch, course: Course, open: readonly OpenLine[]): Promise<boolean> {
    if (Date.now() < course.heldUntilMs) return true;
    const waiting = open.filter(({ poolId }) => poolId === null).slice(0, SUBMITTED_AT_ONCE_MAX);
    let bytes = 0;
    const ready: { readonly one: OpenLine; readonly request: LineRequest }[] = [];
    for (const one of waiting) {
      const found = await course.reader.lineAt(one.start);
      const request =
        found === null || found === "gone" ? null : readLine(found.bytes, batch.endpoint as InferencePath);
      // It was a request when the file was validated: the file is gone.
      if (request?.ok !== true) this.#write(batch, [{ line: one, answer: "gone" }]);
      else ready.push({ one, request: request.value });
      bytes += found === null || found === "gone" ? 0 : (found.bytes?.byteLength ?? 0);
      if (bytes >= SUBMITTED_BYTES_MAX) break;
    }
    // All begin at once, and none is left behind: a rejection must have its handler when it comes.
    const handed = await Promise.allSettled(ready.map(async ({ one, request }) => this.#handOne(batch, one, request)));
    const failed = handed.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    const later = handed.flatMap((one) => (one.status === "fulfilled" && one.value !== null ? [one.value] : []));
    if (later.length === 0) {
      course.heldMs = HELD_BACK_MS.min;
      return false;
    }
    course.heldUntilMs = Date.now() + Math.min(HELD_BACK_MS.max, Math.max(course.heldMs, ...later));
    course.heldMs = Math.min(HELD_BACK_MS.max, course.heldMs * 2);
    return true;
  }

  /** ms after which to try again; null: it was taken. */
  async #handOne(batch: Batch, one: OpenLine, request: LineRequest): Promise<number | null> {
    const handed = await this.#ports.hand(batch, one.jobId, request);
    switch (handed.kind) {
      case "later":
        return handed.afterMs;
      case "answered":
        this.#write(batch, [{ line: one, answer: handed.answer }]);
        return null;
      case "job":
        this.#batches.placeLine(batch.id, one.line, handed.poolId);
        return null;
    }
  }

  /** What has ended of these is written down. */
  async #collect(
    batch: Batch,
    course: Course,
    lines: readonly OpenLine[],
    { isCancelled, waitMs }: { readonly isCancelled: boolean; readonly waitMs: number },
  ): Promise<void> {
    const byPool = Map.groupBy(lines, ({ poolId }) => poolId ?? "");
    const done = course.done;
    course.done = [];
    for (const [poolId, ofPool] of byPool) {
      const byJob = new Map(ofPool.map((line) => [line.jobId, line]));
      const asked = { ids: [...byJob.keys()], done, isCancelled, waitMs, bytesMax: COLLECT_BYTES_MAX };
      const { ended, gone } = await this.#ports.collect(poolId, asked);
      const written: Written[] = [];
      for (const job of ended) {
        const line = byJob.get(job.id);
        if (line === undefined) continue;
        const isOurs = isCancelled && job.status === "cancelled";
        written.push({ line, answer: isOurs ? null : await this.#ports.answerOf(batch, poolId, job) });
        course.done.push(job.id);
      }
      for (const id of gone) {
        const line = byJob.get(id);
        if (line !== undefined) written.push({ line, answer: isCancelled ? null : "gone" });
      }
      this.#write(batch, written);
    }
    await writeAnswers(this.#files, this.#batches, batch.id, FILE_PART_BYTES);
  }

  /** Answers and their count, in one turn. */
  #write(batch: Batch, written: readonly Written[]): void {
    if (written.length === 0) return;
    this.#batches.turn(() => {
      let now = this.#batches.get(batch.id);
      if (now === null) return;
      for (const { line, answer } of written) {
        const customId = this.#batches.customIdOf(batch.id, line.line);
        if (customId === null) continue;
        const named = { lineId: lineIdOf(line), customId };
        const isGood = answer !== null && answer !== "gone" && answer.status >= 200 && answer.status < 300;
        const text =
          answer === null || answer === "gone"
            ? writtenOffLine(named, answer === "gone" ? "request_deleted" : codeOf(now))
            : answerLine(named, { ...answer, requestId: line.jobId });
        if (!this.#batches.answer(batch.id, line.line, isGood ? "output" : "error", text)) continue;
        now = answered(now, isGood, answer === null || answer === "gone" ? null : answer.usage);
      }
      this.#batches.save(now);
    });
  }

  /** It was cancelled, or its window is over: what runs is taken away, and what has not begun never does. */
  async #writeOff(batch: Batch, course: Course): Promise<void> {
    if (batch.status === "in_progress" && batch.ending !== "expired") {
      this.#batches.save({ ...batch, ending: "expired" });
      return;
    }
    // One that was being handed over may be a job: it is looked for where it would be.
    const open = this.#batches
      .openLines(batch.id)
      .map((line) => ({ ...line, poolId: line.poolId ?? batch.poolId ?? "" }));
    if (open.length > 0) return this.#collect(batch, course, open, { isCancelled: true, waitMs: COLLECT_WAIT_MS });
    const wasBegun = batch.since.in_progress !== undefined;
    const newly: Written[] = [];
    const now = this.#batches.get(batch.id) ?? batch;
    const isMore =
      wasBegun &&
      (await this.#readOn(now, course.reader, WRITTEN_OFF_AT_ONCE_MAX, (line) => newly.push({ line, answer: null })));
    this.#write(batch, newly);
    await writeAnswers(this.#files, this.#batches, batch.id, FILE_PART_BYTES);
    if (!isMore) await this.#end(this.#batches.get(batch.id) ?? batch);
  }

  /** Every line has its answer: they are all in their files, which are seen from now on. */
  async #end(batch: Batch): Promise<void> {
    await writeAnswers(this.#files, this.#batches, batch.id, 1);
    await closeFiles(this.#files, this.#batches, batch.id);
  }
}

const FILE_GONE = { code: "file_not_found", line: null, message: "The input file is not there any more.", param: null };

/** `answer` null: it was written off; `gone`: somebody has deleted its job. */
type Written = { readonly line: OpenLine; readonly answer: LineAnswer | null | "gone" };

const codeOf = ({ ending }: Batch) => (ending === "cancelled" ? "batch_cancelled" : "batch_expired");

/** The same for the same line, however often it is handed over. */
const jobIdOf = ({ id }: Batch, line: number): string => `job_${id.slice("batch_".length)}_${line}`;
const lineIdOf = ({ jobId }: OpenLine): string => `batch_req_${jobId.slice("job_".length)}`;
