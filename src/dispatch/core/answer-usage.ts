/**
 * What an answer says of its prompt at its end: how many tokens it had, how many of them were cached, how long the rest
 * took to read, and how many were written.
 *
 * Model. Only figures, each told or not; what is not told is absent, never 0. OpenAI's `usage` (vLLM, SGLang, TGI,
 * TensorRT-LLM), Anthropic's, which counts what was cached beside the rest, llama.cpp's `timings`, which it
 * sends without being asked, Ollama's counts, and vLLM's `metrics`, whose time to the first token begins when
 * the engine takes the request up. Of a stream the first events and the last are looked at: Anthropic tells
 * the prompt at its beginning.
 * Source: docs/reference/sources.md, Inference servers. Rejected: to ask for usage where the client has not, which shows the
 * client a chunk that it does not expect; a pool may say so (`streamUsage`).
 */
import { readTail } from "../../lib/sse.ts";
import { memberOf, parsed } from "./token-timing.ts";
import type { Tail } from "./stream-end.ts";

/** In the endpoint's own tokens, and ms. */
export type AnswerUsage = {
  readonly promptTokens?: number;
  /** … of which so many were in its cache. */
  readonly cachedTrue?: number;
  readonly outputTokens?: number;
  /** How long the prompt took to read, without the wait for it. */
  readonly readMs?: number;
  /** The name by which the next request may go on from it (the Responses API); told with figures alone. */
  readonly answerId?: string;
};

/** Events looked at, at either end. */
const FIRST_EVENTS = 2;
const LAST_EVENTS = 8;
const TELLS = /"(?:usage|timings|metrics|prompt_eval_count)"/;

/** No context is longer, and no prompt is read for longer. */
const TOKENS_MAX = 100_000_000;
const READ_MS_MAX = 3_600_000;

/** What the end of a stream tells, and its beginning where that is still there; null: nothing. */
export function usageAtEnd({ text, isCut }: Tail): AnswerUsage | null {
  const { events } = readTail(text, isCut);
  const looked = [...events.slice(0, -LAST_EVENTS).slice(0, FIRST_EVENTS), ...events.slice(-LAST_EVENTS)];
  const told = looked.filter(({ data }) => TELLS.test(data)).map(({ data }) => usageIn(parsed(data)));
  const found = told.filter((usage) => usage !== null);
  return found.length === 0 ? null : Object.assign({}, ...found);
}

/** What a whole answer, or one event, tells; null: nothing. */
export function usageIn(value: unknown): AnswerUsage | null {
  const within = memberOf(value, "response") ?? memberOf(value, "message") ?? value;
  const found: Found = {};
  // A later form goes before an earlier one.
  readOllama(found, value);
  readTimings(found, memberOf(value, "timings"));
  readUsage(found, memberOf(within, "usage"));
  note(found, "readMs", ms(memberOf(memberOf(value, "metrics"), "time_to_first_token_ms")));
  const { promptTokens, cachedTrue, outputTokens, readMs } = found;
  if ((promptTokens ?? cachedTrue ?? outputTokens ?? readMs) === undefined) return null;
  const id = memberOf(within, "object") === "response" ? memberOf(within, "id") : null;
  if (typeof id === "string" && id !== "") found.answerId = id;
  return found;
}

/** Written in place: every whole answer is looked at. */
type Found = { -readonly [Name in keyof AnswerUsage]: AnswerUsage[Name] };

/** What one form does not tell leaves what another one told. */
function note(found: Found, name: Exclude<keyof Found, "answerId">, figure: number | undefined): void {
  if (figure !== undefined) found[name] = figure;
}

function readUsage(found: Found, usage: unknown): void {
  if (usage === null) return;
  const read = tokens(memberOf(usage, "cache_read_input_tokens"));
  const details = memberOf(usage, "prompt_tokens_details") ?? memberOf(usage, "input_tokens_details");
  const input = positive(memberOf(usage, "input_tokens"));
  // Anthropic counts what it read anew, what it found, and what it wrote into its cache apart.
  const beside = (read ?? 0) + (tokens(memberOf(usage, "cache_creation_input_tokens")) ?? 0);
  const prompt = positive(memberOf(usage, "prompt_tokens")) ?? (input === undefined ? undefined : input + beside);
  note(found, "promptTokens", prompt);
  note(found, "cachedTrue", tokens(memberOf(details, "cached_tokens")) ?? read);
  note(
    found,
    "outputTokens",
    positive(memberOf(usage, "completion_tokens")) ?? positive(memberOf(usage, "output_tokens")),
  );
}

function readTimings(found: Found, timings: unknown): void {
  if (timings === null) return;
  const [cached, read] = [tokens(memberOf(timings, "cache_n")), tokens(memberOf(timings, "prompt_n"))];
  note(found, "promptTokens", cached === undefined || read === undefined ? undefined : cached + read);
  note(found, "cachedTrue", cached);
  note(found, "outputTokens", positive(memberOf(timings, "predicted_n")));
  note(found, "readMs", ms(memberOf(timings, "prompt_ms")));
}

function readOllama(found: Found, value: unknown): void {
  const ns = memberOf(value, "prompt_eval_duration");
  note(found, "promptTokens", positive(memberOf(value, "prompt_eval_count")));
  note(found, "cachedTrue", tokens(memberOf(value, "prompt_eval_cached_count")));
  note(found, "outputTokens", positive(memberOf(value, "eval_count")));
  note(found, "readMs", typeof ns === "number" ? ms(ns / 1e6) : undefined);
}

function tokens(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX ? value : undefined;
}

/** Some servers write 0 for what they do not count; every prompt and every answer has a token. */
const positive = (value: unknown): number | undefined => tokens(value) || undefined;

const ms = (value: unknown): number | undefined =>
  typeof value === "number" && value > 0 && value <= READ_MS_MAX ? value : undefined;
