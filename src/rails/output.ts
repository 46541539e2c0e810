/**
 * Answers with what the output rails let through of an endpoint's answer.
 *
 * Model. A stream of events is rewritten while it passes. Any other answer is read up to a bound, checked as a whole, and
 * written again only if a rail changed it. A block is an error for an answer that has not begun for the client, and the
 * protocol's own closing for a stream. An answer that cannot be read (too large, no JSON, an unknown encoding) passes as it
 * is, recorded as `rail_error`, unless a rail of the pool fails closed: then it is refused.
 * Rejected: cutting a blocked stream off, which clients take for a broken network and repeat.
 */
import { redactAnswer } from "./core/stream/answer-redact.ts";
import type { RailRecord } from "./core/engine.ts";
import { createStreamRails } from "./core/stream/stream-rails.ts";
import type { StreamRecord } from "./core/stream/stream-record.ts";
import { originalsOf } from "./core/stream/stream-restore.ts";
import type { StreamBlock } from "./core/stream/stream-text.ts";
import type { OutputRailConfig } from "../config/config.ts";
import { RAILS, SERVER_TIMING } from "../wire/headers.ts";
import { railHeaders } from "./rail-headers.ts";
import { bufferOf } from "../lib/bytes.ts";
import { isDecoded } from "../dispatch/answer-format.ts";
import { parseJson, writeJson } from "../wire/body.ts";
import type { AnswerStream, BegunAnswer } from "../dispatch/begun-answer.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { Railing } from "./railing.ts";
import { logFailures, outputSetOf } from "./output-set.ts";
import type { OutputSet } from "./output-set.ts";
import { rewriteStream, rewriteWhole, STREAM_OPENING } from "./output-stream.ts";
import type { StreamRun } from "./output-stream.ts";

/** A whole answer that is read: a million tokens of text. The isolate holds it a few times over. */
export const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Headers that describe the bytes: wrong once those have changed. */
const OF_THE_BYTES = ["etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"];

type Body = BegunAnswer["body"];

export async function railAnswer(railing: Railing): Promise<Answer> {
  const { edge, pool, begun, checked, headers } = railing;
  const { body, isEvents } = begun;
  const set = outputSetOf(pool.config, edge.requestId, edge.identity.tenant, checked.body);
  if (set === null) return abandon(railing, body, { reason: "misconfigured" });
  if (set.scanners.length + set.wholes.length === 0 && checked.originals.size === 0) return untouched(railing, body);
  if (!isDecoded(headers["content-encoding"])) return unread(railing, body, set);
  if (isEvents) return answerEvents(railing, set);
  return body.kind === "whole" ? answerWhole(railing, set, body.bytes) : answerLong(railing, set, body);
}

function answerEvents(railing: Railing, set: OutputSet): Response {
  const { begun, headers, format, checked } = railing;
  const { status, body } = begun;
  const rails = createStreamRails({ format, ...set, originals: originalsOf(checked.originals) });
  const piped = body.kind === "whole" ? null : body.pipe(STREAM_OPENING);
  const run: StreamRun = {
    rails,
    began: () => begun.noteToken(),
    stop: () => piped?.stop(),
    ended: (blocked) => logStream(railing, recordsOf(set, rails.record(), 0), rails.record(), blocked),
  };
  for (const name of OF_THE_BYTES) delete headers[name];
  if (piped === null) {
    const whole = body.kind === "whole" ? body.bytes : null;
    const text = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(whole ?? EMPTY);
    return new Response(rewriteWhole(text, run), { status, headers });
  }
  headers["x-accel-buffering"] = "no";
  return new Response(rewriteStream(piped.readable, run), { status, headers });
}

const EMPTY = new Uint8Array(0);

/** Whole answers that did not come at once: read to their end, or to the bound. */
async function answerLong(railing: Railing, set: OutputSet, body: AnswerStream): Promise<Answer> {
  const read = await body.read(ANSWER_BYTES_MAX);
  switch (read.kind) {
    case "whole":
      return answerWhole(railing, set, read.bytes);
    case "too_large":
      return unread(railing, read.rest, set);
    case "broken":
      return refused(railing, { reason: BROKEN[read.why] });
  }
}

const BROKEN = { no_answer: "upstream_failed", timeout: "upstream_timeout", cut: "upstream_cut" } as const;

