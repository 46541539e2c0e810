import { describe, expect, test } from "vitest";
import { railResult } from "../../../../src/rails/core/rail.ts";
import type { RailInput } from "../../../../src/rails/core/rail.ts";
import { SIZE_CHARS_MAX, SIZE_MESSAGES_MAX, sizeRail } from "../../../../src/rails/detectors/size/size.ts";

const inputOf = (texts: readonly string[], more: Partial<RailInput> = {}): RailInput => ({
  parts: texts.map((text, index) => ({ path: `messages[${index}].content`, role: "user", text })),
  messageCount: texts.length,
  unseen: [],
  ...more,
});

describe("the size rail", () => {
  test.each([
    {
      name: "characters over all parts",
      options: { charsMax: 6 },
      at: ["abc", "def"],
      beyond: ["abc", "defg"],
      reason: "size:chars",
    },
    {
      name: "characters of one part",
      options: { partCharsMax: 3 },
      at: ["abc", "def"],
      beyond: ["a", "defg"],
      reason: "size:part_chars",
    },
    { name: "messages", options: { messagesMax: 2 }, at: ["a", "b"], beyond: ["a", "b", "c"], reason: "size:messages" },
  ])("accepts the bound of $name and refuses one more", ({ options, at, beyond, reason }) => {
    expect(sizeRail(inputOf(at), options).reasons).toEqual([]);
    expect(sizeRail(inputOf(beyond), options).reasons).toEqual([reason]);
  });

  test("has bounds of its own when none are given", () => {
    const text = "x".repeat(SIZE_CHARS_MAX);
    expect(sizeRail(inputOf([text]), {}).reasons).toEqual([]);
    expect(sizeRail(inputOf([`${text}x`]), {}).reasons).toEqual(["size:chars", "size:part_chars"]);
    expect(sizeRail(inputOf([], { messageCount: SIZE_MESSAGES_MAX }), {}).reasons).toEqual([]);
    expect(sizeRail(inputOf([], { messageCount: SIZE_MESSAGES_MAX + 1 }), {}).reasons).toEqual(["size:messages"]);
  });

  test.each([
    { unseen: "too_many_parts", reasons: ["size:too_many_parts"] },
    { unseen: "too_deep", reasons: ["size:too_deep"] },
    { unseen: "media", reasons: [] },
    { unseen: "token_ids", reasons: [] },
  ] as const)("of a body with $unseen says $reasons", ({ unseen, reasons }) => {
    expect(sizeRail(inputOf(["a"], { unseen: [unseen] }), {}).reasons).toEqual(reasons);
  });

  test("counts the bytes of what could not be read as characters", () => {
    expect(sizeRail(inputOf(["abc"], { unreadBytes: 3 }), { charsMax: 6 }).reasons).toEqual([]);
    expect(sizeRail(inputOf(["abc"], { unreadBytes: 4 }), { charsMax: 6 }).reasons).toEqual(["size:chars"]);
  });

  test("becomes a block by its policy, and an allow without findings", () => {
    const policy = { rail: "size", action: "block" } as const;
    const large = railResult(policy, sizeRail(inputOf(["ab"]), { charsMax: 1 }), 0.5);
    expect(large).toEqual({
      rail: "size",
      verdict: "block",
      spans: new Map(),
      reasons: ["size:chars", "size:part_chars"],
      status: "done",
      tookMs: 0.5,
    });
    expect(railResult(policy, sizeRail(inputOf(["a"]), { charsMax: 1 }), 0).verdict).toBe("allow");
  });
});
