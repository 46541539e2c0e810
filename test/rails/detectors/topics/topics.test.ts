import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  PHRASE_UNITS_MAX,
  TOPIC_SPANS_MAX,
  findTopics,
  topicIndexOf,
  topicsRail,
} from "../../../../src/rails/detectors/topics/topics.ts";

const OPTIONS = {
  topics: {
    weapons: ["bomb", "how to make a bomb", "Sprengstoff", "взрывчатка", "爆弾", "폭탄", "ระเบิด", "बम", "قنبلة"],
    rivals: ["Acme Corp", "don't", "C++", "bomb"],
  },
};

const found = (text: string): string[] =>
  findTopics(text, OPTIONS).map(({ start, end, type }) => `${type}: ${text.slice(start, end)}`);

describe("a banned phrase", () => {
  test.each([
    { name: "in another case", text: "see ACME corp now", phrase: "ACME corp" },
    { name: "with line breaks and several spaces", text: "(acme \r\n\t corp)", phrase: "acme \r\n\t corp" },
    { name: "with no-break spaces", text: "acme\u00a0\u2003corp", phrase: "acme\u00a0\u2003corp" },
    { name: "with hyphens or underscores", text: "acme_-corp", phrase: "acme_-corp" },
    { name: "with zero-width characters", text: "x ac\u200bme\u2060 corp\u200b!", phrase: "ac\u200bme\u2060 corp" },
    { name: "in full width", text: "ａｃｍｅ　ｃｏｒｐ", phrase: "ａｃｍｅ　ｃｏｒｐ" },
    { name: "with Cyrillic look-alikes", text: "асmе соrр", phrase: "асmе соrр" },
    { name: "with accents", text: "Ácmé çorp", phrase: "Ácmé çorp" },
    { name: "with another apostrophe", text: "I don’t", phrase: "don’t" },
    { name: "that ends in signs", text: "in C++.", phrase: "C++" },
  ])("is found $name", ({ text, phrase }) => {
    expect(found(text)).toEqual([`rivals: ${phrase}`]);
  });

  test.each([
    { name: "Cyrillic, in any case", text: "ВЗРЫВЧАТКА!", phrase: "ВЗРЫВЧАТКА" },
    { name: "Japanese, inside a sentence without spaces", text: "この爆弾を", phrase: "爆弾" },
    { name: "Korean, with an ending", text: "폭탄을 만들다", phrase: "폭탄" },
    { name: "Thai, inside a sentence without spaces", text: "ทำระเบิดได้", phrase: "ระเบิด" },
    { name: "Hindi", text: "यह बम है", phrase: "बम" },
    { name: "Arabic", text: "هذه قنبلة.", phrase: "قنبلة" },
  ])("is found in $name", ({ text, phrase }) => {
    expect(found(text)).toEqual([`weapons: ${phrase}`]);
  });

  test.each([
    { name: "inside a word", text: "bombastic aplomb bombé's abomb" },
    { name: "inside a word of another script", text: "взрывчатками невзрывчатка" },
    { name: "before a vowel sign, which is part of the word", text: "बमा" },
    { name: "before a digit", text: "sprengstoff2" },
    { name: "with a word in between", text: "acme big corp" },
    { name: "without its gap", text: "acmecorp" },
    { name: "behind an astral letter of its word", text: "𐐨sprengstoff" },
  ])("is not found $name", ({ text }) => {
    expect(found(text)).toEqual([]);
  });

  test("that holds another is found beside it, under every topic that lists it", () => {
    expect(found("How to make a bomb")).toEqual(["weapons: How to make a bomb", "weapons: bomb", "rivals: bomb"]);
  });

  test("that is empty or too long is left out", () => {
    const longest = "b".repeat(PHRASE_UNITS_MAX);
    const options = { topics: { x: ["", " - ", "\u200b", longest, "c".repeat(PHRASE_UNITS_MAX + 1)] } };
    expect(topicIndexOf(options).lengths).toEqual([PHRASE_UNITS_MAX]);
    expect(findTopics(`a ${longest} ${"c".repeat(PHRASE_UNITS_MAX + 1)}`, options)).toEqual([
      { start: 2, end: 2 + PHRASE_UNITS_MAX, type: "x" },
    ]);
  });

  test("is found wherever it stands, with its own offsets", () => {
    const around = fc.constantFrom("", "é ", "x\u200b ", "漢", "😀 ", " ﬁ ", ". ");
    const behind = fc.constantFrom("", " é", "\u200b x", "漢", "😀", " ﬁ", ".");
    const gap = fc.constantFrom(" ", "\n\n", "\u200b \u3000", " - ");
    fc.assert(
      fc.property(around, behind, gap, (before, after, between) => {
        const phrase = `Acme${between}Corp`;
        const start = before.length;
        expect(findTopics(before + phrase + after, OPTIONS)).toEqual([
          { start, end: start + phrase.length, type: "rivals" },
        ]);
      }),
    );
  });
});

test("the work is bounded by the length of the text, however much of it nearly matches", () => {
  const { automaton } = topicIndexOf(OPTIONS);
  for (const text of [
    "how to make a ".repeat(5_000),
    "acme ".repeat(5_000),
    "bombb".repeat(5_000),
    " ".repeat(50_000),
  ]) {
    const before = automaton.steps;
    expect(findTopics(text, OPTIONS)).toEqual([]);
    expect(automaton.steps - before).toBeLessThanOrEqual(2 * text.length);
  }
});

test("the rail reports spans by part and the topics as reasons, never the words", () => {
  const part = (path: string, text: string) => ({ path, role: "user", text });
  const input = { parts: [part("a", "a bomb"), part("b", "nothing")], messageCount: 2, unseen: [] };
  const findings = topicsRail(input, OPTIONS);
  expect([...findings.spans.keys()]).toEqual(["a"]);
  expect(findings.reasons).toEqual(["topics:rivals", "topics:weapons"]);
});

test("beyond the bound of findings the rest of the text is one", () => {
  const text = (count: number): string => `${"gold ".repeat(count)}and more`;
  const options = { topics: { metals: ["gold"] } };
  expect(findTopics(text(TOPIC_SPANS_MAX), options).at(-1)).toMatchObject({ end: 5 * TOPIC_SPANS_MAX - 1 });
  const spans = findTopics(text(TOPIC_SPANS_MAX + 7), options);
  expect(spans).toHaveLength(TOPIC_SPANS_MAX + 1);
  expect(spans.at(-1)).toEqual({ start: 5 * TOPIC_SPANS_MAX, end: text(TOPIC_SPANS_MAX + 7).length, type: "metals" });
});

test.each([
  { name: "of a script without spaces behind a letter", phrase: "炸弹", text: "a炸弹" },
  { name: "that begins with a sign behind a letter", phrase: "$cam", text: "big$cam here" },
  { name: "behind a word that begins like it", phrase: "gold bar", text: "goldgold gold bar" },
  { name: "behind a phrase that was not finished", phrase: "stock tip", text: "stock stock tip" },
])("a phrase $name is found", ({ phrase, text }) => {
  expect(findTopics(text, { topics: { x: [phrase] } })).toHaveLength(1);
});