function answerWhole(railing: Railing, set: OutputSet, bytes: Uint8Array | null): Answer {
  const { headers, format, checked } = railing;
  const { status } = railing.begun;
  if (bytes === null || bytes.byteLength === 0) return new Response(bytes, { status, headers });
  const startedAtMs = Date.now();
  const buffer = bufferOf(bytes);
  const body = parseJson(buffer);
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return unread(railing, { kind: "whole", bytes }, set);
  try {
    const originals = originalsOf(checked.originals);
    const redacted = redactAnswer(body, { format, ...set, originals });
    const records = recordsOf(set, redacted.record, Date.now() - startedAtMs);
    if (redacted.blocked !== null) return refused(railing, blockedBy(redacted.blocked), records);
    tell(railing, records);
    if (redacted.body === body) return new Response(bytes, { status, headers });
    for (const name of OF_THE_BYTES) delete headers[name];
    const written = writeJson(redacted.body, buffer);
    return written === null
      ? refused(railing, { reason: "guardrail_unavailable" }, records)
      : new Response(written, { status, headers });
  } catch (error) {
    console.error("the output rails failed", error);
    return refused(railing, { reason: "guardrail_unavailable" });
  }
}

function blockedBy({ rail }: StreamBlock): Refusal {
  return {
    reason: "blocked_by_guardrail",
    detail: `The guardrail "${rail}" refused the answer. Ask in another way; the same request may be refused again.`,
  };
}

/** No rail can read the answer. */
function unread(railing: Railing, body: Body, set: OutputSet): Answer {
  const records = set.rails.map((config) => recordOf(config, null, "error", 0));
  if (set.isClosed) {
    const detail = "The endpoint's answer could not be read by the guardrails that must see it.";
    return abandon(railing, body, { reason: "guardrail_unavailable", detail }, records);
  }
  tell(railing, records);
  return untouched(railing, body);
}

function untouched({ begun: { status }, headers }: Railing, body: Body): Response {
  return new Response(body.kind === "stream" ? body.pipe().readable : body.bytes, { status, headers });
}

/** Refuses an answer that may not have ended. */
function abandon(railing: Railing, body: Body, refusal: Refusal, records: readonly RailRecord[] = []): Refusal {
  if (body.kind === "stream") body.discard("cancelled");
  return refused(railing, refusal, records);
}

function refused({ checked }: Railing, refusal: Refusal, records: readonly RailRecord[] = []): Refusal {
  const { rails } = railHeaders([...checked.records, ...records]);
  return rails === "" ? refusal : { ...refusal, headers: [[RAILS, rails]] };
}

/** In the headers of an answer that has not begun: beside what the input rails said. */
function tell({ headers }: Railing, records: readonly RailRecord[]): void {
  const { rails, timing } = railHeaders(records);
  const before = headers[RAILS];
  if (rails !== "") headers[RAILS] = before === undefined ? rails : `${before}, ${rails}`;
  headers[SERVER_TIMING] = (headers[SERVER_TIMING] ?? "") + timing;
}

function recordsOf({ rails }: OutputSet, { findings, failed }: StreamRecord, tookMs: number): readonly RailRecord[] {
  logFailures(failed);
  return rails.map((config) => {
    if (failed.has(config.name)) return recordOf(config, null, "error", tookMs);
    const hasFound = findings.some(({ rail }) => rail === config.name);
    return recordOf(config, hasFound ? config.action : "allow", "done", tookMs);
  });
}

/** No rail of the input can have a name with a dot. */
function recordOf(
  { name, shadow }: OutputRailConfig,
  verdict: RailRecord["verdict"],
  status: RailRecord["status"],
  tookMs: number,
): RailRecord {
  return { rail: `output.${name}`, verdict, status, shadow, tookMs };
}

/** The headers of a stream are gone when its rails have something to say: it is one line of the log. */
function logStream(
  { edge, pool, begun }: Railing,
  records: readonly RailRecord[],
  { reasons, held }: StreamRecord,
  blocked: StreamBlock | null,
): void {
  if (reasons.length === 0 && records.every(({ status }) => status === "done")) return;
  const { rails } = railHeaders(records);
  const line = {
    event: "output_rails",
    requestId: edge.requestId,
    pool: pool.config.id,
    endpoint: begun.endpoint.config.id,
    rails,
    reasons,
    blockedBy: blocked?.rail ?? null,
    heldCharsMax: held.charsMax,
  };
  console.log(JSON.stringify(line));
}
