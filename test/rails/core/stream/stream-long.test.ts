/** Events that are longer than anybody reads: what becomes of them, and that what stands around them is read. */
import { describe, expect, test } from "vitest";
import { RailFailed } from "../../../../src/rails/core/stream/stream-guard.ts";
import { createStreamRails, EVENT_UNITS_MAX } from "../../../../src/rails/core/stream/stream-rails.ts";
import { cutBy, GITHUB_KEY, SETS } from "./stream-support.ts";

const ALL = SETS["all"] ?? [];
const content = (text: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
const DONE = "data: [DONE]\n\n";

function run(pieces: readonly string[]) {
  const rails = createStreamRails({ format: "chat", scanners: ALL });
  const out = pieces.map((piece) => rails.push(piece).out).join("");
  const last = rails.end();
  return { out: out + last.out, blocked: last.blocked, record: rails.record() };
}

describe.each([
  ["whole", (text: string) => [text]],
  ["in pieces", (text: string) => cutBy(text, [65_536])],
])("an event that is too large and comes %s", (_, cut) => {
  const large = content("x".repeat(EVENT_UNITS_MAX));

  test("passes unread where the rails fail open, which is told, and the events around it are read", () => {
    const pieces = [content("hi "), ...cut(`${large}${content(`${GITHUB_KEY} `)}`), DONE];
    const { out, blocked, record } = run(pieces);
    expect([blocked, record.unread]).toEqual([null, ["too_large"]]);
    expect(out).toContain(large);
    expect(out).not.toContain(GITHUB_KEY);
  });

  test("ends the answer where a rail must see it", () => {
    const mustRead = () => "secrets";
    const rails = createStreamRails({ format: "chat", scanners: ALL, mustRead });
    expect(() => cut(large).map((piece) => rails.push(piece))).toThrow(RailFailed);
    expect(rails.record().unread).toEqual(["too_large"]);
  });
});

test("an event as large as the bound is read", () => {
  const text = `${GITHUB_KEY} ${"word ".repeat(800_000)}`;
  const { out, record } = run([content(text), DONE]);
  expect(record).toMatchObject({ verdict: "redact", unread: [] });
  expect(out).not.toContain(GITHUB_KEY);
});

test("an event without end is not kept for ever", () => {
  const rails = createStreamRails({ format: "chat", scanners: ALL });
  rails.push("data: ");
  let shown = 0;
  for (let sent = 0; sent < 80; sent += 1) shown += rails.push("x".repeat(65_536)).out.length;
  expect(shown).toBeGreaterThan(EVENT_UNITS_MAX);
  expect(rails.record().unread).toEqual(["too_large"]);
});
