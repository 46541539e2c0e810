import { describe, expect, test } from "vitest";
import { railResult, unreadBy, unreadIn } from "../../../src/rails/core/rail.ts";
import type { UnseenReason } from "../../../src/rails/core/rail.ts";

const NOTHING = { spans: new Map(), reasons: [] };
const FOUND = { spans: new Map(), reasons: ["secrets:aws_access_key_id"] };
const BLOCKS = { rail: "secrets", action: "block" } as const;
const REDACTS = { rail: "secrets", action: "redact" } as const;

describe("a rail that could not read all that it must see", () => {
  test("has not allowed what it read", () => {
    const result = railResult(BLOCKS, NOTHING, 0, ["media", "token_ids"]);
    expect(result).toMatchObject({ verdict: "allow", status: "unread", reasons: ["unread:media", "unread:token_ids"] });
    expect(unreadIn(["pii:email", ...result.reasons])).toEqual(["media", "token_ids"]);
  });

  test("keeps what it found, which is final only as a block", () => {
    expect(railResult(REDACTS, FOUND, 0, ["media"])).toMatchObject({ verdict: "redact", status: "unread" });
    expect(railResult(BLOCKS, FOUND, 0, ["media"])).toMatchObject({ verdict: "block", status: "done" });
  });

  const everything: readonly UnseenReason[] = [
    "too_many_parts",
    "too_deep",
    "token_ids",
    "media",
    "not_json",
    "repeated_members",
  ];
  test.each([
    ["size", []],
    ["schema", ["repeated_members"]],
    ["secrets", everything],
    ["webhook", everything],
    ["constructor", everything],
  ])("is %s only by what it judges", (use, unread) => {
    expect(unreadBy(use, everything)).toEqual(unread);
  });
});
