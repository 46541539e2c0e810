import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AnswerProtocol } from "../../../src/dispatch/core/answer-protocol.ts";
import { usageAtEnd, usageIn } from "../../../src/dispatch/core/answer-usage.ts";

const streamOf = (...events: unknown[]): string => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
const atEnd = (text: string, protocol: AnswerProtocol = "chat", isCut = false) => usageAtEnd({ protocol, text, isCut });

/** The last words of real servers. */
const TIMINGS = { cache_n: 1_053, prompt_n: 1, prompt_ms: 9.825, predicted_n: 4, predicted_ms: 11.903 };
const ENDS: readonly { name: string; last: unknown; usage: unknown }[] = [
  {
    name: "vLLM, with the details and the metrics of the request",
    last: {
      object: "chat.completion.chunk",
      choices: [],
      usage: {
        prompt_tokens: 700,
        total_tokens: 704,
        completion_tokens: 4,
        prompt_tokens_details: { cached_tokens: 640, created_cache_tokens: 0 },
      },
      metrics: { time_to_first_token_ms: 25.5, generation_time_ms: 36.7, queue_time_ms: 0.03, mean_itl_ms: 12.2 },
    },
    usage: { promptTokens: 700, cachedTrue: 640, outputTokens: 4, readMs: 25.5 },
  },
  {
    name: "vLLM without the details: what is cached is not known",
    last: { choices: [], usage: { prompt_tokens: 700, completion_tokens: 4, prompt_tokens_details: null } },
    usage: { promptTokens: 700, outputTokens: 4 },
  },
  {
    name: "llama.cpp, which was not asked",
    last: { choices: [{ finish_reason: "length", index: 0, delta: {} }], timings: TIMINGS },
    usage: { promptTokens: 1_054, cachedTrue: 1_053, outputTokens: 4, readMs: 9.825 },
  },
  {
    name: "the Responses API",
    last: {
      type: "response.completed",
      response: {
        usage: { input_tokens: 1_054, output_tokens: 4, input_tokens_details: { cached_tokens: 1_053 } },
      },
    },
    usage: { promptTokens: 1_054, cachedTrue: 1_053, outputTokens: 4 },
  },
  {
    name: "Ollama",
    last: {
      done: true,
      prompt_eval_count: 26,
      prompt_eval_cached_count: 20,
      prompt_eval_duration: 130_079_000,
      eval_count: 259,
    },
    usage: { promptTokens: 26, cachedTrue: 20, outputTokens: 259, readMs: 130.079 },
  },
];

describe("the end of a stream", () => {
  test("tells the name of an answer that the next request may go on from, and of no other", () => {
    const usage = { input_tokens: 10 };
    const whole = { id: "resp_1", object: "response", usage };
    const told = { promptTokens: 10, answerId: "resp_1" };
    expect(usageIn(whole)).toEqual(told);
    expect(atEnd(streamOf({ type: "response.completed", response: whole }))).toEqual(told);
    expect(usageIn({ id: "chatcmpl-1", object: "chat.completion", usage: { prompt_tokens: 10 } })).toEqual({
      promptTokens: 10,
    });
    expect(usageIn({ ...whole, id: 7 })).toEqual({ promptTokens: 10 });
  });

  test.each(ENDS)("tells of its prompt: $name", ({ last, usage }) => {
    const text = streamOf({ choices: [{ delta: { content: "a" } }] }, last);
    expect(atEnd(`${text}data: [DONE]\n\n`)).toEqual(usage);
    expect(usageIn(last)).toEqual(usage);
  });

  test("tells of it at its beginning, as Anthropic does: what was cached is beside the rest", () => {
    const begin = {
      type: "message_start",
      message: { usage: { input_tokens: 30, cache_read_input_tokens: 900, cache_creation_input_tokens: 70 } },
    };
    const deltas = Array.from({ length: 40 }, () => ({ type: "content_block_delta", delta: { text: "x" } }));
    const end = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 40 } };
    const text = streamOf(begin, ...deltas, end, { type: "message_stop" });
    expect(atEnd(text, "anthropic")).toEqual({ promptTokens: 1_000, cachedTrue: 900, outputTokens: 40 });
  });

  test("that tells a figure in several forms is taken by its usage, and by its metrics how long the prompt took", () => {
    const ollama = { prompt_eval_count: 1, prompt_eval_cached_count: 1, eval_count: 1, prompt_eval_duration: 1e6 };
    const timings = { cache_n: 2, prompt_n: 20, prompt_ms: 2, predicted_n: 2 };
    expect(usageIn({ ...ollama, timings })).toEqual({ promptTokens: 22, cachedTrue: 2, outputTokens: 2, readMs: 2 });
    const usage = { prompt_tokens: 30, completion_tokens: 3 };
    const metrics = { time_to_first_token_ms: 4 };
    expect(usageIn({ ...ollama, timings, usage, metrics })).toEqual({
      promptTokens: 30,
      cachedTrue: 2,
      outputTokens: 3,
      readMs: 4,
    });
  });

  test("whose events have no such word tells nothing", () => {
    expect(atEnd(streamOf({ choices: [{ delta: { content: '"usage" is a word' } }] }))).toBeNull();
    expect(atEnd("")).toBeNull();
    expect(atEnd('data: {"usage": {"prompt_tok')).toBeNull();
  });

  test("that is cut within an event is read from the next one on", () => {
    const text = streamOf({ choices: [], usage: { prompt_tokens: 5 } });
    expect(atEnd(`{"usage":{"prompt_tokens":9}}\n\n${text}`, "chat", true)).toEqual({ promptTokens: 5 });
  });
});

describe("a figure", () => {
  const prompt = (value: unknown) => usageIn({ usage: { prompt_tokens: value, completion_tokens: 1 } });

  test.each([1, 100_000_000])("of %d tokens is told", (value) => {
    expect(prompt(value)).toEqual({ promptTokens: value, outputTokens: 1 });
  });

  test.each([0, -1, 1.5, 100_000_001, "7", null, true, Number.NaN])("that is %o is not", (value) => {
    expect(prompt(value)).toEqual({ outputTokens: 1 });
  });

  test("of cached tokens may be 0", () => {
    expect(usageIn({ usage: { prompt_tokens_details: { cached_tokens: 0 } } })).toEqual({ cachedTrue: 0 });
  });

  test.each([0, -1, 3_600_001, "9"])("of reading time that is %o is none", (value) => {
    expect(usageIn({ timings: { ...TIMINGS, prompt_ms: value } })).not.toHaveProperty("readMs");
  });

  test("is looked for in whatever an endpoint writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        usageIn(value);
        usageIn({ usage: value, timings: value, metrics: value, message: value, response: value });
      }),
    );
  });
});
