import { expect, test } from "vitest";
import { attemptSpanId } from "../../../src/sight/core/span-id.ts";

test.each(["0101010101010101", "ffffffffffffff01", "00f067aa0ba902b7"])(
  "the attempts of %s have ids of their own, which are ids",
  (spanId) => {
    const ids = Array.from({ length: 254 }, (_, nth) => attemptSpanId(spanId, nth));
    expect(new Set([spanId, ...ids]).size).toBe(255);
    for (const id of ids) expect(id).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
  },
);
