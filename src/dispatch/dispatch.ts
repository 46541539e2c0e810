/**
 * Runs one attempt: sends the request to the leased endpoint and waits, within a deadline, until its answer has begun.
 *
 * "Begun" means the first output (`begin-answer.ts`): a server may send its headers long before, and may die in between.
 * Until then the attempt can be thrown away and repeated elsewhere; from then on it is this answer or an error.
 * One timer serves an attempt: first for the first byte, or to say that it is late, then to confirm its lease and to end
 * it at its absolute limit.
 */
import type { LostAttempt } from "./attempt.ts";
import type { Attempt, AttemptResult, Lateness } from "./attempt.ts";
import { retryAfterMs } from "../../backends/classify.ts";
import { ANSWER_PEEK_BYTES } from "../../backends/port.ts";
import { credentialsOf } from "../../backends/targets.ts";
import type { AnswerClass } from "../../backends/port.ts";
import { FAILURE_CHARS_MAX } from "../routing/core/shard-messages.ts";
import type { EndState } from "./core/stream-end.ts";
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import { touch } from "../routing/core/lease-client/lease-cache.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import { LEAVE_LOOK_MS, leaveStep } from "../routing/core/lease-client/lease-cache-leave.ts";
import { noteAnswering } from "../routing/core/lease-client/lease-cache-worker.ts";
import { isEventStream, isGonePage } from "./answer-format.ts";
import { observeTokens } from "../wire/token-bytes.ts";
import { beginAnswer } from "./begin-answer.ts";
import type { Begun, NoAnswer } from "./begin-answer.ts";
import { askReach, canAsk, noteAnswered, reachStep } from "./connect-check.ts";
import { askNews, flush, settle } from "./lease-desk.ts";
import type { Desk } from "./lease-desk.ts";
import type { EdgeEndpoint } from "./runtime.ts";
import type { Outgoing } from "./outgoing.ts";
import { quotes, withoutForms } from "../wire/credential-forms.ts";
import { send } from "./send.ts";

/**
 * An attempt that its endpoint answered with an error holds its lease this long at most until somebody knows whose fault
 * it was, ms: a request that fails everywhere fails at once, and an endpoint that is broken is to be left soon.
 */
const BLAME_MS = 1_000;

/** A stream that said its last word is held open no longer than this, ms. */
const DONE_LINGER_MS = 1_000;

/** The model has ended: usage and a marker follow at once, other answers of the same request (`n`) within this, ms. */
const FINISHED_LINGER_MS = 5_000;

/** The watch over an attempt looks no more often than this, ms: a shard that cannot be told is told again later. */
const WATCH_GAP_MS = 25;

export async function attemptOnce(
  desk: Desk,
  heldLease: HeldLease,
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  lateness: Lateness | null = null,
): Promise<AttemptResult> {
  const sentAtMs = Date.now();
  const attempt: Attempt = {
    desk,
    heldLease,
    endpoint,
    outgoing,
    sentAtMs,
    controller: new AbortController(),
    timer: null,
    timedOut: false,
    silentAtMs: Number.POSITIVE_INFINITY,
    isSilent: false,
    lateAtMs: lateness === null ? Number.POSITIVE_INFINITY : sentAtMs + lateness.afterMs,
    onLate: lateness?.onLate ?? null,
    connectAtMs: canAsk(endpoint) ? sentAtMs + outgoing.connectTimeoutMs : Number.POSITIVE_INFINITY,
    isUnreachable: false,
    leaveAtMs: outgoing.mayLeave ? sentAtMs + LEAVE_LOOK_MS : Number.POSITIVE_INFINITY,
    hasLeft: false,
    headersAtMs: null,
    firstByteAtMs: null,
    firstTokenAtMs: null,
    usage: null,
    retryAfterMs: null,
    request: null,
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
    attempt.connectAtMs = Number.POSITIVE_INFINITY;
    noteAnswered(endpoint, attempt.headersAtMs);
    const { workerHeader } = endpoint.backend;
    if (workerHeader !== null) {
      noteAnswering(desk.runtime.leaseCache, heldLease, response.headers.get(workerHeader), attempt.headersAtMs);
    }
    const begun = await beginAnswer(response, outgoing.protocol, () => noteBytes(attempt));
    attempt.lateAtMs = Number.POSITIVE_INFINITY;
    attempt.leaveAtMs = Number.POSITIVE_INFINITY;
    if (outgoing.stream && begun.kind === "stream") noteBegun(attempt, response);
    if (begun.kind === "whole" && begun.value !== undefined) await noteUsage(attempt, begun.value);
    const answer = classify(attempt, response, begun);
    if (answer === "capacity" || answer === "server_fault") {
      const status = begun.kind === "no_answer" ? begun.status : response.status;
      noteFailure(attempt, status, begun.kind === "stream" ? begun.first : begun.bytes);
      return answer === "capacity" ? refused(attempt, response, status) : faulted(attempt, status);
    }
    const told = asTold(response, begun, credentialsOf(endpoint.target));
    return { kind: "begun", attempt, ...told, isTooLong: answer === "too_long" };
  } catch (error) {
    // It was told already.
    if (attempt.hasLeft) return lostAttempt(attempt, "left");
    // Refused, reset, aborted by the deadline, or dead before the first byte: the endpoint did not answer.
    const waitedMs = Date.now() - sentAtMs;
    noteFailure(
      attempt,
      null,
      attempt.timedOut
        ? `no first byte within ${waitedMs} ms`
        : attempt.isUnreachable
          ? "it does not answer its health path either"
          : String(error),
    );
    endAttempt(attempt, attempt.timedOut && outgoing.stream ? lateNow(attempt) : "failed");
    const silent = attempt.headersAtMs === null;
    return { ...lostAttempt(attempt, attempt.timedOut ? "timeout" : "failed"), silent };
  }
}

