import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTextFilter } from "../../../../src/rails/core/stream/stream-filter.ts";
import { createTally, recordOf } from "../../../../src/rails/core/stream/stream-record.ts";
import { HOLD_CHARS_MAX } from "../../../../src/rails/core/stream/stream-scanner.ts";
import type { StreamScanner } from "../../../../src/rails/core/stream/stream-scanner.ts";
import { cutBy, GITHUB_KEY, PROSE, SETS, TEXTS } from "./stream-support.ts";

function show(scanners: readonly StreamScanner[], pieces: readonly string[]) {
  const tally = createTally();
  const filter = createTextFilter(scanners, tally);
  let text = "";
  for (const piece of pieces) text += filter.push(piece);
  text += filter.flush();
  const { findings, verdict } = recordOf(tally);
  return { text, blocked: filter.blocked(), findings, verdict };
}

const units = (text: string): string[] => text.split("");

describe.each(Object.entries(SETS))("with the rails %s", (_name, scanners) => {
  test.each(TEXTS.map((text) => [text.slice(0, 60), text] as const))(
    "what is shown of %j does not depend on how it was cut",
    (_start, text) => {
      const expected = show(scanners, units(text));
      expect(show(scanners, [text])).toEqual(expected);
      for (const length of [2, 3, 5, 7, 16, 50, 255, 256, 257])
        expect(show(scanners, cutBy(text, [length]))).toEqual(expected);
      const step = Math.max(1, Math.floor(text.length / 60));
      for (let at = 1; at < text.length; at += step) {
        expect(show(scanners, [text.slice(0, at), text.slice(at)])).toEqual(expected);
      }
    },
  );

  test("random texts of telling pieces, cut at random, are shown the same", () => {
    const piece = fc.constantFrom(
      ..."a b 1 2 7 . @ - _ ( ) [ ] ! < > / : = \" ' \\ \n".split(" ").concat([" ", "  "]),
      ..."sk- ghp_ AKIA eyJ Bearer password: api_key= http:// www. ![ ]( 555 0132 4111 DE89 zorg acme rocket ry".split(
        " ",
      ),
      "user@example.com",
      "+44 20 7946 0958",
      "4111 1111 1111 1111",
      GITHUB_KEY,
      "😀",
      "-----BEGIN ",
      "x".repeat(70),
    );
    const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));
    const property = fc.property(
      text,
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }),
      (whole, lengths) => {
        const expected = show(scanners, units(whole));
        expect(show(scanners, cutBy(whole, lengths))).toEqual(expected);
        expect(show(scanners, [whole])).toEqual(expected);
      },
    );
    fc.assert(property, { numRuns: 150, seed: 7 });
  });

  test("ordinary prose is shown as it is; most pieces leave nothing held, and none more than a window", () => {
    for (const pieces of [PROSE.split(/(?= )/), PROSE.split(/(?<= )/), cutBy(PROSE, [40])]) {
      const tally = createTally();
      const filter = createTextFilter(scanners, tally);
      const text = pieces.map((piece) => filter.push(piece)).join("") + filter.flush();
      expect(text).toBe(PROSE);
      const { held, findings } = recordOf(tally);
      expect(findings).toEqual([]);
      expect(held.piecesHeld).toBeLessThan(held.pieces / 2);
      expect(held.charsMax).toBeLessThanOrEqual(HOLD_CHARS_MAX);
    }
  });
});
