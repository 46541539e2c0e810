import { describe, expect, test } from "vitest";
import { closeJson } from "../../../src/dispatch/core/json-close.ts";

const WHOLE = JSON.stringify({
  id: "c\\1\n\u0001",
  n: -12.5e3,
  yes: true,
  no: false,
  nothing: null,
  empty: {},
  none: [],
  choices: [{ delta: { content: 'a "quoted" \\ ünïcode 🦀' }, logprobs: [1, 2.5, [3]], finish_reason: null }],
});
const ERROR = '"error":{"code":"cut"}';

const cuts = Array.from({ length: WHOLE.length - 1 }, (_, at) => WHOLE.slice(0, at + 1));

describe("JSON that was cut off", () => {
  test("parses after its rest, wherever it was cut", () => {
    for (const text of cuts) expect(() => JSON.parse(text + closeJson(text, null)), text).not.toThrow();
  });

  test("has the last member that it was given, wherever it was cut", () => {
    for (const text of cuts) {
      expect((JSON.parse(text + closeJson(text, ERROR)) as { error?: unknown }).error, text).toEqual({ code: "cut" });
    }
  });

  test.each([
    ['{"a":"b', '"}'],
    ['{"a":"b\\', '\\"}'],
    ['{"a":"b\\\\', '"}'],
    ['{"a":"\\u00', '00"}'],
    ['{"a', '":null}'],
    ['{"a"', ":null}"],
    ['{"a":', "null}"],
    ['{"a":1,', '"":null}'],
    ['{"a":[1,', "null]}"],
    ['{"a":[', "]}"],
    ['{"a":-', "0}"],
    ['{"a":1e', "0}"],
    ['{"a":tr', "ue}"],
    ["{", "}"],
  ])("%s gets %s", (text, rest) => {
    expect(closeJson(text, null)).toBe(rest);
  });

  test("is as it was when it is complete", () => {
    expect(closeJson(WHOLE, ERROR)).toBe("");
    expect(closeJson(`${WHOLE} `, ERROR)).toBe("");
  });

  test.each(["", "[", "[1", '"text', "tru", "{]", '{"a":1}}', '{"a":x', "{1", '{"a" 1', `${WHOLE}x`])(
    "%j begins no object",
    (text) => {
      expect(closeJson(text, ERROR)).toBeNull();
    },
  );
});
