import { describe, expect, test } from "vitest";
import {
  FALLBACK_LEFT_MS_MIN,
  fallbackCause,
  fallbackText,
  shareEndsAtMs,
} from "../../../src/dispatch/core/fallback.ts";
import { ERRORS } from "../../../src/wire/errors.ts";

const never = Number.POSITIVE_INFINITY;
const cause = (reason: string, clientGivesUpAtMs = never) => fallbackCause({ reason, now: 1_000, clientGivesUpAtMs });

const FOLLOWED = [
  ["pool_down", "down"],
  ["no_endpoint", "down"],
  ["warming_up", "cold"],
  ["saturated", "full"],
  ["upstream_timeout", "late"],
  ["client_deadline", "late"],
  ["upstream_failed", "failed"],
  ["credential_refused", "failed"],
] as const;

describe("whether another pool is asked", () => {
  test.each(FOLLOWED)("after %s it is, because the pool is %s", (reason, why) => {
    expect(cause(reason)).toBe(why);
  });

  test("after no other code: of the client, a rail, a limit, poison, or the router itself", () => {
    const followed = Object.keys(ERRORS).filter((reason) => cause(reason) !== null);
    expect(followed.toSorted()).toEqual(FOLLOWED.map(([reason]) => reason).toSorted());
    expect(cause("request_keeps_failing")).toBeNull();
    expect(cause("request_ends_endpoints")).toBeNull();
  });

  test("not when the client's time is as good as over, and still a millisecond before", () => {
    expect(cause("pool_down", 1_000 + FALLBACK_LEFT_MS_MIN - 1)).toBeNull();
    expect(cause("pool_down", 1_000 + FALLBACK_LEFT_MS_MIN)).toBe("down");
  });
});

describe("a pool's share of the client's time", () => {
  test.each([
    ["half of what is left where another pool is behind it", 3_000, false, 2_000],
    ["all of it for the last", 3_000, true, 3_000],
    ["without an end where the client says none", never, false, never],
    ["over where nothing is left", 900, false, 1_000],
  ])("is %s", (_, givesUpAtMs, isLast, endsAtMs) => {
    expect(shareEndsAtMs(givesUpAtMs, 1_000, isLast)).toBe(endsAtMs);
  });
});

test("the header says the pools in the order in which they were asked", () => {
  const fell = [
    { from: "a", reason: "down", to: "b" },
    { from: "b", reason: "full", to: "c" },
  ] as const;
  expect(fallbackText(fell)).toBe("from=a; reason=down, from=b; reason=full");
});
