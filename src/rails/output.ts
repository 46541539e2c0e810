/**
 * Answers with what the output rails let through of an endpoint's answer.
 *
 * Model. A stream of events is rewritten while it passes. Any other answer is read up to a bound, checked as a whole, and
 * written again only if a rail changed it. A block is an error for an answer that has not begun for the client, and the
 * protocol's own closing for a stream. Of an answer that cannot be read, or not all of it (`other_type`, `too_large`,
 * `media` and so on), nothing is said but that: it passes as `rail_error`, unless a rail fails closed: then it is refused.
 * The endpoint's headers are looked at as its body is.
 * Rejected: cutting a blocked stream off, which clients take for a broken network and repeat.
 */
import { redactAnswer } from "./core/stream/answer-redact.ts";
import type { RailRecord } from "./core/engine.ts";
import { createStreamRails } from "./core/stream/stream-rails.ts";
import type { UnseenReason } from "./core/rail.ts";
import type { StreamRecord } from "./core/stream/stream-record.ts";
import { hasRepeatedMembers } from "./core/text/repeated-members.ts";
import { originalsOf } from "./core/stream/stream-restore.ts";
import type { StreamBlock } from "./core/stream/stream-text.ts";
import { RAILS, SERVER_TIMING } from "../wire/headers.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import { railHeaders } from "./rail-headers.ts";
import { bufferOf } from "../lib/bytes.ts";
import { hasOtherCharset, isDecoded } from "../dispatch/answer-format.ts";
import { parseLongJson, textOf, writeJson } from "../wire/body.ts";
import type { AnswerStream, BegunAnswer } from "../dispatch/begun-answer.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { Railing } from "./railing.ts";
import { logFailures, logOutput, outputRecords, outputSetOf, unreadRecord } from "./output-set.ts";
import type { OutputSet } from "./output-set.ts";
import { rewriteText, STREAM_OPENING } from "../dispatch/text-rewriter.ts";
import { rewriteStream, rewriteWhole } from "./output-stream.ts";
import type { StreamRun } from "./output-stream.ts";

/** A whole answer that is read: a million tokens of text. The isolate holds it a few times over. */
export const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Headers that describe the bytes: wrong once those have changed. */
const OF_THE_BYTES = ["etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"];

type Body = BegunAnswer["body"];

export async function railAnswer(railing: Railing): Promise<Answer> {
  const { edge, pool, begun, checked, headers, format } = railing;
  const { body, isEvents, status } = begun;
  const asked = { requestId: edge.requestId, tenant: edge.identity.tenant, body: checked.body, format };
  const set = outputSetOf(pool.config, asked);
  if (set === null) return abandon(railing, body, { reason: "misconfigured" });
  const hasRails = set.scanners.length + set.wholes.length > 0;
  if (!hasRails && checked.originals.size === 0) return untouched(railing, body);
  const besides = hasRails ? railedHeaders(begun.headers, headers, set) : null;
  if (besides !== null && besides.blocked !== null)
    return abandon(railing, body, blockedBy(besides.blocked), outputRecords(set, [besides.record], 0));
  const railed: Railed = { ...railing, set, said: besides === null ? [] : [besides.record] };
  if (BODILESS.has(status)) return untouched(railing, body);
  const problem = unreadableBy(headers, isEvents, format);
  if (problem !== null) return unread(railed, body, problem);
  if (isEvents) return answerEvents(railed);
  return body.kind === "whole" ? answerWhole(railed, body.bytes) : answerLong(railed, body);
}

type Railed = Railing & {
  readonly set: OutputSet;
  /** Of the headers. */
  readonly said: readonly StreamRecord[];
};

/** Statuses whose response has no body. */
const BODILESS = new Set([101, 204, 205, 304]);

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/** Why nobody here can read it; null: it can be tried. On a known path the body must be JSON, whatever it is called. */
function unreadableBy(headers: HeaderRecord, isEvents: boolean, format: Railing["format"]): UnseenReason | null {
  const type = headers["content-type"] ?? "";
  if (!isDecoded(headers["content-encoding"]) || hasOtherCharset(type)) return "other_encoding";
  if (isEvents || format !== "any" || JSON_TYPE.test(type)) return null;
  return /^(?:audio|image|video)\//i.test(type) ? "media" : "other_type";
}

