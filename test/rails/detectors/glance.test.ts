import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSurelyClean } from "../../../src/rails/detectors/glance.ts";
import type { CleanBounds } from "../../../src/rails/detectors/glance.ts";
import { STEPS_PER_PART } from "../../../src/rails/core/budget.ts";
import { secretsRail } from "../../../src/rails/detectors/secrets/secrets.ts";
import { sizeRail } from "../../../src/rails/detectors/size/size.ts";
import { extractTextParts } from "../../../src/rails/core/text/text-parts.ts";
import { TEXT_DEPTH_MAX, TEXT_PARTS_MAX } from "../../../src/rails/core/text/text-bounds.ts";

const SECRET = "AKIAQ4F5BNZSWAIK7GLP";
const BOUNDS: CleanBounds = { charsMax: 100, messagesMax: 3, stepsMax: null, secretsAllowed: false };

const chat = (...contents: unknown[]) => ({ messages: contents.map((content) => ({ role: "user", content })) });

const nested = (depth: number): unknown => {
  let value: unknown = "deep";
  for (let level = 0; level < depth; level++) value = [value];
  return value;
};

describe("a body is surely clean", () => {
  test.each([
    { name: "with ordinary text", body: chat("hello"), is: true },
    { name: "at the bound of characters", body: chat("word ".repeat(20)), is: true },
    { name: "at the bound of messages", body: chat("a", "b", "c"), is: true },
    { name: "that is no object", body: null, is: true },
  ])("$name", ({ body, is }) => {
    expect(isSurelyClean(body, BOUNDS)).toBe(is);
  });

  test.each([
    { name: "with a credential", body: chat(`key ${SECRET}`) },
    { name: "with a credential in a part", body: chat([{ type: "text", text: SECRET }]) },
    { name: "beyond the bound of characters", body: chat("x".repeat(60), "x".repeat(41)) },
    { name: "beyond the bound of messages", body: chat("a", "b", "c", "d") },
    { name: "with media, which the full walk judges", body: chat([{ type: "image_url", image_url: { url: "x" } }]) },
    { name: "with token ids, which the full walk judges", body: { prompt: [1, 2] } },
    { name: "with media at the top", body: { prompt: "a", images: ["x"] } },
    { name: "with a credential in a member that nobody here knows", body: { ...chat("a"), chat_template: SECRET } },
    { name: "with a credential where few models look", body: { ...chat("hello"), metadata: { user_id: SECRET } } },
    { name: "with a credential as a name", body: { ...chat("hello"), metadata: { [SECRET]: 1 } } },
    { name: "with a credential for a role", body: { messages: [{ role: SECRET, content: "hello" }] } },
    { name: "with a credential in base64", body: chat(Buffer.from(`key ${SECRET}`).toString("base64")) },
    { name: "with a credential in disguise", body: chat(SECRET.split("").join("\u200b")) },
    { name: "with a long number, which the full walk reads", body: { ...chat("hello"), seed: 4111111111111111 } },
    { name: "nested too deeply", body: { prompt: nested(TEXT_DEPTH_MAX + 1) } },
  ])("but not $name", ({ body }) => {
    expect(isSurelyClean(body, BOUNDS)).toBe(false);
  });

  test("up to what the rail for credentials may read in its time, and not beyond", () => {
    const bounds = { charsMax: null, messagesMax: null, stepsMax: 2 * (STEPS_PER_PART + 5), secretsAllowed: false };
    expect(isSurelyClean(chat("hello", "hello"), bounds)).toBe(true);
    expect(isSurelyClean(chat("hello", "hello!"), bounds)).toBe(false);
  });

  test("up to the number of texts that the rails read, and not beyond", () => {
    const bounds = { charsMax: null, messagesMax: null, stepsMax: null, secretsAllowed: true };
    const prompts = (count: number) => ({ prompt: Array.from({ length: count }, () => "a") });
    expect(isSurelyClean(prompts(TEXT_PARTS_MAX), bounds)).toBe(true);
    expect(isSurelyClean(prompts(TEXT_PARTS_MAX + 1), bounds)).toBe(false);
  });
});

test("what is surely clean is clean for the rails in full, whatever the body", () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("base64", "image"),
    fc.constant(`x ${SECRET} y`),
    fc.constant("a".repeat(40)),
    fc.constant(Buffer.from(`key ${SECRET}`).toString("base64")),
    fc.constant(SECRET.split("").join(" ")),
  );
  const member = fc.constantFrom(
    "messages",
    "prompt",
    "input",
    "tools",
    "role",
    "type",
    "content",
    "image",
    "data",
    "x",
  );
  const { body } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, text, fc.integer(), fc.constant(null), tie("list"), tie("body")),
    list: fc.array(tie("value"), { maxLength: 4 }),
    body: fc.dictionary(member, tie("value"), { maxKeys: 4 }),
  }));
  fc.assert(
    fc.property(body, fc.boolean(), (anyBody, everyMember) => {
      if (!isSurelyClean(anyBody, BOUNDS, everyMember)) return;
      const input = extractTextParts(anyBody, everyMember);
      const size = sizeRail(input, { charsMax: 100, messagesMax: 3 });
      expect([...secretsRail(input).reasons, ...size.reasons, ...input.unseen]).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});
