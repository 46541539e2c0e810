/**
 * A job's answer meets the output rails of its pool before it is stored, as a synchronous one does before it is sent.
 *
 * Model. The same rails, of the protocol that the path at the endpoint says; all else, errors too, is read without knowing
 * what it means. Pieces of a stream go through as they come; a block ends the stream with its protocol's own closing, and
 * fails a job whose answer is whole. What is no JSON is read as the text as which it is kept. What was found, and what
 * could not be read, is a line of the log.
 * Rejected: rails when the result is fetched. What must not leave would then be stored, and read once for each client.
 */
import { redactAnswer } from "../../rails/core/stream/answer-redact.ts";
import { createStreamRails } from "../../rails/core/stream/stream-rails.ts";
import type { Pushed } from "../../rails/core/stream/stream-rails.ts";
import type { StreamRecord } from "../../rails/core/stream/stream-record.ts";
import { hasRepeatedMembers } from "../../rails/core/text/repeated-members.ts";
import type { StreamBlock } from "../../rails/core/stream/stream-text.ts";
import type { OutputSet } from "../../rails/output-set.ts";
import { answerFormat, hasOtherCharset } from "../../dispatch/answer-format.ts";
import { part } from "../../dispatch/part.ts";
import { bytesOf } from "../../wire/text-bytes.ts";
import { parseJson, parseLongJson, writeJson } from "../../wire/body.ts";
import { readLooseJson } from "../../wire/json-text.ts";
import type { PoolConfig } from "../../config/config.ts";
import { midStreamError } from "../../wire/error-body.ts";

export type JobRails = {
  /** What may be kept of a piece of a stream, or of what was held back until its end. */
  push(text: string): Kept;
  end(): Kept;
  /** A content type as it may be told: nothing of it if something was found in it. */
  label(contentType: string): string;
  /** A whole answer; `isEvents`: it is a stream that is there as a whole. `isError`: of a status that is no success. */
  whole(
    text: string,
    what: { readonly isEvents: boolean; readonly isError: boolean; readonly contentType: string },
  ): Whole;
};

type Whole = { readonly kind: "passed"; readonly text: string } | Refused;

/** `isOver`: nothing more of the answer may be kept. */
export type Kept = { readonly out: string; readonly isOver: boolean };

export type Refused = { readonly kind: "refused"; readonly message: string };

export type RailedWork = {
  readonly jobId: string;
  readonly tenant: string;
  /** At the endpoint. */
  readonly path: string;
  /** As it was sent: a canary compares with it. */
  readonly body: string;
};

/**
 * Null when nothing looks at such an answer; `refused` when a rail of the pool cannot run. The rails are loaded with
 * the first answer that needs them.
 */
export async function jobRails(
  pool: Pick<PoolConfig, "id" | "rails">,
  work: RailedWork,
): Promise<JobRails | Refused | null> {
  if (pool.rails.output.length === 0) return null;
  const { logFailures, logOutput, outputRecords, outputSetOf, unreadRecord } = await outputPart();
  const asked = { requestId: work.jobId, tenant: work.tenant, body: parseJson(bytesOf(work.body)) };
  const format = answerFormat(work.path) ?? "any";
  const set = outputSetOf(pool, { ...asked, format });
  const setOfAny = outputSetOf(pool, { ...asked, format: "any" });
  if (set === null || setOfAny === null) return refused("a guardrail of this pool is misconfigured");
  if (set.scanners.length + set.wholes.length === 0) return null;
  const note = (of: Pick<OutputSet, "rails">, record: StreamRecord, blockedBy: string | null): void => {
    logFailures(record.failed);
    logOutput({ jobId: work.jobId, pool: pool.id }, outputRecords(of, [record], 0), record, blockedBy);
  };
  const streamOf = (): Pick<JobRails, "push" | "end"> => {
    const stream = createStreamRails({ format, ...set });
    let isOver = false;
    const look = (step: () => Pushed, isEnd: boolean): Kept => {
      if (isOver) return { out: "", isOver };
      let blocked: StreamBlock | null = null;
      let out = "";
      try {
        ({ out, blocked } = step());
        isOver = blocked !== null;
      } catch (error) {
        report(error);
        out = midStreamError("guardrail_unavailable");
        isOver = true;
      }
      if (isOver || isEnd) note(set, stream.record(), blocked?.rail ?? null);
      return { out, isOver };
    };
    return { push: (text) => look(() => stream.push(text), false), end: () => look(() => stream.end(), true) };
  };
  const wholeOf = (text: string, isError: boolean): Whole => {
    const used = isError ? setOfAny : set;
    const bytes = bytesOf(text);
    const exact = parseLongJson(bytes);
    // What is no JSON is kept as a text; what Python calls JSON is kept without the numbers that JSON has not.
    const value = exact ?? readLooseJson(text)?.value ?? text;
    const { body, blocked, record } = redactAnswer(value, { format: isError ? "any" : format, ...used });
    note(used, record, blocked?.rail ?? null);
    if (blocked !== null) return refused(`the guardrail "${blocked.rail}" refused the answer`);
    if (record.unread.some((reason) => used.mustRead(reason) !== null)) return refused(UNAVAILABLE);
    if (body === value && (exact === null || !hasRepeatedMembers(text, exact))) return { kind: "passed", text };
    if (typeof body === "string" && exact === null) return { kind: "passed", text: body };
    const written = exact === null ? JSON.stringify(body) : writeJson(body, bytes);
    if (written === null) return refused(UNAVAILABLE);
    return { kind: "passed", text: typeof written === "string" ? written : new TextDecoder().decode(written) };
  };
  return {
    ...streamOf(),
    label(contentType) {
      const { body, blocked } = redactAnswer(contentType, { format: "any", ...setOfAny });
      return blocked === null && body === contentType ? contentType : "";
    },
    whole(text, { isEvents, isError, contentType }) {
      if (hasOtherCharset(contentType)) {
        note(set, unreadRecord("other_encoding"), null);
        return set.mustRead("other_encoding") === null ? { kind: "passed", text } : refused(UNAVAILABLE);
      }
      if (isEvents) {
        const { push: first, end: last } = streamOf();
        const begun = first(text);
        return { kind: "passed", text: begun.out + (begun.isOver ? "" : last().out) };
      }
      try {
        return wholeOf(text, isError);
      } catch (error) {
        report(error);
        return refused(UNAVAILABLE);
      }
    },
  };
}

const outputPart = part(async () => import("../../rails/output-set.ts"));

const UNAVAILABLE = "the answer could not be read by the guardrails that must see it";

const refused = (message: string): Refused => ({ kind: "refused", message });

function report(error: unknown): void {
  console.error("the output rails failed", error);
}
