import { expect, test } from "vitest";
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatMs,
  formatShare,
  formatSpan,
  inWords,
  plural,
} from "../../dashboard/store/format.ts";

test("what is not known is a dash, and never 0", () => {
  for (const write of [formatMs, formatSpan, formatAgo, formatCount, formatShare, formatBytes]) {
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) expect(write(value)).toBe("–");
    expect(write(0)).not.toBe("–");
  }
});

test.each([
  [0, "0 ms"],
  [0.44, "0.44 ms"],
  [9.94, "9.9 ms"],
  [9.96, "10 ms"],
  [38.4, "38 ms"],
  [999.4, "999 ms"],
  [999.6, "1.00 s"],
  [1_240, "1.24 s"],
  [12_340, "12.3 s"],
  [150_000, "3 min"],
  [-12, "−12 ms"],
])("%d ms is written %s", (ms, text) => expect(formatMs(ms)).toBe(text));

test.each([
  [0, "now"],
  [12_000, "12 s ago"],
  [89_000, "89 s ago"],
  [240_000, "4 min ago"],
  [3 * 3_600_000, "3 h ago"],
  [2 * 86_400_000, "2 d ago"],
])("%d ms before now is %s", (ms, text) => expect(formatAgo(ms)).toBe(text));

test.each([
  [0, "0"],
  [0.44, "0.44"],
  [1.44, "1.4"],
  [38, "38"],
  [1_240, "1,240"],
  [12_400, "12.4k"],
  [3_100_000, "3.1M"],
])("a count of %d is written %s", (count, text) => expect(formatCount(count)).toBe(text));

test.each([
  [0, "0 %"],
  [0.000_01, "< 0.01 %"],
  [0.000_4, "0.04 %"],
  [0.012, "1.2 %"],
  [0.38, "38 %"],
  [0.999_6, "99.9 %"],
  [1, "100 %"],
])("a share of %d is written %s: none is never written of some, nor all of most", (share, text) =>
  expect(formatShare(share)).toBe(text),
);

test("bytes, words and numbers of things", () => {
  expect([900, 1_500, 120_000, 4_200_000].map(formatBytes)).toEqual(["900 B", "1.5 kB", "120 kB", "4.2 MB"]);
  expect(inWords("upstream_failed")).toBe("upstream failed");
  expect([plural(1, "endpoint"), plural(2, "endpoint")]).toEqual(["1 endpoint", "2 endpoints"]);
});
