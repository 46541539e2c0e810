import { afterEach, expect, test } from "vitest";
import { EXPLAINED_PER_S_MAX, wantsCandidates, watched } from "../../src/sight/watched.ts";

afterEach(() => {
  watched.isWatched = false;
});

const wantedOf = (count: number, now: number): number =>
  Array.from({ length: count }, () => wantsCandidates(now)).filter(Boolean).length;

test("while nobody watches no candidates are wanted, and none is counted", () => {
  expect(wantedOf(10, 1_000_000)).toBe(0);
  watched.isWatched = true;
  expect(wantedOf(EXPLAINED_PER_S_MAX, 1_000_000)).toBe(EXPLAINED_PER_S_MAX);
});

test("so many a second are wanted, and one more is not", () => {
  watched.isWatched = true;
  expect(wantedOf(EXPLAINED_PER_S_MAX, 2_000_000)).toBe(EXPLAINED_PER_S_MAX);
  expect([wantsCandidates(2_000_000), wantsCandidates(2_000_999)]).toEqual([false, false]);
  expect(wantedOf(EXPLAINED_PER_S_MAX + 1, 2_001_000)).toBe(EXPLAINED_PER_S_MAX);
});

test("a clock that went back does not end it, and a long pause earns no more than a second", () => {
  watched.isWatched = true;
  expect(wantedOf(100, 9_000_000)).toBe(EXPLAINED_PER_S_MAX);
  expect(wantedOf(100, 3_000_000)).toBe(EXPLAINED_PER_S_MAX);
  expect(wantedOf(100, 99_000_000)).toBe(EXPLAINED_PER_S_MAX);
});
