/**
 * Decides which spans of a set a rail has found.
 *
 * Model. Each expected span answers to one found span at most, and the other way round. *Exact*: the same range (and
 * type). This is what the figures are, because a redaction that leaves a digit standing has failed and one that takes a
 * word more has done harm. *Overlap*: what is left over counts too if the ranges share a character; reported beside,
 * because sets differ in what belongs to a number (a sign, brackets, an extension).
 * Source: the exact and the partial match of SemEval-2013 task 9. Rejected: counting characters, where one long finding
 * outweighs ten short ones.
 */
import type { FoundSpan } from "../../src/rails/core/rail.ts";
import type { ExpectedSpan } from "./eval-sets.ts";

type SpanPair = { readonly expected: ExpectedSpan; readonly found: FoundSpan };

export type SpanMatch = {
  readonly exact: readonly SpanPair[];
  /** Those pairs of the rest that share a character. */
  readonly overlapping: readonly SpanPair[];
  /** What is not in `exact`. */
  readonly missed: readonly ExpectedSpan[];
  readonly wrong: readonly FoundSpan[];
};

/** `fits` compares the types. */
export function matchSpans(
  expected: readonly ExpectedSpan[],
  found: readonly FoundSpan[],
  fits: (expectedType: string, foundType: string) => boolean,
): SpanMatch {
  const wrong = new Set(withoutRepeats(found));
  const missed = new Set(expected);
  const take = (touches: (one: ExpectedSpan, other: FoundSpan) => boolean): SpanPair[] => {
    const pairs: SpanPair[] = [];
    for (const one of missed) {
      for (const other of wrong) {
        if (!touches(one, other) || !fits(one.type, other.type)) continue;
        pairs.push({ expected: one, found: other });
        missed.delete(one);
        wrong.delete(other);
        break;
      }
    }
    return pairs;
  };
  const exact = take((one, other) => one.start === other.start && one.end === other.end);
  const [stillMissed, stillWrong] = [[...missed], [...wrong]];
  const overlapping = take((one, other) => one.start < other.end && other.start < one.end);
  return { exact, overlapping, missed: stillMissed, wrong: stillWrong };
}

function withoutRepeats(found: readonly FoundSpan[]): FoundSpan[] {
  return [...new Map(found.map((span) => [`${span.start} ${span.end} ${span.type}`, span])).values()];
}
