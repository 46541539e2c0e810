/**
 * Decides what a message of OpenAI's Realtime protocol says of tokens: `response.done` counts one answer, and a transcription
 * counts its own. A socket came to the sum of them.
 * Source: OpenAI's Realtime reference, `response.done` and `conversation.item.input_audio_transcription.completed`.
 */
import { isObject } from "../../lib/json-object.ts";

export type RealtimeUsage = {
  readonly promptTokens: number;
  readonly cachedTrue: number;
  readonly outputTokens: number;
};

const NONE: RealtimeUsage = { promptTokens: 0, cachedTrue: 0, outputTokens: 0 };

/** Longer messages are sound: what counts is short. */
const COUNTED_CHARS_MAX = 1_048_576;

/** The sum so far with what this message adds; the same object where it adds nothing. */
export function addUsage(sum: RealtimeUsage | null, text: string): RealtimeUsage | null {
  if (text.length > COUNTED_CHARS_MAX || !text.includes('"usage"')) return sum;
  const usage = usageOf(text);
  if (usage === null) return sum;
  const { promptTokens, cachedTrue, outputTokens } = sum ?? NONE;
  const details = isObject(usage["input_token_details"]) ? usage["input_token_details"] : {};
  return {
    promptTokens: promptTokens + countOf(usage["input_tokens"]),
    cachedTrue: cachedTrue + countOf(details["cached_tokens"]),
    outputTokens: outputTokens + countOf(usage["output_tokens"]),
  };
}

function usageOf(text: string) {
  try {
    const event: unknown = JSON.parse(text);
    if (!isObject(event)) return null;
    const isAnswer = event["type"] === "response.done" && isObject(event["response"]);
    const holder = isAnswer ? event["response"] : event;
    const isCounted = isAnswer || event["type"] === "conversation.item.input_audio_transcription.completed";
    return isCounted && isObject(holder) && isObject(holder["usage"]) ? holder["usage"] : null;
  } catch {
    return null;
  }
}

const countOf = (value: unknown): number =>
  typeof value === "number" && value > 0 && value <= 1e9 ? Math.floor(value) : 0;
