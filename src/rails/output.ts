/**
 * Answers with what the output rails let through of an endpoint's answer.
 *
 * Model. A stream of events is rewritten while it passes. Any other answer is read up to a bound, checked as a whole, and
 * written again only if a rail changed it. A block is an error for an answer that has not begun for the client, and the
 * protocol's own closing for a stream. An answer that cannot be read (too large, no JSON, an unknown encoding) passes as it
 * is, recorded as `rail_error`, unless a rail of the pool fails closed: then it is refused.
 * Rejected: cutting a blocked stream off, which clients take for a broken network and repeat.
 */
import { wholeProblem } from "../dispatch/core/answer-protocol.ts";
import { redactAnswer } from "./core/stream/answer-redact.ts";
import type { RailRecord } from "./core/engine.ts";
import { createStreamRails } from "./core/stream/stream-rails.ts";
import type { StreamRecord } from "./core/stream/stream-record.ts";
import { originalsOf } from "./core/stream/stream-restore.ts";
import type { StreamBlock } from "./core/stream/stream-text.ts";
import type { OutputRailConfig } from "../config/config.ts";
import { RAILS, SERVER_TIMING } from "../wire/headers.ts";
import { railHeaders } from "./rail-headers.ts";
import { isDecoded } from "../dispatch/answer-format.ts";
import { parseJson, writeJson } from "../wire/body.ts";
import { endAttempt, keepRunning, noteBytes } from "../dispatch/dispatch.ts";
import type { Begun } from "../dispatch/begin-answer.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { Railing } from "./railing.ts";
import { relay } from "../dispatch/relay.ts";
import { logFailures, outputSetOf } from "./output-set.ts";
import type { OutputSet } from "./output-set.ts";
import { rewriteStream, rewriteWhole, STREAM_OPENING } from "./output-stream.ts";
import type { StreamRun } from "./output-stream.ts";

/** A whole answer that is read: a million tokens of text. The isolate holds it a few times over. */
export const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Headers that describe the bytes: wrong once those have changed. */
const OF_THE_BYTES = ["etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"];

type Streaming = Extract<Begun, { readonly kind: "stream" }>;

export async function railAnswer(railing: Railing): Promise<Answer> {
  const { edge, pool, attempt, begun, checked, headers, isEvents } = railing;
  const set = outputSetOf(pool.config, edge.requestId, edge.identity.tenant, checked.body);
  if (set === null) return abandon(railing, { reason: "misconfigured" });
  if (set.scanners.length + set.wholes.length === 0 && checked.originals.size === 0) return untouched(railing);
  if (!isDecoded(headers["content-encoding"])) return unread(railing, set);
  if (isEvents) return answerEvents(railing, set);
  if (begun.kind === "whole") {
    endAttempt(attempt, "served");
    return answerWhole(railing, set, begun.bytes);
  }
  return answerLong(railing, set, begun);
}

function answerEvents(railing: Railing, set: OutputSet): Response {
  const { attempt, begun, headers, status, format, checked } = railing;
  const rails = createStreamRails({ format, ...set, originals: originalsOf(checked.originals) });
  const run: StreamRun = {
    rails,
    began: () => {
      attempt.firstTokenAtMs = Date.now();
    },
    stop: () => {
      endAttempt(attempt, "cancelled");
      attempt.controller.abort();
    },
    ended: (blocked) => logStream(railing, recordsOf(set, rails.record(), 0), rails.record(), blocked),
  };
  for (const name of OF_THE_BYTES) delete headers[name];
  if (begun.kind === "whole") {
    endAttempt(attempt, "served");
    return new Response(
      rewriteWhole(new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(begun.bytes ?? EMPTY), run),
      {
        status,
        headers,
      },
    );
  }
  headers["x-accel-buffering"] = "no";
  return new Response(rewriteStream(relay(attempt, begun, true, STREAM_OPENING), run), { status, headers });
}

const EMPTY = new Uint8Array(0);

/** Whole answers that did not come at once: read to their end, or to the bound. */
async function answerLong(railing: Railing, set: OutputSet, streaming: Streaming): Promise<Answer> {
  const { attempt } = railing;
  keepRunning(attempt);
  const reading = collect(streaming, () => noteBytes(attempt));
  // A client that leaves ends its handler; the lease must end nevertheless.
  attempt.desk.ctx.waitUntil(reading);
  const { bytes, end } = await reading;
  switch (end) {
    case "whole": {
      const { protocol } = streaming;
      if (protocol !== null && wholeProblem(protocol, new TextDecoder().decode(bytes)) !== null) {
        endAttempt(attempt, "cut");
        return refused(railing, { reason: "upstream_failed" });
      }
      endAttempt(attempt, "served");
      return answerWhole(railing, set, bytes);
    }
    case "too_large":
      return unread({ ...railing, begun: { ...streaming, first: bytes } }, set);
    case "cut":
      attempt.controller.abort();
      endAttempt(attempt, "cut");
      return refused(railing, { reason: attempt.timedOut ? "upstream_timeout" : "upstream_cut" });
  }
}

type Collected = { readonly bytes: Uint8Array; readonly end: "whole" | "too_large" | "cut" };

/** Never rejects. */
async function collect({ first, reader }: Streaming, onBytes: () => void): Promise<Collected> {
  const chunks = [first];
  let total = first.byteLength;
  let end: Collected["end"] = "too_large";
  try {
    while (total <= ANSWER_BYTES_MAX) {
      onBytes();
      const { done, value } = await reader.read();
      if (done) {
        end = "whole";
        break;
      }
      chunks.push(value);
      total += value.byteLength;
    }
  } catch {
    end = "cut";
  }
  return { bytes: new Uint8Array(await new Blob(chunks).arrayBuffer()), end };
}

function answerWhole(railing: Railing, set: OutputSet, bytes: Uint8Array | null): Answer {
  const { headers, status, format, checked } = railing;
  if (bytes === null || bytes.byteLength === 0) return new Response(bytes, { status, headers });
  const startedAtMs = Date.now();
  const buffer = bufferOf(bytes);
  const body = parseJson(buffer);
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return unread({ ...railing, begun: { kind: "whole", bytes } }, set);
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

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

function blockedBy({ rail }: StreamBlock): Refusal {
  return {
    reason: "blocked_by_guardrail",
    detail: `The guardrail "${rail}" refused the answer. Ask in another way; the same request may be refused again.`,
  };
}

/** No rail can read the answer. */
function unread(railing: Railing, set: OutputSet): Answer {
  const records = set.rails.map((config) => recordOf(config, null, "error", 0));
  if (set.isClosed) {
    const detail = "The endpoint's answer could not be read by the guardrails that must see it.";
    return abandon(railing, { reason: "guardrail_unavailable", detail }, records);
  }
  tell(railing, records);
  return untouched(railing);
}

function untouched({ attempt, begun, headers, status, isEvents }: Railing): Response {
  if (begun.kind === "stream") return new Response(relay(attempt, begun, isEvents), { status, headers });
  endAttempt(attempt, "served");
  return new Response(begun.bytes, { status, headers });
}

/** Refuses an answer that may not have ended. */
function abandon(railing: Railing, refusal: Refusal, records: readonly RailRecord[] = []): Refusal {
  endAttempt(railing.attempt, "cancelled");
  railing.attempt.controller.abort();
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
  { edge, pool, attempt }: Railing,
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
    endpoint: attempt.heldLease.grant.endpointId,
    rails,
    reasons,
    blockedBy: blocked?.rail ?? null,
    heldCharsMax: held.charsMax,
  };
  console.log(JSON.stringify(line));
}