function answerEvents(railed: Railed): Response {
  const { begun, headers, format, checked, set, said, edge, pool, noted, behind } = railed;
  const { status, body } = begun;
  const rails = createStreamRails({ format, ...set, originals: originalsOf(checked.originals) });
  const piped = body.kind === "whole" ? null : body.pipe(STREAM_OPENING);
  const run: StreamRun = {
    rails,
    behind,
    began: () => begun.noteToken(),
    stop: (blocked) => {
      noted.stopped(blocked === null ? "guardrail_unavailable" : "blocked_by_guardrail");
      piped?.stop();
    },
    ended: (blocked) => {
      noted.ended();
      const record = rails.record();
      logFailures(record.failed);
      const whose = { requestId: edge.requestId, pool: pool.config.id, endpoint: begun.endpoint.config.id };
      logOutput(whose, outputRecords(set, [...said, record], 0), record, blocked?.rail ?? null);
    },
  };
  noted.found(() => outputRecords(set, [...said, rails.record()], 0), piped !== null);
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
async function answerLong(railed: Railed, body: AnswerStream): Promise<Answer> {
  const read = await body.read(ANSWER_BYTES_MAX);
  switch (read.kind) {
    case "whole":
      return answerWhole(railed, read.bytes);
    case "too_large":
      return unread(railed, read.rest, "too_large");
    case "broken":
      return refused(railed, { reason: BROKEN[read.why] });
  }
}

const BROKEN = { no_answer: "upstream_failed", timeout: "upstream_timeout", cut: "upstream_cut" } as const;

function answerWhole(railed: Railed, bytes: Uint8Array | null): Answer {
  const { headers, format, checked, set, said } = railed;
  const { status } = railed.begun;
  if (bytes === null || bytes.byteLength === 0) return new Response(bytes, { status, headers });
  const startedAtMs = Date.now();
  const buffer = bufferOf(bytes);
  const isText = format === "transcript" && BARE_TEXT.test(headers["content-type"] ?? "");
  const body = isText ? bareText(buffer) : parseLongJson(buffer);
  if (body === null) return unread(railed, { kind: "whole", bytes }, "not_json");
  try {
    const originals = originalsOf(checked.originals);
    const redacted = redactAnswer(body, { format, ...set, originals });
    const { record } = redacted;
    logFailures(record.failed);
    const records = outputRecords(set, [...said, record], Date.now() - startedAtMs);
    if (redacted.blocked !== null) return refused(railed, blockedBy(redacted.blocked), records);
    const closed = record.unread.find((reason) => set.mustRead(reason) !== null);
    if (closed !== undefined) return refused(railed, unreadableFor(closed), records);
    tell(railed, records);
    // Of two members of one name only the one that was read goes on.
    if (redacted.body === body && (isText || !hasRepeatedMembers(textOf(buffer) ?? "", body)))
      return new Response(bytes, { status, headers });
    for (const name of OF_THE_BYTES) delete headers[name];
    const written = isText ? textBytes(redacted.body) : writeJson(redacted.body, buffer);
    return written === null
      ? refused(railed, { reason: "guardrail_unavailable" }, records)
      : new Response(written, { status, headers });
  } catch (error) {
    console.error("the output rails failed", error);
    return refused(railed, { reason: "guardrail_unavailable" });
  }
}

/** Transcripts come as they are, or with the times of a film. */
const BARE_TEXT = /^(?:text\/(?:plain|vtt|srt)|application\/x-subrip)\s*(?:;|$)/i;

function bareText(bytes: ArrayBuffer): { readonly text: string } | null {
  const text = textOf(bytes);
  return text === null ? null : { text };
}

const textBytes = (body: unknown): Uint8Array => new TextEncoder().encode((body as { readonly text: string }).text);

function blockedBy({ rail }: StreamBlock): Refusal {
  return {
    reason: "blocked_by_guardrail",
    detail: `The guardrail "${rail}" refused the answer. Ask in another way; the same request may be refused again.`,
  };
}

/** No rail can read the answer. */
function unread(railed: Railed, body: Body, reason: UnseenReason): Answer {
  const { set, said } = railed;
  const records = outputRecords(set, [...said, unreadRecord(reason)], 0);
  if (set.mustRead(reason) !== null) return abandon(railed, body, unreadableFor(reason), records);
  tell(railed, records);
  return untouched(railed, body);
}

function unreadableFor(reason: UnseenReason): Refusal {
  return {
    reason: "guardrail_unavailable",
    detail: `The endpoint's answer could not be read by the guardrails that must see it (${reason}).`,
    headers: [["x-should-retry", "false"]],
  };
}

function untouched({ begun: { status, isEvents }, headers, behind }: Railing, body: Body): Response {
  if (BODILESS.has(status)) return new Response(null, { status, headers });
  if (isEvents) headers["x-accel-buffering"] = "no";
  if (body.kind === "whole") return new Response(body.bytes, { status, headers });
  const readable = behind === null ? body.pipe().readable : rewriteText(body.pipe(STREAM_OPENING).readable, behind);
  return new Response(readable, { status, headers });
}

/** Refuses an answer that may not have ended. */
function abandon(railing: Railing, body: Body, refusal: Refusal, records: readonly RailRecord[] = []): Refusal {
  if (body.kind === "stream") body.discard("cancelled");
  return refused(railing, refusal, records);
}

function refused({ checked, noted }: Railing, refusal: Refusal, records: readonly RailRecord[] = []): Refusal {
  noted.found(() => records, false);
  const { rails } = railHeaders([...checked.records, ...records]);
  return rails === "" ? refusal : { ...refusal, headers: [...(refusal.headers ?? []), [RAILS, rails]] };
}

/** In the headers of an answer that has not begun: beside what the input rails said. */
function tell({ headers, noted }: Railing, records: readonly RailRecord[]): void {
  noted.found(() => records, false);
  const { rails, timing } = railHeaders(records);
  const before = headers[RAILS];
  if (rails !== "") headers[RAILS] = before === undefined ? rails : `${before}, ${rails}`;
  headers[SERVER_TIMING] = (headers[SERVER_TIMING] ?? "") + timing;
}

/**
 * The endpoint's own headers among those for the client, with what was found in them taken out; one whose name had it
 * does not pass.
 */
function railedHeaders(own: Headers, headers: HeaderRecord, set: OutputSet) {
  const names = Object.keys(headers).filter((name) => own.get(name) === headers[name]);
  const given = Object.fromEntries(names.map((name) => [name, headers[name]]));
  const redacted = redactAnswer(given, { format: "any", ...set });
  logFailures(redacted.record.failed);
  if (redacted.blocked !== null || redacted.body === given) return redacted;
  const shown = redacted.body as HeaderRecord;
  for (const name of names) {
    const value = Object.hasOwn(shown, name) ? shown[name] : undefined;
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return redacted;
}
