import { expect, test } from "vitest";
import { choicesAsked, mayAskFor, outputAsked } from "../../src/wire/output-asked.ts";
import { beyondCaps } from "../../src/wire/output-caps.ts";

const CAPS = { maxTokensMax: 100, nMax: 4 };

test.each([
  ["at the bound", { max_tokens: 100, n: 4 }, null],
  ["no number", { max_tokens: null }, null],
  ["what some servers read as none", { max_tokens: -1 }, null],
  ["one more token", { max_tokens: 101 }, "max_tokens"],
  ["under the newer name", { max_completion_tokens: 1e9 }, "max_completion_tokens"],
  ["of the Responses API", { max_output_tokens: 101 }, "max_output_tokens"],
  ["as a text, which engines take", { max_tokens: "101" }, "max_tokens"],
  ["one more choice", { n: 5 }, "n"],
  ["of which the best are wanted", { n: 1, best_of: 5 }, "best_of"],
  ["no object", [1], null],
  ["no body", null, null],
])("a request is within its caps or not: %s", (_, json, param) => {
  expect(beyondCaps(json, CAPS)?.param ?? null).toBe(param);
});

test.each([
  ['{"messages":[{"content":"max_tokens of n"}]}', false],
  ['{"max_tokens":5}', true],
  ['{"n" : 5}', true],
  ['{"input":{"best_of":5}}', true],
  // A backslash and the letter's number: JSON.parse makes the name of it.
  [String.raw`{"max\u005ftokens":1e9}`, true],
  [String.raw`{"\u006e":500}`, true],
])("a body that says nothing of how much it asks for is not read for that: %s", (text, isRead) => {
  expect(mayAskFor(text)).toBe(isRead);
});

test("what is reserved is the most of all that a request says", () => {
  expect(outputAsked({ max_tokens: 5, max_completion_tokens: 9 })).toBe(9);
  expect(outputAsked({})).toBeNull();
  expect(choicesAsked({ n: 2, best_of: 3 })).toBe(3);
  expect(choicesAsked({ n: 0 })).toBe(1);
});
