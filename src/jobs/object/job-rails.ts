/**
 * A job's answer meets the output rails of its pool before it is stored, as a synchronous one does before it is sent.
 *
 * Model. The same rails on the same four protocols, told by the path at the endpoint. Pieces of a stream go through as
 * they come; a block ends the stream with its protocol's own closing, and fails a job whose answer is whole. What a
 * pulling worker hands in, and any other protocol, is not read (docs/jobs-api.md).
 * Rejected: rails when the result is fetched. What must not leave would then be stored, and read once for each client.
 */
import { redactAnswer } from "../../rails/core/stream/answer-redact.ts";
import { createStreamRails } from "../../rails/core/stream/stream-rails.ts";
import type { Pushed } from "../../rails/core/stream/stream-rails.ts";
import { answerFormat } from "../../dispatch/answer-format.ts";
import { part } from "../../dispatch/part.ts";
import { parseJson, writeJson } from "../../wire/body.ts";
import type { PoolConfig } from "../../config/config.ts";
import { midStreamError } from "../../wire/error-body.ts";

export type JobRails = {
  /** What may be kept of a piece of a stream, or of what was held back until its end. */
  push(text: string): Kept;
  end(): Kept;
  /** A whole answer; `isEvents`: it is a stream that is there as a whole. */
  whole(text: string, isEvents: boolean): { readonly kind: "passed"; readonly text: string } | Refused;
};

/** `isOver`: nothing more of the answer may be kept. */
type Kept = { readonly out: string; readonly isOver: boolean };

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
  const format = answerFormat(work.path);
  if (pool.rails.output.length === 0 || format === null) return null;
  const { logFailures, outputSetOf } = await outputPart();
  const set = outputSetOf(pool, work.jobId, work.tenant, parseJson(bytesOf(work.body)));
  if (set === null) return refused("a guardrail of this pool is misconfigured");
  if (set.scanners.length + set.wholes.length === 0) return null;
  const stream = createStreamRails({ format, ...set });
  const look = (step: () => Pushed): Kept => {
    try {
      const { out, blocked } = step();
      return { out, isOver: blocked !== null };
    } catch (error) {
      report(error);
      return { out: midStreamError("guardrail_unavailable"), isOver: true };
    }
  };
  const end = (): Kept => {
    const kept = look(() => stream.end());
    logFailures(stream.record().failed);
    return kept;
  };
  return {
    push: (text) => look(() => stream.push(text)),
    end,
    whole(text, isEvents) {
      if (isEvents) {
        const first = look(() => stream.push(text));
        return { kind: "passed", text: first.out + (first.isOver ? "" : end().out) };
      }
      const bytes = bytesOf(text);
      const body = parseJson(bytes);
      if (typeof body !== "object" || body === null || Array.isArray(body)) {
        return set.isClosed ? refused(UNAVAILABLE) : { kind: "passed", text };
      }
      try {
        const redacted = redactAnswer(body, { format, ...set });
        logFailures(redacted.record.failed);
        if (redacted.blocked !== null) return refused(`the guardrail "${redacted.blocked.rail}" refused the answer`);
        if (redacted.body === body) return { kind: "passed", text };
        const written = writeJson(redacted.body, bytes);
        return written === null ? refused(UNAVAILABLE) : { kind: "passed", text: new TextDecoder().decode(written) };
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

const bytesOf = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer as ArrayBuffer;
