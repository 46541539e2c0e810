import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashKeyOf, keyedHash } from "../../src/lib/keyed-hash.ts";
import type { HashKey } from "../../src/lib/keyed-hash.ts";

/** Key of the paper's test vectors: bytes 00 to 0f. */
const PAPER: HashKey = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c];

/** The bytes 00, 01, 02 … as code units in little-endian order. */
const countingBytes = (count: number): string =>
  Array.from({ length: count / 2 }, (_, index) => String.fromCharCode(2 * index + ((2 * index + 1) << 8))).join("");

describe("the keyed hash", () => {
  // vectors_sip64 of the reference implementation, as numbers.
  test.each([
    [0, "726fdb47dd0e0e31"],
    [2, "0d6c8009d9a94f5a"],
    [4, "cf2794e0277187b7"],
    [6, "cbc9466e58fee3ce"],
    [8, "93f5f5799a932462"],
  ])("is SipHash-2-4: %d bytes give %s", (bytes, digits) => {
    expect(keyedHash(PAPER, countingBytes(bytes))).toBe(digits);
  });

  test("is 16 hex digits, the same for the same text and key", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const hash = keyedHash(PAPER, text);
        expect(hash).toMatch(/^[0-9a-f]{16}$/);
        expect(keyedHash(PAPER, text)).toBe(hash);
      }),
    );
  });

  test("differs for texts that differ anywhere, and by a tail of zeros", () => {
    const base = "x".repeat(101);
    const texts = [base, `${base}\0`, `${base}\0\0`, ...Array.from({ length: 101 }, (_, at) => changedAt(base, at))];
    expect(new Set(texts.map((text) => keyedHash(PAPER, text))).size).toBe(texts.length);
  });

  test("needs the key", () => {
    const keys = ["a secret of thirty-two characters", "a secret of thirty-two characterS", ""].map(hashKeyOf);
    expect(new Set(keys.map((key) => keyedHash(key, "text"))).size).toBe(3);
    expect(hashKeyOf("a secret")).toEqual(hashKeyOf("a secret"));
    expect(new Set(hashKeyOf("a secret")).size).toBe(4);
  });
});

const changedAt = (text: string, at: number): string => `${text.slice(0, at)}y${text.slice(at + 1)}`;
