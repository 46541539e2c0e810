import { expect, test } from "vitest";
import {
  type Attempts,
  countAttempt,
  SIGN_IN_ATTEMPTS_MAX,
  SIGN_IN_BUCKETS_MAX,
  SIGN_IN_WINDOW_MS,
} from "../../../src/sight/core/attempts.ts";

const used = (attempts: Attempts, bucket: string, times: number, now: number): (number | null)[] =>
  Array.from({ length: times }, () => countAttempt(attempts, bucket, now));

test("as many attempts as the bound may be made in a window, and one more waits for its end", () => {
  const attempts: Attempts = new Map();
  expect(used(attempts, "a", SIGN_IN_ATTEMPTS_MAX, 1_000).every((wait) => wait === null)).toBe(true);
  expect(countAttempt(attempts, "a", 1_500)).toBe(SIGN_IN_WINDOW_MS - 500);
  expect(countAttempt(attempts, "b", 1_500)).toBe(null);
  expect(countAttempt(attempts, "a", 1_000 + SIGN_IN_WINDOW_MS - 1)).toBe(1);
  expect(countAttempt(attempts, "a", 1_000 + SIGN_IN_WINDOW_MS)).toBe(null);
});

test("a clock that is set back opens a new window", () => {
  const attempts: Attempts = new Map();
  used(attempts, "a", SIGN_IN_ATTEMPTS_MAX, 1_000_000);
  expect(countAttempt(attempts, "a", 5)).toBe(null);
});

test("no more buckets are remembered than the bound: the oldest is forgotten", () => {
  const attempts: Attempts = new Map();
  used(attempts, "first", SIGN_IN_ATTEMPTS_MAX, 0);
  for (let index = 1; index < SIGN_IN_BUCKETS_MAX; index += 1) countAttempt(attempts, `b${index}`, 0);
  expect(attempts.size).toBe(SIGN_IN_BUCKETS_MAX);
  expect(countAttempt(attempts, "first", 1)).not.toBe(null);
  countAttempt(attempts, "one more", 0);
  expect(attempts.size).toBe(SIGN_IN_BUCKETS_MAX);
  expect(countAttempt(attempts, "first", 1)).toBe(null);
});