/** Late is not failed: probes say whether the endpoint is well. */
function lateNow(attempt: Attempt): AttemptOutcome {
  attempt.firstByteAtMs = Date.now();
  return "late";
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

function refused(attempt: Attempt, { headers }: Response, status: number): LostAttempt {
  attempt.retryAfterMs = retryAfterMs(headers, Date.now());
  const { isClientsPath, protocol } = attempt.outgoing;
  // Some paths are never served: who asks for them again and again must not leave an endpoint without slots for others.
  if (isClientsPath && protocol === null) endAttempt(attempt, "cancelled");
  else watch(attempt, Date.now() + BLAME_MS, () => endAttempt(attempt, "capacity"));
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
export function endAttempt(attempt: Attempt, outcome: AttemptOutcome, now: number = Date.now()): void {
  if (attempt.timer !== null) clearTimeout(attempt.timer);
  attempt.timer = null;
  const { sentAtMs, headersAtMs, firstByteAtMs, firstTokenAtMs, outgoing, usage } = attempt;
  if (outcome === "served" && usage?.promptTokens !== undefined) {
    observeTokens(attempt.endpoint.tokenBytes, outgoing.body?.byteLength ?? 0, usage.promptTokens);
    attempt.usage = null;
  }
  // Headers that came with the first token tell nothing of the network alone.
  const early = headersAtMs !== null && firstTokenAtMs !== null && firstTokenAtMs > headersAtMs;
  settle(attempt.desk, attempt.heldLease, {
    outcome,
    heldMs: now - sentAtMs,
    ttftMs: firstTokenAtMs === null ? null : firstTokenAtMs - sentAtMs,
    headersMs: early ? headersAtMs - sentAtMs : null,
    firstByteMs: firstByteAtMs === null ? null : firstByteAtMs - sentAtMs,
    clientKey: outgoing.clientKey,
    inputTokens: outgoing.inputTokens,
    affinity: outgoing.affinity,
    workerId: attempt.heldLease.workerId,
    cachedTokens: attempt.heldLease.cachedTokens,
    ...usage,
    ...(attempt.retryAfterMs === null ? {} : { retryAfterMs: attempt.retryAfterMs }),
    ...(attempt.request === null ? {} : { request: attempt.request }),
    ...(attempt.failure === null ? {} : { failure: attempt.failure }),
  });
}

/** A lost attempt whose request nobody repeats: what it looks like is what it was. */
export function endLost({ attempt, undecided, why }: LostAttempt): void {
  if (undecided) endAttempt(attempt, "failed");
  else if (why === "capacity") endAttempt(attempt, "capacity");
}

/** From the first byte on the attempt may run until its endpoint's limit; its lease is confirmed on the way. */
export function keepRunning(attempt: Attempt): void {
  watch(attempt, attempt.sentAtMs + attempt.endpoint.config.executionTimeoutMs);
}

/** More of the answer is here; `state`: what its tail says of the end. */
export function noteBytes(attempt: Attempt, state: EndState = "open"): void {
  const { stallTimeoutMs } = attempt.outgoing;
  const lingerMs = state === "done" ? DONE_LINGER_MS : state === "finished" ? FINISHED_LINGER_MS : stallTimeoutMs;
  attempt.leaveAtMs = Number.POSITIVE_INFINITY;
  attempt.silentAtMs = Date.now() + Math.min(lingerMs, stallTimeoutMs);
  if (lingerMs < stallTimeoutMs) keepRunning(attempt);
}

function watch(attempt: Attempt, deadlineMs: number, onDeadline: () => void = () => timeOut(attempt)): void {
  if (attempt.timer !== null) clearTimeout(attempt.timer);
  const dueMs = Math.min(
    attempt.heldLease.confirmDueMs,
    deadlineMs,
    attempt.lateAtMs,
    attempt.silentAtMs,
    attempt.connectAtMs,
    attempt.leaveAtMs,
  );
  attempt.timer = setTimeout(
    () => {
      const now = Date.now();
      if (now >= deadlineMs) {
        onDeadline();
        return;
      }
      if (now >= attempt.silentAtMs) {
        attempt.isSilent = true;
        timeOut(attempt);
        return;
      }
      if (now >= attempt.leaveAtMs && hasToLeave(attempt, now)) return;
      if (now >= attempt.connectAtMs && !seekReach(attempt, now)) return;
      if (now >= attempt.lateAtMs) {
        attempt.lateAtMs = attempt.onLate?.(attempt) ?? Number.POSITIVE_INFINITY;
      }
      touch(attempt.heldLease, now);
      // Another request of the isolate may have confirmed it meanwhile.
      if (now >= attempt.heldLease.confirmDueMs) attempt.desk.ctx.waitUntil(flush(attempt.desk));
      watch(attempt, deadlineMs, onDeadline);
    },
    Math.max(WATCH_GAP_MS, dueMs - Date.now()),
  );
}

/** True: its endpoint became down or ejected, and the attempt was given up; its shard knows why, and blames nobody again. */
function hasToLeave(attempt: Attempt, now: number): boolean {
  const { desk, heldLease, sentAtMs } = attempt;
  const step = leaveStep(desk.runtime.leaseCache, heldLease, sentAtMs, now);
  if (step === "leave") {
    attempt.hasLeft = true;
    endAttempt(attempt, "cancelled");
    attempt.controller.abort();
    return true;
  }
  attempt.leaveAtMs = now + LEAVE_LOOK_MS;
  if (step === "ask") desk.ctx.waitUntil(askNews(desk, heldLease.shard));
  return false;
}

/** False: the attempt was given up. */
function seekReach(attempt: Attempt, now: number): boolean {
  const { endpoint, sentAtMs, desk } = attempt;
  const { connectTimeoutMs } = attempt.outgoing;
  const step = reachStep(endpoint, sentAtMs, connectTimeoutMs, now);
  if (step === "unreachable") {
    attempt.isUnreachable = true;
    attempt.controller.abort();
    return false;
  }
  attempt.connectAtMs = step === "ask" ? now + connectTimeoutMs : step;
  if (step === "ask") desk.ctx.waitUntil(askReach(endpoint, connectTimeoutMs));
  return true;
}

function timeOut(attempt: Attempt): void {
  attempt.timedOut = true;
  attempt.controller.abort();
}

/** The first output of a known protocol is its first token. */
function noteBegun(attempt: Attempt, { headers }: Response): void {
  attempt.firstByteAtMs = Date.now();
  const isToken = attempt.outgoing.protocol !== null && isEventStream(headers.get("content-type") ?? "");
  if (isToken) attempt.firstTokenAtMs = attempt.firstByteAtMs;
}

/** What a whole answer says of its prompt. Its reader is not loaded at start: the first answer is not the first byte. */
async function noteUsage(attempt: Attempt, value: unknown): Promise<void> {
  const { usageIn } = await import("./core/answer-usage.ts");
  attempt.usage = usageIn(value);
}

function classify({ endpoint, outgoing }: Attempt, response: Response, begun: Begun | NoAnswer): AnswerClass {
  const { headers } = response;
  const isNothing = begun.kind === "no_answer" && !begun.isError;
  // Nobody asks for what is no answer at all.
  if (isNothing || (outgoing.protocol !== null && isGonePage(response))) return "server_fault";
  const status = begun.kind === "no_answer" ? begun.status : response.status;
  const peek = begun.kind !== "stream" && status >= 400 ? begun.bytes : null;
  const bodyStart = peek === null ? "" : new TextDecoder().decode(peek.subarray(0, ANSWER_PEEK_BYTES));
  const answer = endpoint.backend.classify({ status, headers, bodyStart });
  // Else whoever holds a key takes an endpoint out for everyone, by asking five times for what it cannot do.
  return outgoing.isClientsPath && (answer === "server_fault" || answer === "too_long") ? "client_fault" : answer;
}

/** An error is told as what it is, and as the endpoint told it, but for the credential that some quote. */
function asTold(
  response: Response,
  begun: Begun | NoAnswer,
  credentials: readonly string[],
): { readonly response: Response; readonly begun: Begun } {
  if (begun.kind === "whole" && response.status >= 400 && begun.bytes !== null) {
    return { response, begun: { kind: "whole", bytes: withoutCredentials(begun.bytes, credentials) } };
  }
  if (begun.kind !== "no_answer") return { response, begun };
  const { status, bytes } = begun;
  const headers = { ...Object.fromEntries(response.headers), "content-type": "application/json" };
  const told = withoutCredentials(bytes, credentials);
  return { response: new Response(null, { status, headers }), begun: { kind: "whole", bytes: told } };
}

/** The same bytes where none is in them. */
function withoutCredentials(bytes: Uint8Array, credentials: readonly string[]): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  return quotes(text, credentials) ? new TextEncoder().encode(withoutForms(text, credentials)) : bytes;
}
