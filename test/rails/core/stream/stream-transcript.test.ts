import { describe, expect, test } from "vitest";
import { createSseDecoder, push } from "../../../../src/lib/sse.ts";
import { createStreamRails } from "../../../../src/rails/core/stream/stream-rails.ts";
import type { StreamScanner } from "../../../../src/rails/core/stream/stream-scanner.ts";
import { secretsScanner } from "../../../../src/rails/detectors/secrets/stream-secrets.ts";
import { PROJECT_KEY } from "./stream-support.ts";

type Event = Readonly<Record<string, unknown>>;

const typed = (event: Event): string => `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`;
const delta = (text: string): string => typed({ type: "transcript.text.delta", delta: text });
const done = (text: string): string => typed({ type: "transcript.text.done", text, usage: { type: "duration" } });
const half = PROJECT_KEY.length / 2;
const halves = [PROJECT_KEY.slice(0, half), PROJECT_KEY.slice(half)] as const;

function run(text: string, scanners: readonly StreamScanner[] = [secretsScanner("redact")]) {
  const rails = createStreamRails({ format: "transcript", scanners });
  const first = rails.push(text);
  const last = rails.end();
  const out = first.out + last.out;
  const events = push(createSseDecoder(), out);
  if (!events.ok) throw new Error("the stream cannot be read");
  const read = events.value.filter(({ data }) => data !== "[DONE]").map(({ data }) => JSON.parse(data) as Event);
  return { out, events: read, blocked: first.blocked ?? last.blocked };
}

describe("a stream of a transcript", () => {
  test("is looked at over its pieces, and its whole text comes out as they did", () => {
    const { out, events } = run(
      delta("The key is ") +
        delta(halves[0]) +
        delta(halves[1]) +
        delta(" ok.") +
        done(`The key is ${PROJECT_KEY} ok.`),
    );
    const text = events.map(({ delta: piece = "" }) => String(piece)).join("");
    expect(out).not.toContain(halves[1]);
    expect(text).toMatch(/^The key is \[.+\] ok\.$/);
    expect(events.at(-1)).toMatchObject({ type: "transcript.text.done", text, usage: { type: "duration" } });
  });

  test("without a finding is every event as it came", () => {
    const text = delta("It ") + delta("rains.") + done("It rains.");
    expect(run(text).out).toBe(text);
  });

  test("reads a segment, and an event of another kind, each as a text of its own", () => {
    for (const type of ["transcript.text.segment", "text"]) {
      const { out } = run(delta("It rains.") + typed({ type, text: PROJECT_KEY }) + done("It rains."));
      expect(out).not.toContain(PROJECT_KEY);
      expect(out).toContain("It rains.");
    }
  });

  test("in vLLM's form is looked at as a chat", () => {
    const chunk = (content: string, finish: string | null = null): string =>
      `data: ${JSON.stringify({ object: "transcription.chunk", choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`;
    const { out } = run(`${chunk(halves[0]) + chunk(halves[1]) + chunk(" ok.") + chunk("", "stop")}data: [DONE]\n\n`);
    expect(out).not.toContain(halves[1]);
    expect(out.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  test("that is blocked ends with an error, and the text goes no further", () => {
    const { events, blocked, out } = run(delta("It rains. ") + delta(PROJECT_KEY) + done(PROJECT_KEY), [
      secretsScanner("block"),
    ]);
    expect(blocked).toMatchObject({ rail: "secrets" });
    expect(out).not.toContain(PROJECT_KEY);
    expect(events.at(-1)).toMatchObject({ error: { code: "blocked_by_guardrail" } });
  });
});
