import { describe, expect, test } from "vitest";
import { retryAfterMs } from "../../backends/classify.ts";

const NOW = Date.parse("Mon, 30 Nov 2026 08:00:00 GMT");

describe("when a server wants to be asked again", () => {
  test.each<readonly [headers: Record<string, string>, expectedMs: number | null]>([
    [{ "retry-after": "2" }, 2_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": "Mon, 30 Nov 2026 08:00:07 GMT" }, 7_000],
    [{ "retry-after-ms": "250", "retry-after": "1" }, 250],
    [{ "retry-after-ms": "soon", "retry-after": "3" }, 3_000],
    [{}, null],
    [{ "retry-after": "0" }, null],
    [{ "retry-after": "-5" }, null],
    [{ "retry-after": "later" }, null],
    [{ "retry-after": "" }, null],
    [{ "retry-after": "Infinity" }, null],
    [{ "retry-after": "Mon, 30 Nov 2026 07:59:00 GMT" }, null],
    [{ "retry-after": "Mon, 99 Nov" }, null],
  ])("%o says %s ms", (headers, expectedMs) => {
    expect(retryAfterMs(new Headers(headers), NOW)).toBe(expectedMs);
  });
});
