/**
 * Runs one attempt: sends the request to the leased endpoint and waits, within a deadline, until its answer has begun.
 *
 * "Begun" means the first byte of the body: a server may send its headers long before, and may die in between. Until
 * then the attempt can be thrown away and repeated elsewhere; from then on it is this answer or an error.
 * One timer serves an attempt: first for the first byte, or to say that it is late, then to confirm its lease and to end
 * it at its absolute limit.
 */
import { retryAfterMs } from "../../backends/classify.ts";
import { ANSWER_PEEK_BYTES } from "../../backends/port.ts";
import type { AnswerClass } from "../../backends/port.ts";
import type { AffinityKey } from "../core/affinity.ts";
import { FAILURE_CHARS_MAX } from "../core/shard-messages.ts";
import type { AttemptFailure, AttemptOutcome } from "../core/shard-messages.ts";
import type { HeaderRecord } from "../protocol/headers.ts";
import { touch } from "../core/wallet.ts";
import type { Holding } from "../core/wallet.ts";
import { noteAnswering } from "../core/wallet-worker.ts";
import { flush, settle } from "./lease-desk.ts";
import type { Desk } from "./lease-desk.ts";
import type { EdgeEndpoint } from "./runtime.ts";
import { send } from "./send.ts";

/** An answer of up to this size is read whole before it is passed on: one read instead of a pipe. */
const WHOLE_BYTES_MAX = 65_536;

/** An error answer's body beyond this is cut: it is a message. */
const ERROR_BODY_BYTES_MAX = 65_536;

/**
 * An attempt that its endpoint answered with an error holds its lease this long at most until somebody knows whose fault
 * it was, ms: a request that fails everywhere fails at once, and an endpoint that is broken is to be left soon.
 */
export const BLAME_MS = 1_000;

/** The watch over an attempt looks no more often than this, ms: a shard that cannot be told is told again later. */
const WATCH_GAP_MS = 25;

export type Outgoing = {
  readonly method: string;
  /** Path and query at the endpoint, in the one spelling of `request-target.ts`. */
  readonly path: string;
  readonly headers: HeaderRecord;
  readonly body: ArrayBuffer | Uint8Array | null;
  readonly inputTokens: number;
  readonly clientKey: string;
  /** Session or prefix of a long prompt. */
  readonly affinity: AffinityKey | null;
  /** Was a stream asked for: only then does the first byte tell how soon the endpoint began. */
  readonly stream: boolean;
  /** Time until the first byte must be here, ms. */
  readonly firstByteTimeoutMs: number;
  /** The client chose the path, and with it the answer: an error over HTTP says nothing of the endpoint. */
  readonly isClientsPath: boolean;
  /** Aborted when the client is seen to have left. */
  readonly clientGone: AbortSignal;
};

/** An attempt under way. */
export type Attempt = {
  readonly desk: Desk;
  readonly holding: Holding;
  readonly endpoint: EdgeEndpoint;
  readonly outgoing: Outgoing;
  readonly sentAtMs: number;
  readonly controller: AbortController;
  timer: ReturnType<typeof setTimeout> | null;
  /** The first byte, or the end, did not come in time. */
  timedOut: boolean;
  /** When it is late, unless its first byte is here; Infinity when nobody wants to know. */
  lateAtMs: number;
  readonly onLate: ((attempt: Attempt) => void) | null;
  headersAtMs: number | null;
  /** First byte of a stream's body. */
  firstByteAtMs: number | null;
  firstTokenAtMs: number | null;
  /** When an endpoint without room wants to be asked again, ms; told with its end. */
  retryAfterMs: number | null;
  /** What it showed when it failed, for operators; told with its end. */
  failure: AttemptFailure | null;
};

/** Called once when there is no first byte `afterMs` after the dispatch. */
export type Lateness = { readonly afterMs: number; readonly onLate: (attempt: Attempt) => void };

/** Body of an answer that has begun. */
export type Begun =
  | { readonly kind: "whole"; readonly bytes: Uint8Array | null }
  | {
      readonly kind: "stream";
      readonly first: Uint8Array;
      readonly reader: ReadableStreamDefaultReader<Uint8Array>;
      readonly body: ReadableStream<Uint8Array>;
    };

export type AttemptResult =
  | { readonly kind: "begun"; readonly attempt: Attempt; readonly response: Response; readonly begun: Begun }
  /** May be repeated elsewhere; its lease is settled, unless it is `undecided`. */
  | LostAttempt;

