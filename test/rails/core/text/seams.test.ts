import { describe, expect, test } from "vitest";
import { hasOddEdge, SEAM_CHARS, SEAMS_MAX, seamsOf } from "../../../../src/rails/core/text/seams.ts";
import { extractTextParts } from "../../../../src/rails/core/text/text-parts.ts";

const users = (...contents: readonly unknown[]) => ({
  messages: contents.map((content) => ({ role: "user", content })),
});
const seamTexts = (body: unknown): readonly string[] =>
  [...seamsOf(extractTextParts(body).parts)].map(({ text }) => text);

describe("a text goes on in the next", () => {
  test.each([
    [
      "part of a message",
      users([
        { type: "text", text: "key AKIAQ4F5" },
        { type: "text", text: "BNZSWAIK ok" },
      ]),
    ],
    ["message of its role", users("key AKIAQ4F5", "BNZSWAIK ok")],
    [
      "message of its role, whatever stands between",
      {
        messages: [
          ...users("key AKIAQ4F5").messages,
          { role: "assistant", content: "Go on." },
          ...users("BNZSWAIK ok").messages,
        ],
      },
    ],
    ["part of a system prompt", { system: [{ text: "key AKIAQ4F5" }, { text: "BNZSWAIK ok" }] }],
    [
      "item of an input",
      {
        input: [
          { role: "user", content: "key AKIAQ4F5" },
          { role: "user", content: "BNZSWAIK ok" },
        ],
      },
    ],
  ])("%s", (_, body) => {
    expect(seamTexts(body)).toEqual(["key AKIAQ4F5BNZSWAIK ok"]);
    expect(hasOddEdge("key AKIAQ4F5")).toBe(true);
  });

  test("over more than two", () => {
    expect(seamTexts(users("AKIAQ4F5BNZS", "W", "AIK"))).toContain("AKIAQ4F5BNZSWAIK");
  });

  test.each([
    ["sentences", users("Thank you for that.", "Please go on now.")],
    ["words", users("thanks for all of this", "please")],
    ["names of versions at an end", users("I use Python 3.12.", "Which one is it?")],
    ["texts with a blank between", users("key AKIAQ4F5 ", "BNZSWAIK ok")],
    [
      "texts of different roles",
      {
        messages: [
          { role: "user", content: "AKIAQ4F5" },
          { role: "tool", content: "BNZSWAIK" },
        ],
      },
    ],
    ["prompts of a batch", { prompt: ["key AKIAQ4F5", "BNZSWAIK ok"] }],
  ])("and not where there are %s", (_, body) => {
    expect(seamTexts(body)).toEqual([]);
  });

  test("is read as far as a window on both sides", () => {
    const [text] = seamTexts(users("1".repeat(SEAM_CHARS + 5), "2".repeat(SEAM_CHARS + 5)));
    expect(text).toBe("1".repeat(SEAM_CHARS) + "2".repeat(SEAM_CHARS));
  });

  test("so often as the bound says", () => {
    const half = (index: number): string => `abcdef${index}`;
    const many = (count: number): number =>
      seamTexts(users(...Array.from({ length: count }, (_, at) => half(at + 1000)))).length;
    expect([many(SEAMS_MAX + 1), many(SEAMS_MAX + 2)]).toEqual([SEAMS_MAX, SEAMS_MAX]);
  });
});

test.each(["Hello, how are you?", "Thanks", "It's fine - isn't it?", "**Note:** read this."])(
  "%j has no odd edge",
  (text) => {
    expect(hasOddEdge(text)).toBe(false);
  },
);
