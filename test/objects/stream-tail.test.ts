/** The end of streams whose last event is longer than what is kept of them. */
import { describe, expect, test } from "vitest";
import type { AnswerProtocol } from "../../src/dispatch/core/answer-protocol.ts";
import { createTail, keep, stateOf, TAIL_BYTES_MAX } from "../../src/dispatch/stream-tail.ts";

const LONG = "x".repeat(2 * TAIL_BYTES_MAX);
const response = (type: string, text = LONG) => `event: ${type}\ndata: ${JSON.stringify({ type, text })}\n\n`;
const output = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: LONG } }] })}\n\n`;

const ends: readonly (readonly [name: string, protocol: AnswerProtocol, text: string, state: string])[] = [
  ["a long output", "chat", output, "open"],
  ["a long output that was cut", "chat", output.slice(0, -9), "open"],
  ["a long output and the marker", "chat", `${output}data: [DONE]\n\n`, "done"],
  ["a long event", "anthropic", output, "open"],
  ["a long completion", "responses", `\n\n${response("response.completed")}`, "done"],
  ["a long completion that has data alone", "responses", response("response.incomplete").replace(/^.*\n/, ""), "done"],
  ["a long completion that was cut", "responses", `\n\n${response("response.completed").slice(0, -9)}`, "open"],
  ["a long event that completes a part", "responses", `\n\n${response("response.output_text.done")}`, "open"],
  ["a long text that quotes an end", "responses", response("x", `\nevent: response.completed\n${LONG}`), "open"],
];

describe("a stream that ends with", () => {
  test.each(ends)("%s (%s)", (_, protocol, text, state) => {
    const bytes = new TextEncoder().encode(text);
    for (const size of [1_000, 16_384, bytes.byteLength]) {
      const tail = createTail(protocol);
      for (let at = 0; at < bytes.byteLength; at += size) {
        keep(tail, bytes.slice(at, at + size));
        expect(tail.bytes).toBeLessThan(2 * TAIL_BYTES_MAX);
      }
      expect([size, stateOf(tail)]).toEqual([size, state]);
    }
  });

  test("whatever nobody looked at is unknown", () => {
    const tail = createTail("chat");
    keep(tail, new TextEncoder().encode(output));
    tail.isBlind = true;
    expect(stateOf(tail)).toBe("unknown");
  });
});