export type LostAttempt = {
  readonly kind: "lost";
  readonly attempt: Attempt;
  readonly why: "capacity" | "failed" | "timeout";
  readonly maybeProcessed: boolean;
  /** Not one byte came back: its whole region may be cut off. */
  readonly silent: boolean;
  /** Status of its error answer; null: none came. */
  readonly status: number | null;
  /** When the endpoint that had no room wants to be asked again, ms; null: it did not say. */
  readonly retryAfterMs: number | null;
  /**
   * It answered with an error of its own, which may be the request's fault: whoever repeats the request knows better, and
   * ends it (`endAttempt`). If nobody does within BLAME_MS, it has failed.
   */
  readonly undecided: boolean;
};

export async function attemptOnce(
  desk: Desk,
  holding: Holding,
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  lateness: Lateness | null = null,
): Promise<AttemptResult> {
  const sentAtMs = Date.now();
  const attempt: Attempt = {
    desk,
    holding,
    endpoint,
    outgoing,
    sentAtMs,
    controller: new AbortController(),
    timer: null,
    timedOut: false,
    lateAtMs: lateness === null ? Number.POSITIVE_INFINITY : sentAtMs + lateness.afterMs,
    onLate: lateness?.onLate ?? null,
    headersAtMs: null,
    firstByteAtMs: null,
    firstTokenAtMs: null,
    retryAfterMs: null,
    failure: null,
  };
  watch(attempt, sentAtMs + outgoing.firstByteTimeoutMs);
  // A client that resets its connection stops the bytes and tells nobody: a pipe to it waits for ever.
  outgoing.clientGone.addEventListener("abort", () => {
    endAttempt(attempt, "cancelled");
    attempt.controller.abort();
  });
  try {
    const response = await send(attempt);
    attempt.headersAtMs = Date.now();
    const { workerHeader } = endpoint.backend;
    if (workerHeader !== null) {
      noteAnswering(desk.runtime.wallet, holding, response.headers.get(workerHeader), attempt.headersAtMs);
    }
    const begun = response.status >= 400 ? await readError(response) : await begin(response);
    attempt.lateAtMs = Number.POSITIVE_INFINITY;
    if (outgoing.stream && begun.kind === "stream") attempt.firstByteAtMs = Date.now();
    const answer = classify(attempt, response, begun);
    if (answer === "capacity" || answer === "server_fault") {
      noteFailure(attempt, response.status, begun.kind === "whole" ? begun.bytes : begun.first);
      return answer === "capacity" ? refused(attempt, response) : faulted(attempt, response.status);
    }
    return { kind: "begun", attempt, response, begun };
  } catch (error) {
    // Refused, reset, aborted by the deadline, or dead before the first byte: the endpoint did not answer.
    const waitedMs = Date.now() - sentAtMs;
    noteFailure(attempt, null, attempt.timedOut ? `no first byte within ${waitedMs} ms` : String(error));
    endAttempt(attempt, "failed");
    const silent = attempt.headersAtMs === null;
    return { ...lostAttempt(attempt, attempt.timedOut ? "timeout" : "failed"), silent };
  }
}

const lostAttempt = (attempt: Attempt, why: LostAttempt["why"]): LostAttempt => ({
  kind: "lost",
  attempt,
  why,
  maybeProcessed: true,
  silent: false,
  status: null,
  retryAfterMs: null,
  undecided: false,
});

function refused(attempt: Attempt, { status, headers }: Response): LostAttempt {
  attempt.retryAfterMs = retryAfterMs(headers, Date.now());
  endAttempt(attempt, "capacity");
  return { ...lostAttempt(attempt, "capacity"), maybeProcessed: false, status, retryAfterMs: attempt.retryAfterMs };
}

function faulted(attempt: Attempt, status: number): LostAttempt {
  // What we did wrong ourselves, as with a credential, is nobody else's fault.
  const undecided = status >= 500;
  if (undecided) watch(attempt, Date.now() + BLAME_MS, () => endAttempt(attempt, "failed"));
  else endAttempt(attempt, "failed");
  return { ...lostAttempt(attempt, "failed"), status, undecided };
}

/** Keeps what a failed attempt showed: the answer's status and the start of its body, or what broke. */
export function noteFailure(attempt: Attempt, status: number | null, shown: Uint8Array | string | null): void {
  const text = typeof shown === "string" ? shown : new TextDecoder().decode(shown?.subarray(0, FAILURE_CHARS_MAX));
  attempt.failure = { status, text: text.slice(0, FAILURE_CHARS_MAX) };
}

