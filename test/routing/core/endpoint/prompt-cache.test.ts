import { expect, test } from "vitest";
import {
  createPromptCache,
  KEEPS_MIN,
  KEEPS_PRIOR,
  noteCacheSize,
  observeReuse,
} from "../../../../src/routing/core/endpoint/prompt-cache.ts";

test("a cache's size is a guess, then what the engine says, then what was seen", () => {
  const cache = createPromptCache();
  expect(cache.keeps).toBe(KEEPS_PRIOR);
  noteCacheSize(cache, 50_000);
  expect(cache.keeps).toBe(50_000);
  observeReuse(cache, 10_000, false);
  expect(cache.keeps).toBe(38_000);
  noteCacheSize(cache, 50_000);
  expect(cache.keeps, "what was seen stands").toBe(38_000);
});

test.each([
  { name: "a hit nearer than it", distance: 10_000, wasCached: true, is: 50_000 },
  { name: "a hit farther back", distance: 80_000, wasCached: true, is: 59_000 },
  { name: "a miss farther back", distance: 80_000, wasCached: false, is: 50_000 },
  { name: "a miss nearer", distance: 10_000, wasCached: false, is: 38_000 },
  { name: "a distance that is no number", distance: Number.NaN, wasCached: false, is: 50_000 },
])("$name leaves the size at $is", ({ distance, wasCached, is }) => {
  const cache = createPromptCache();
  noteCacheSize(cache, 50_000);
  observeReuse(cache, distance, wasCached);
  expect(cache.keeps).toBeCloseTo(is, 6);
});

test("a cache is never thought smaller than KEEPS_MIN", () => {
  const cache = createPromptCache();
  for (let index = 0; index < 100; index++) observeReuse(cache, 0, false);
  expect(cache.keeps).toBe(KEEPS_MIN);
});

test("the size is found from hits and misses alone", () => {
  const cache = createPromptCache();
  for (let index = 0; index < 400; index++) {
    const distance = ((index * 7_919) % 40) * 1_000;
    observeReuse(cache, distance, distance < 20_000);
  }
  expect(Math.abs(cache.keeps / 20_000 - 1)).toBeLessThan(0.1);
});
