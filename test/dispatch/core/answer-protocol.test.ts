import { describe, expect, test } from "vitest";
import { errorIn, eventMeaning, isOtherAnswer, wholeProblem } from "../../../src/dispatch/core/answer-protocol.ts";
import type { AnswerProtocol, EventMeaning } from "../../../src/dispatch/core/answer-protocol.ts";

const delta = (value: unknown, finish: string | null = null) => ({
  choices: [{ index: 0, delta: value, finish_reason: finish }],
});

const events: readonly (readonly [name: string, protocol: AnswerProtocol, data: unknown, meaning: EventMeaning])[] = [
  ["a role chunk", "chat", delta({ role: "assistant", content: "" }), "nothing"],
  ["an empty delta", "chat", delta({}), "nothing"],
  ["a usage chunk", "chat", { choices: [], usage: { completion_tokens: 3 } }, "nothing"],
  ["garbage", "chat", "{malformed", "nothing"],
  ["a JSON string", "chat", '"text"', "nothing"],
  ["a token", "chat", delta({ content: "x" }), "output"],
  ["a piece of reasoning", "chat", delta({ reasoning_content: "x" }), "output"],
  ["a tool's name", "chat", delta({ tool_calls: [{ index: 0, function: { name: "f", arguments: "" } }] }), "output"],
  ["a tool call without anything", "chat", delta({ tool_calls: [{ index: 0, function: { name: "" } }] }), "nothing"],
  ["audio", "chat", delta({ audio: { data: "AAAA" } }), "output"],
  ["a finish without a token", "chat", delta({}, "stop"), "finish"],
  ["the marker", "chat", "[DONE]", "done"],
  ["an error", "chat", { error: { message: "EngineCore encountered an issue", code: 500 } }, "error"],
  ["an error as text", "chat", { error: "out of memory" }, "error"],
  ["no error", "chat", { ...delta({ content: "x" }), error: null }, "output"],
  ["a piece of text", "completions", { choices: [{ text: "x", finish_reason: null }] }, "output"],
  ["an empty text", "completions", { choices: [{ text: "", finish_reason: null }] }, "nothing"],
  ["a finish", "completions", { choices: [{ text: "", finish_reason: "length" }] }, "finish"],
  ["the beginning of a response", "responses", { type: "response.created", response: { error: null } }, "nothing"],
  ["a piece of a response", "responses", { type: "response.output_text.delta", delta: "x" }, "output"],
  ["an empty piece", "responses", { type: "response.output_text.delta", delta: "" }, "nothing"],
  ["a complete response", "responses", { type: "response.completed", response: {} }, "done"],
  ["an incomplete response", "responses", { type: "response.incomplete", response: {} }, "done"],
  ["a failed response", "responses", { type: "response.failed", response: {} }, "error"],
  ["the beginning of a message", "anthropic", { type: "message_start", message: {} }, "nothing"],
  ["a ping", "anthropic", { type: "ping" }, "nothing"],
  ["the start of a text", "anthropic", { type: "content_block_start", content_block: { type: "text" } }, "nothing"],
  ["the start of a tool's use", "anthropic", { type: "content_block_start", content_block: { name: "f" } }, "output"],
  ["a piece of text", "anthropic", { type: "content_block_delta", delta: { text: "x" } }, "output"],
  ["a stop reason", "anthropic", { type: "message_delta", delta: { stop_reason: "end_turn" } }, "finish"],
  ["the end of a message", "anthropic", { type: "message_stop" }, "done"],
  ["a piece of a picture", "images", { type: "image_generation.partial_image", b64_json: "x" }, "output"],
  ["a picture, of which there may be more", "images", { type: "image_edit.completed", b64_json: "x" }, "finish"],
  ["a piece of sound", "speech", { type: "speech.audio.delta", audio: "AAAA" }, "output"],
  ["the end of a sound", "speech", { type: "speech.audio.done" }, "done"],
  ["a word", "transcript", { type: "transcript.text.delta", delta: "x" }, "output"],
  ["the end of a transcript", "transcript", { type: "transcript.text.done", text: "x" }, "done"],
  ["a word in vLLM's form", "transcript", delta({ content: "x" }), "output"],
  ["another event of media", "transcript", { type: "transcript.created" }, "nothing"],
  ["a failure in the midst of media", "images", { type: "error", error: { message: "x" } }, "error"],
  ["an overload", "anthropic", { type: "error", error: { type: "overloaded_error" } }, "error"],
];