/** Settles the attempt's lease, once, and stops its timer. */
export function endAttempt(attempt: Attempt, outcome: AttemptOutcome): void {
  if (attempt.timer !== null) clearTimeout(attempt.timer);
  attempt.timer = null;
  const { sentAtMs, headersAtMs, firstByteAtMs, firstTokenAtMs, outgoing } = attempt;
  // Headers that came with the first token tell nothing of the network alone.
  const early = headersAtMs !== null && firstTokenAtMs !== null && firstTokenAtMs > headersAtMs;
  settle(attempt.desk, attempt.holding, {
    outcome,
    heldMs: Date.now() - sentAtMs,
    ttftMs: firstTokenAtMs === null ? null : firstTokenAtMs - sentAtMs,
    headersMs: early ? headersAtMs - sentAtMs : null,
    firstByteMs: firstByteAtMs === null ? null : firstByteAtMs - sentAtMs,
    clientKey: outgoing.clientKey,
    inputTokens: outgoing.inputTokens,
    affinity: outgoing.affinity,
    workerId: attempt.holding.workerId,
    cachedTokens: attempt.holding.cachedTokens,
    ...(attempt.retryAfterMs === null ? {} : { retryAfterMs: attempt.retryAfterMs }),
    ...(attempt.failure === null ? {} : { failure: attempt.failure }),
  });
}

/** From the first byte on the attempt may run until its endpoint's limit; its lease is confirmed on the way. */
export function keepRunning(attempt: Attempt): void {
  watch(attempt, attempt.sentAtMs + attempt.endpoint.config.executionTimeoutMs);
}

function watch(attempt: Attempt, deadlineMs: number, onDeadline: () => void = () => timeOut(attempt)): void {
  if (attempt.timer !== null) clearTimeout(attempt.timer);
  const dueMs = Math.min(attempt.holding.confirmDueMs, deadlineMs, attempt.lateAtMs);
  attempt.timer = setTimeout(
    () => {
      const now = Date.now();
      if (now >= deadlineMs) {
        onDeadline();
        return;
      }
      if (now >= attempt.lateAtMs) {
        attempt.lateAtMs = Number.POSITIVE_INFINITY;
        attempt.onLate?.(attempt);
      }
      touch(attempt.holding, now);
      // Another request of the isolate may have confirmed it meanwhile.
      if (now >= attempt.holding.confirmDueMs) attempt.desk.ctx.waitUntil(flush(attempt.desk));
      watch(attempt, deadlineMs, onDeadline);
    },
    Math.max(WATCH_GAP_MS, dueMs - Date.now()),
  );
}

function timeOut(attempt: Attempt): void {
  attempt.timedOut = true;
  attempt.controller.abort();
}

/**
 * Waits for the first byte; a short answer of known length is read whole, in one step. Rejects when there is none, or when
 * a short answer does not come whole: nothing of it has been shown to anyone.
 */
async function begin(response: Response): Promise<Begun> {
  const announced = response.headers.get("content-length");
  if (announced !== null && Number(announced) <= WHOLE_BYTES_MAX) {
    return { kind: "whole", bytes: new Uint8Array(await response.arrayBuffer()) };
  }
  const { body } = response;
  if (body === null) return { kind: "whole", bytes: null };
  const reader = body.getReader();
  const { done, value } = await reader.read();
  return done ? { kind: "whole", bytes: new Uint8Array(0) } : { kind: "stream", first: value, reader, body };
}

/** The message of an error answer, up to its bound; the rest is not read. */
async function readError({ body }: Response): Promise<Begun> {
  if (body === null) return { kind: "whole", bytes: null };
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = body.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    chunks.push(read.value);
    total += read.value.byteLength;
    if (total < ERROR_BODY_BYTES_MAX) continue;
    await reader.cancel();
    break;
  }
  const bytes = await new Blob(chunks).arrayBuffer();
  return { kind: "whole", bytes: new Uint8Array(bytes).subarray(0, ERROR_BODY_BYTES_MAX) };
}

function classify({ endpoint, outgoing }: Attempt, response: Response, begun: Begun): AnswerClass {
  const peek = begun.kind === "whole" && response.status >= 400 ? begun.bytes : null;
  const bodyStart = peek === null ? "" : new TextDecoder().decode(peek.subarray(0, ANSWER_PEEK_BYTES));
  const answer = endpoint.backend.classify({ status: response.status, headers: response.headers, bodyStart });
  // Else whoever holds a key takes an endpoint out for everyone, by asking five times for what it cannot do.
  return answer === "server_fault" && outgoing.isClientsPath ? "client_fault" : answer;
}
