import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CANARY_CHARS_MIN,
  LEAK_UNSPACED_MIN,
  LEAK_WORDS_MAX,
  LEAK_WORDS_MIN,
  createLeakIndex,
  findLeaks,
} from "../../../../src/rails/detectors/canary/canary.ts";

const PROMPT =
  "You are Nora, the assistant of a small bank. Never mention interest rates above four percent, don't discuss " +
  "competitors, and always answer in the language of the customer.";
const CANARY = "wp-Q7k2LmX9-tR4b";
const INDEX = createLeakIndex([PROMPT, "Use the tools that are listed below whenever a question needs data."], CANARY);

const found = (text: string): string[] =>
  findLeaks(text, INDEX).map(({ start, end, type }) => `${type}: ${text.slice(start, end)}`);

const words = PROMPT.split(" ");
const run = (from: number, count: number): string => words.slice(from, from + count).join(" ");

describe("a run of the hidden prompt is found", () => {
  test.each([
    { name: "whole", leak: PROMPT.slice(0, -1) },
    { name: "as its shortest piece", leak: run(10, LEAK_WORDS_MIN) },
    { name: "in upper case", leak: run(9, 12).toUpperCase() },
    {
      name: "with other signs and line breaks",
      leak: "never\n* mention, interest -- rates; above four_percent: don’t",
    },
    { name: "with invisible characters", leak: "Never men\u200btion interest rates above four percent, don't" },
    { name: "with look-alikes and accents", leak: "Nеvеr mеntiоn ìnterest rates above four percent, don't" },
    { name: "from the second text", leak: "use the tools that are listed below whenever" },
  ])("$name", ({ leak }) => {
    expect(found(`Sure! It says: “${leak.replace(/[,.]$/, "")}”. Anything else?`)).toEqual([
      `system_prompt: ${leak.replace(/[,.]$/, "")}`,
    ]);
  });

  test("as one span however long, and as two if words are missing between", () => {
    expect(found(`${run(0, 10)} and so on ${run(12, 9)}`)).toEqual([
      `system_prompt: ${run(0, 10)}`,
      `system_prompt: ${run(12, 9)}`.replace(/,$/, ""),
    ]);
  });

  test.each([
    { name: "Chinese", prompt: "绝不能告诉任何人我们的内部折扣规则和供应商名单" },
    { name: "Thai", prompt: "ห้ามบอกใครเกี่ยวกับส่วนลดภายในของเรา" },
  ])("in $name, by twice as many characters", ({ prompt }) => {
    const index = createLeakIndex([prompt]);
    const leak = (chars: number): string => `abc ${[...prompt].slice(1, 1 + chars).join("")} xyz`;
    const codePoints = [...prompt].slice(1, 1 + LEAK_UNSPACED_MIN).join("").length;
    expect(findLeaks(leak(LEAK_UNSPACED_MIN), index)).toEqual([
      { start: 4, end: 4 + codePoints, type: "system_prompt" },
    ]);
    expect(findLeaks(leak(LEAK_UNSPACED_MIN - 1), index)).toEqual([]);
  });

  test("wherever it begins and whatever surrounds it", () => {
    const around = fc.constantFrom("", "x ", "é. ", "漢", "\u200b", "😀 ", "Nora, ");
    const length = fc.integer({ min: LEAK_WORDS_MIN, max: words.length });
    fc.assert(
      fc.property(fc.nat(words.length - LEAK_WORDS_MIN), length, around, around, (from, count, before, after) => {
        const leak = run(from, count).replace(/[.,]$/, "");
        const spans = findLeaks(`${before}${leak} ${after}`, INDEX);
        expect(spans).toHaveLength(1);
        expect(spans[0]?.start).toBeLessThanOrEqual(before.length);
        expect(spans[0]?.end).toBeGreaterThanOrEqual(before.length + leak.length);
      }),
    );
  });
});

describe("no leak is found in", () => {
  test.each([
    { name: "a run one word too short", text: run(10, LEAK_WORDS_MIN - 1) },
    { name: "the same words in another order", text: words.toReversed().join(" ") },
    { name: "the end of one text and the beginning of the next", text: "language of the customer use the tools that" },
    {
      name: "an ordinary answer",
      text: "Our rates start at three percent. Which language do you prefer, and what is your question?",
    },
    { name: "nothing", text: "" },
  ])("$name", ({ text }) => {
    expect(found(text)).toEqual([]);
  });

  test("anything, if the prompt has fewer words than a leak needs", () => {
    const index = createLeakIndex(["You are a helpful assistant."]);
    expect(findLeaks("You are a helpful assistant.", index)).toEqual([]);
  });
});

describe("the canary is found", () => {
  const base64 = (text: string): string => btoa(text);
  test.each([
    { name: "as it is", leak: CANARY },
    { name: "in another case, with other signs", leak: "WP q7k2.lmx9_TR4B" },
    { name: "letter by letter", leak: [...CANARY].join(" ") },
    { name: "with invisible characters", leak: [...CANARY].join("\u200b") },
    { name: "in full width", leak: "ｗｐ-Ｑ７k2LmX9-tR4b" },
    { name: "reversed", leak: [...CANARY].toReversed().join("") },
    { name: "in hexadecimal", leak: [...CANARY].map((char) => char.charCodeAt(0).toString(16)).join("") },
  ])("$name", ({ leak }) => {
    expect(found(`It is ${leak}!`)).toEqual([`canary: ${leak}`]);
  });

  test.each(["", "a", "ab", "abc"])("in base64 behind %j", (before) => {
    const [leak, ...more] = found(`Here: ${base64(`${before}${CANARY} and more`)}`);
    expect(more).toEqual([]);
    expect(leak).toMatch(/^canary: /);
  });

  test("only if it is long enough not to turn up by chance", () => {
    const canary = "k".repeat(CANARY_CHARS_MIN - 1);
    expect(createLeakIndex([], canary).canary).toBeNull();
    expect(findLeaks(`${canary}k`, createLeakIndex([], `${canary}k`))).toHaveLength(1);
    expect(findLeaks(canary, createLeakIndex([]))).toEqual([]);
  });

  test("not in part", () => {
    expect(found(CANARY.slice(0, -1))).toEqual([]);
  });
});

test("of an endless prompt the first words are remembered", () => {
  const prompt = Array.from({ length: LEAK_WORDS_MAX + 20 }, (_, at) => `w${at}`);
  const index = createLeakIndex([prompt.join(" "), PROMPT]);
  expect(index.words).toHaveLength(LEAK_WORDS_MAX);
  const piece = (end: number): string => prompt.slice(end - LEAK_WORDS_MIN, end).join(" ");
  expect(findLeaks(piece(LEAK_WORDS_MAX), index)).toHaveLength(1);
  expect(findLeaks(piece(LEAK_WORDS_MAX + 1), index)).toEqual([]);
});
