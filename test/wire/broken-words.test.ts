import { expect, test } from "vitest";
import { brokenWords } from "../../src/wire/broken-words.ts";

test.each([
  [new Error("Network connection lost."), "refused, or broken off: Error: Network connection lost."],
  [new Error("internal error; reference = abc"), "no connection: does its host name have an address? (internal error)"],
  [new DOMException("The operation timed out", "TimeoutError"), "no answer in time"],
  [new TypeError("fetch failed"), "TypeError: fetch failed"],
])("what the platform calls %s", (error, words) => {
  expect(brokenWords(error)).toBe(words);
});
