/**
 * Decides what a stream's events say about speed: TTFT, TPOT and the gaps between them.
 *
 * Model. TTFT is the time from send to the first NON-EMPTY token: the role-only chunk that servers send first comes
 * before the prefill is done and would make every endpoint look fast. TPOT = (end − first) / (n − 1) averages over all
 * tokens; ITL is the gap that a reader sees, one per arrival however many tokens came at once.
 * Source: docs/glossary.md; vLLM's serving benchmark records one gap per arrival in the same way.
 * Rejected: spreading a gap over the tokens of its arrival, which hides the stall in front of a burst.
 */
import { createHistogram, record } from "../../lib/histogram.ts";
import type { Histogram } from "../../lib/histogram.ts";

/** Written in place by `onTokens`. */
export type TokenTiming = {
  readonly sentAtMs: number;
  /** Null until the first token. */
  firstAtMs: number | null;
  lastAtMs: number;
  tokens: number;
  arrivals: number;
  /** Gaps between arrivals, ms. */
  readonly itl: Histogram;
};

export function createTokenTiming(sentAtMs: number): TokenTiming {
  return { sentAtMs, firstAtMs: null, lastAtMs: sentAtMs, tokens: 0, arrivals: 0, itl: createHistogram() };
}

/** Notes that `count` tokens arrived together at `nowMs`. Nothing happens unless `count` is a number > 0. */
export function onTokens(timing: TokenTiming, count: number, nowMs: number): void {
  if (!(count > 0) || !Number.isFinite(count)) return;
  const atMs = Math.max(nowMs, timing.lastAtMs);
  if (timing.firstAtMs === null) timing.firstAtMs = atMs;
  else record(timing.itl, atMs - timing.lastAtMs);
  timing.lastAtMs = atMs;
  timing.tokens += count;
  timing.arrivals += 1;
}

/** Send to first non-empty token, ms; null before it. */
export function ttftMs({ firstAtMs, sentAtMs }: TokenTiming): number | null {
  return firstAtMs === null ? null : firstAtMs - sentAtMs;
}

/** Mean time per token after the first, ms; null unless tokens arrived at least twice: one arrival has no duration. */
export function tpotMs({ firstAtMs, lastAtMs, tokens, arrivals }: TokenTiming): number | null {
  if (firstAtMs === null || arrivals < 2 || tokens <= 1) return null;
  return (lastAtMs - firstAtMs) / (tokens - 1);
}

/** Members of a chat delta that say who speaks, or stand beside the output. */
const NO_OUTPUT: ReadonlySet<string> = new Set(["role", "name", "tool_calls", "function_call"]);

/**
 * True if the data of one event is an OpenAI chat or completion chunk that carries model output: text, reasoning, or a
 * tool call's name or arguments. A role-only chunk, a usage chunk, `[DONE]`, an error and garbage are false. Never throws.
 */
export function firstNonEmptyToken(data: string): boolean {
  const choices = memberOf(parsed(data), "choices");
  return Array.isArray(choices) && choices.some(hasOutput);
}

/** Does a choice of a chat or completion chunk carry output. A member that nobody knew yet (audio, images) is one too. */
export function hasOutput(choice: unknown): boolean {
  const delta = memberOf(choice, "delta");
  if (isText(memberOf(choice, "text"))) return true;
  if (typeof delta !== "object" || delta === null) return false;
  if (Object.entries(delta).some(([name, value]) => !NO_OUTPUT.has(name) && isFilled(value))) return true;
  const calls = memberOf(delta, "tool_calls");
  if (Array.isArray(calls) && calls.some((call) => isFunctionCall(memberOf(call, "function")))) return true;
  return isFunctionCall(memberOf(delta, "function_call"));
}

/** The name counts: the model has generated it, and it comes before the first byte of the arguments. */
function isFunctionCall(call: unknown): boolean {
  return isText(memberOf(call, "arguments")) || isText(memberOf(call, "name"));
}

function isFilled(value: unknown): boolean {
  return isText(value) || (typeof value === "object" && value !== null && Object.keys(value).length > 0);
}

export function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value ? (value as Record<string, unknown>)[name] : null;
}

/** Null when it is no JSON. */
export function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return null;
  }
}