describe("an event", () => {
  test.each(events)("%s (%s)", (_, protocol, data, meaning) => {
    const text = typeof data === "string" ? data : JSON.stringify(data);
    expect(eventMeaning(protocol, { event: null, data: text })).toBe(meaning);
  });

  test("named error is one, whatever it says", () => {
    expect(eventMeaning("chat", { event: "error", data: "out of memory" })).toBe("error");
  });
});

describe("an error in the place of an answer", () => {
  test.each([
    ["by its code", { error: { code: 503 } }, 503],
    ["by its code as text", { error: { code: "429" } }, 429],
    ["by the body's own code", { object: "error", code: 400 }, 400],
    ["by its status", { error: { status: 422 } }, 422],
    ["without any", { error: { message: "x", code: "internal" } }, null],
    ["with a code that is no error", { error: { code: 200 } }, null],
  ])("names an HTTP status: %s", (_, value, status) => {
    expect(errorIn(value)).toEqual({ status });
  });

  test.each([null, "error", [], {}, { error: null }, { error: "" }, { choices: [] }])("is not in %j", (value) => {
    expect(errorIn(value)).toBeNull();
  });
});

describe("a whole body", () => {
  const bodies: readonly (readonly [AnswerProtocol, unknown])[] = [
    ["chat", { choices: [{ message: {} }] }],
    ["completions", { choices: [{ text: "" }] }],
    ["embeddings", { data: [] }],
    ["responses", { object: "response", status: "completed", output: [], error: null }],
    ["anthropic", { type: "message", content: [] }],
    ["images", { created: 0, data: [{ b64_json: "" }] }],
    ["transcript", { text: "" }],
  ];

  test.each(bodies)("is an answer of %s alone", (protocol, body) => {
    expect(wholeProblem(protocol, JSON.stringify(body))).toBeNull();
    expect(wholeProblem(protocol, "{}")).toEqual({ kind: "shape" });
  });

  test.each(["", "null", "<!doctype html>", "{}", '{"choices":[]}', '{"choices":', "[]", "ok"])(
    "%j is none",
    (text) => {
      expect(wholeProblem("chat", text)).toEqual({ kind: "shape" });
    },
  );

  test.each(["{}", "[]", '{"scores":[1]}'])("%s of ranks and scores, whose shapes differ, is one", (text) => {
    expect(wholeProblem("json", text)).toBeNull();
  });

  test.each(["", "null", "ok", '"ok"', "<!doctype html>", '{"tokens":['])("%j of tokens is none", (text) => {
    expect(wholeProblem("json", text)).toEqual({ kind: "shape" });
  });

  test("of speech is none in JSON", () => {
    expect(wholeProblem("speech", '{"audio":"AAAA"}')).toEqual({ kind: "shape" });
  });

  test.each<[AnswerProtocol, string, boolean]>([
    ["speech", "audio/mpeg", true],
    ["speech", "", true],
    ["speech", "text/html; charset=utf-8", false],
    ["speech", "text/plain", false],
    ["speech", "application/json", false],
    ["transcript", "text/plain; charset=utf-8", true],
    ["transcript", "text/html", false],
    ["transcript", "application/problem+json", false],
    ["chat", "audio/wav", false],
  ])("of %s may be %j as it is: %s", (protocol, type, isOne) => {
    expect(isOtherAnswer(protocol, type)).toBe(isOne);
  });

  test("that is an error says so, even beside an answer", () => {
    expect(wholeProblem("chat", '{"error":{"code":500},"choices":[{}]}')).toEqual({ kind: "error", status: 500 });
  });
});
