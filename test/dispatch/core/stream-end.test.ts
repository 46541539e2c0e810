import { describe, expect, test } from "vitest";
import type { AnswerProtocol } from "../../../src/dispatch/core/answer-protocol.ts";
import { createSseDecoder, push } from "../../../src/lib/sse.ts";
import { closeStream } from "../../../src/dispatch/core/stream-close.ts";
import { endState } from "../../../src/dispatch/core/stream-end.ts";
import type { EndState } from "../../../src/dispatch/core/stream-end.ts";
import { streamError } from "../../../src/wire/stream-error.ts";

const chunk = (delta: unknown, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const DONE = "data: [DONE]\n\n";
const USAGE = 'data: {"choices":[],"usage":{"completion_tokens":2}}\n\n';
const ERROR = 'data: {"error":{"message":"engine dead"}}\n\n';
const BEGUN = chunk({ role: "assistant", content: "" }) + chunk({ content: "Hello " }) + chunk({ content: 'w"ö🦀' });

const named = (type: string, more: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const PIECE = named("content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hello" } });
const STOPPED = named("message_delta", { delta: { stop_reason: "end_turn" } });
const DELTA = named("response.output_text.delta", { delta: "Hello" });

const ends: readonly (readonly [name: string, protocol: AnswerProtocol, text: string, state: EndState])[] = [
  ["the marker", "chat", BEGUN + chunk({}, "stop") + DONE, "done"],
  ["the marker alone", "chat", BEGUN + DONE, "done"],
  ["a finish", "chat", BEGUN + chunk({}, "stop"), "finished"],
  ["a finish and usage", "chat", BEGUN + chunk({}, "stop") + USAGE, "finished"],
  ["neither", "chat", BEGUN, "open"],
  ["usage alone", "chat", BEGUN + USAGE, "open"],
  ["an error", "chat", BEGUN + ERROR + DONE, "failed"],
  ["a finish that was cut", "chat", BEGUN + chunk({}, "stop").slice(0, -2), "open"],
  ["a stop", "anthropic", PIECE + STOPPED + named("message_stop"), "done"],
  ["a stop reason", "anthropic", PIECE + STOPPED, "finished"],
  ["no stop", "anthropic", PIECE, "open"],
  ["completion", "responses", DELTA + named("response.completed"), "done"],
  ["no completion", "responses", DELTA, "open"],
];

describe("a stream ended", () => {
  test.each(ends)("with %s (%s)", (_, protocol, text, state) => {
    expect(endState({ protocol, text, isCut: false })).toBe(state);
  });

  test("as its tail says, although that begins inside an event", () => {
    const text = (BEGUN + chunk({}, "stop") + USAGE).slice(40);
    expect(endState({ protocol: "chat", text, isCut: true })).toBe("finished");
  });

  test("not as the half of an event says that the tail begins with", () => {
    const text = `\n${chunk({}, "stop")}${USAGE}`;
    expect(endState({ protocol: "chat", text, isCut: true })).toBe("open");
  });

  test("as events with lines that end in several ways say", () => {
    const text = `x"}\n\r\n${chunk({}, "stop").replace("\n\n", "\r\n\n")}`;
    expect(endState({ protocol: "chat", text, isCut: true })).toBe("finished");
  });

  test("unknown: no whole event is in the tail", () => {
    expect(endState({ protocol: "chat", text: "x".repeat(100), isCut: true })).toBe("unknown");
  });
});

/** What a client is given: the data of each event, parsed. */
function read(text: string): unknown[] {
  const events = push(createSseDecoder(), text);
  if (!events.ok) throw new Error("too large");
  return events.value.map(({ data }) => (data === "[DONE]" ? data : (JSON.parse(data) as unknown)));
}

describe("a stream that was cut anywhere", () => {
  const CUT = streamError("upstream_cut", "chat");
  const hasError = (event: unknown) => typeof event === "object" && event !== null && "error" in event;

  test("before its finish gives events that parse, one of them an error, and the marker", () => {
    for (let at = 1; at <= BEGUN.length; at++) {
      const text = BEGUN.slice(0, at);
      const closing = closeStream({ protocol: "chat", text, isCut: false }, CUT);
      expect(closing.isWhole, text).toBe(false);
      const events = read(text + closing.text);
      expect(events.filter(hasError), text).toHaveLength(1);
      expect(events.at(-1), text).toBe("[DONE]");
    }
  });

  test.each(["\r", "\r\n"])("is closed as well where its lines end with %j", (lineBreak) => {
    const begun = BEGUN.replaceAll("\n", lineBreak);
    for (let at = 1; at <= begun.length; at++) {
      const text = begun.slice(0, at);
      const events = read(text + closeStream({ protocol: "chat", text, isCut: false }, CUT).text);
      expect(events.filter(hasError), text).toHaveLength(1);
      expect(events.at(-1), text).toBe("[DONE]");
    }
  });

  test("after its finish is whole, and gets the marker that it lacks", () => {
    const finished = BEGUN + chunk({}, "stop");
    for (let at = 0; at <= DONE.length; at++) {
      if (at > 0 && at < "data: [".length) continue;
      const text = finished + DONE.slice(0, at);
      const closing = closeStream({ protocol: "chat", text, isCut: false }, CUT);
      expect(closing.isWhole, text).toBe(true);
      expect(
        read(text + closing.text).filter((event) => event === "[DONE]"),
        text,
      ).toHaveLength(1);
      expect(read(text + closing.text).some(hasError), text).toBe(false);
    }
  });

  test("inside the usage after its finish is not whole: half a number is a wrong number", () => {
    const text = BEGUN + chunk({}, "stop") + USAGE.slice(0, -4);
    expect(closeStream({ protocol: "chat", text, isCut: false }, CUT).isWhole).toBe(false);
  });

  test("after an error of its own gets no second one", () => {
    expect(closeStream({ protocol: "chat", text: BEGUN + ERROR, isCut: false }, CUT)).toEqual({
      text: "",
      isWhole: false,
    });
  });

  test("of messages gives events that parse, and an event of the name error", () => {
    const error = streamError("upstream_cut", "anthropic");
    for (let at = 1; at <= PIECE.length; at++) {
      const text = PIECE.slice(0, at);
      const closing = closeStream({ protocol: "anthropic", text, isCut: false }, error);
      const whole = text + closing.text;
      expect(read(whole).at(-1), text).toMatchObject({ type: "error", error: { type: "api_error" } });
      expect(whole.match(/^event: error$/gm), text).toHaveLength(1);
    }
  });

  test("of messages after the stop reason gets its last event", () => {
    const text = PIECE + STOPPED;
    const closing = closeStream(
      { protocol: "anthropic", text, isCut: false },
      streamError("upstream_cut", "anthropic"),
    );
    expect([closing.isWhole, read(text + closing.text).at(-1)]).toEqual([true, { type: "message_stop" }]);
  });

  test("of responses gives events that parse, and at last one of the type error", () => {
    for (let at = 1; at <= DELTA.length; at++) {
      const text = DELTA.slice(0, at);
      const closing = closeStream(
        { protocol: "responses", text, isCut: false },
        streamError("upstream_cut", "responses"),
      );
      expect(read(text + closing.text).at(-1), text).toMatchObject({ type: "error", error: { code: "upstream_cut" } });
    }
  });
});
