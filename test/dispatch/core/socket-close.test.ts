import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLOSE_REASON_BYTES_MAX, closeOn, closesFor } from "../../../src/dispatch/core/socket-close.ts";
import type { SocketEnd } from "../../../src/dispatch/core/socket-close.ts";

const bytesIn = (text: string): number => new TextEncoder().encode(text).byteLength;

/** RFC 6455 7.4, and IANA's registry. */
const mayBeSent = (code: number): boolean =>
  (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);

describe("what the other side is told", () => {
  test.each([1000, 1001, 1003, 1007, 1008, 1011, 1014, 3000, 4000, 4999])("%i is said on as it is", (code) => {
    expect(closeOn("endpoint", code, "why")).toEqual({ code, reason: "why" });
    expect(closeOn("client", code, "why")).toEqual({ code, reason: "why" });
  });

  test.each([0, 999, 1004, 1015, 1016, 2999, 5000])("%i, which no frame may carry, is 1011 and named", (code) => {
    expect(closeOn("client", code, "why")).toEqual({ code: 1011, reason: expect.stringContaining(`with ${code},`) });
  });

  test("a close without a code is one without a code", () => {
    expect(closeOn("client", 1005, "")).toEqual({ code: null, reason: "" });
  });

  test("a connection that broke is told by whose it was", () => {
    expect([closeOn("client", 1006, "").code, closeOn("endpoint", 1006, "").code]).toEqual([1001, 1014]);
  });

  test("a reason of 123 bytes stays, and one more is cut at a whole character", () => {
    const fits = `${"é".repeat(61)}x`;
    expect(bytesIn(fits)).toBe(CLOSE_REASON_BYTES_MAX);
    expect(closeOn("client", 4000, fits).reason).toBe(fits);
    expect(closeOn("client", 4000, `x${fits}`).reason).toBe(`x${"é".repeat(61)}`);
    expect(closeOn("client", 4000, "é".repeat(62)).reason).toBe("é".repeat(61));
  });

  test("whatever a side has shown, what is told is a frame that may be sent", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 65_535 }),
        fc.string({ unit: "binary", maxLength: 300 }),
        (shown, reason) => {
          const { code, reason: told } = closeOn("endpoint", shown, reason);
          expect(code === null ? told === "" : mayBeSent(code)).toBe(true);
          expect(bytesIn(told)).toBeLessThanOrEqual(CLOSE_REASON_BYTES_MAX);
        },
      ),
    );
  });
});

const ENDS: readonly SocketEnd[] = [
  "idle",
  "life_over",
  "shutting_down",
  "not_read",
  "client_message_too_large",
  "endpoint_message_too_large",
];

test.each(ENDS)("the router's own end %s is a frame that may be sent, to both sides", (end) => {
  for (const { code, reason } of Object.values(closesFor(end))) {
    expect(code !== null && code < 3000 && mayBeSent(code)).toBe(true);
    expect(bytesIn(reason)).toBeLessThanOrEqual(CLOSE_REASON_BYTES_MAX);
  }
});
