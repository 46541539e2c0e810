/**
 * Measures one rail on one set.
 *
 * Model. A set with spans measures a rail that finds spans by what it found where; any other set measures
 * whether the rail found anything in a text. False positives are counted twice then: wrong spans lower
 * precision, and texts without anything to find in which the rail found something make the false-positive rate,
 * which has the same meaning for every set.
 * Rejected: a false-positive rate over spans, which has no denominator.
 */
import type { FoundSpan } from "../../src/rails/core/rail.ts";
import type { EvalRail, TextFindings } from "./eval-known-rails.ts";
import { intervalsOf, ratesOf, share, wilson } from "./eval-rates.ts";
import type { Interval, RateIntervals, Rates, Tally } from "./eval-rates.ts";
import type { EvalRow, EvalSet, ExpectedSpan } from "./eval-sets.ts";
import { matchSpans } from "./eval-spans.ts";
import type { SpanMatch } from "./eval-spans.ts";

/**
 * `n`: spans of this type in the set. `precision` is null where found types cannot be told apart by the set's names.
 */
export type TypeRates = Rates & { readonly n: number };

export type EvalResult = Rates & {
  readonly rail: string;
  readonly set: string;
  /** Rows. */
  readonly n: number;
  /** What there is to find: texts, or spans. */
  readonly positives: number;
  /** Share of the texts without anything to find in which something was found. */
  readonly fpr: number | null;
  readonly byType?: Readonly<Record<string, TypeRates>>;
  readonly measure: "texts" | "spans";
  /** Texts without anything to find. */
  readonly negatives: number;
  /** Those of them in which something was found. */
  readonly falseAlarms: number;
  readonly counts: Tally;
  readonly intervals: RateIntervals & { readonly fpr: Interval | null };
  /** Of a set with spans: the same if a found span need only share a character with the expected one. */
  readonly overlap?: Rates & {
    readonly intervals: RateIntervals;
    readonly byType: Readonly<Record<string, TypeRates>>;
  };
  /** Wrong spans in texts without anything to find, per 100 KB of them. */
  readonly wrongPer100Kb: number | null;
  /** Lines that were left out. */
  readonly badLines: number;
};

/** A row that the rail got wrong: what it should have found and did not, and what it found and should not have. */
export type Mistake = {
  readonly line: number;
  readonly text: string;
  readonly missed: readonly ExpectedSpan[];
  readonly wrong: readonly FoundSpan[];
  /** Null for a set with spans. */
  readonly verdict: { readonly isPositive: boolean; readonly reasons: readonly string[] } | null;
};

export type Judged = {
  readonly result: EvalResult;
  readonly mistakes: readonly Mistake[];
  /** Lines on which the rail threw; they are in no figure. */
  readonly failedLines: readonly number[];
};

type Inspected = { readonly row: EvalRow; readonly findings: TextFindings };

export function judgeSet(set: EvalSet, rail: EvalRail): Judged {
  const inspected: Inspected[] = [];
  const failedLines: number[] = [];
  for (const row of set.rows) {
    try {
      inspected.push({ row, findings: rail.inspect(row.text, row.role) });
    } catch {
      failedLines.push(row.line);
    }
  }
  const negatives = inspected.filter(({ row }) => !row.isPositive);
  const falseAlarms = negatives.filter(({ findings }) => findings.isFound).length;
  const { tally, more, mistakes } =
    set.hasSpans && rail.spans !== "presence" ? judgeSpans(inspected, rail) : judgeTexts(inspected);
  const result: EvalResult = {
    rail: set.rail,
    set: set.name,
    n: inspected.length,
    positives: tally.right + tally.missed,
    ...ratesOf(tally),
    fpr: share(falseAlarms, negatives.length),
    ...more,
    negatives: negatives.length,
    falseAlarms,
    counts: tally,
    wrongPer100Kb: wrongPer100Kb(negatives),
    intervals: { ...intervalsOf(tally), fpr: wilson(falseAlarms, negatives.length) },
    badLines: set.badLines,
  };
  return { result, mistakes, failedLines };
}

const CHARS_PER_100_KB = 102_400;

function wrongPer100Kb(negatives: readonly Inspected[]): number | null {
  const chars = negatives.reduce((sum, { row }) => sum + row.text.length, 0);
  const wrong = negatives.reduce((sum, { findings }) => sum + findings.spans.length, 0);
  return share(wrong * CHARS_PER_100_KB, chars);
}

type Judgement = {
  readonly tally: Tally;
  readonly more: Pick<EvalResult, "measure" | "byType" | "overlap">;
  readonly mistakes: readonly Mistake[];
};

function judgeTexts(inspected: readonly Inspected[]): Judgement {
  const count = (isPositive: boolean, isFound: boolean): number =>
    inspected.filter(({ row, findings }) => row.isPositive === isPositive && findings.isFound === isFound).length;
  const mistakes = inspected
    .filter(({ row, findings }) => row.isPositive !== findings.isFound)
    .map(({ row: { line, text, isPositive, spans }, findings }) => ({
      line,
      text,
      missed: isPositive ? (spans ?? []) : [],
      wrong: isPositive ? [] : findings.spans,
      verdict: { isPositive, reasons: findings.reasons },
    }));
  const tally = { right: count(true, true), wrong: count(false, true), missed: count(true, false) };
  return { tally, more: { measure: "texts" }, mistakes };
}

function judgeSpans(inspected: readonly Inspected[], rail: EvalRail): Judgement {
  const isTyped = rail.spans === "typed" || usesOwnNames(inspected, rail);
  const fits = (expected: string, found: string): boolean => !isTyped || rail.ownType(expected) === found;
  const matches = inspected.map(({ row, findings }) => matchSpans(row.spans ?? [], findings.spans, fits));
  const tally = tallyOf(matches, false);
  const overlap = tallyOf(matches, true);
  const mistakes = inspected.flatMap(({ row: { line, text } }, index): Mistake[] => {
    const { missed = [], wrong = [] } = matches[index] ?? {};
    return missed.length + wrong.length === 0 ? [] : [{ line, text, missed, wrong, verdict: null }];
  });
  const byType = (mayOverlap: boolean): Readonly<Record<string, TypeRates>> =>
    typesOf(matches, { rail, isTyped, mayOverlap });
  return {
    tally,
    more: {
      measure: "spans",
      byType: byType(false),
      overlap: { ...ratesOf(overlap), intervals: intervalsOf(overlap), byType: byType(true) },
    },
    mistakes,
  };
}

/** Each type of the set is a name under which the rail found something there. */
function usesOwnNames(inspected: readonly Inspected[], { ownType }: EvalRail): boolean {
  const found = new Set(inspected.flatMap(({ findings }) => findings.spans.map(({ type }) => type)));
  return inspected.every(({ row }) => (row.spans ?? []).every(({ type }) => found.has(ownType(type))));
}

function tallyOf(matches: readonly SpanMatch[], mayOverlap: boolean): Tally {
  const tally = { right: 0, wrong: 0, missed: 0 };
  for (const { exact, overlapping, missed, wrong } of matches) {
    const more = mayOverlap ? overlapping.length : 0;
    tally.right += exact.length + more;
    tally.wrong += wrong.length - more;
    tally.missed += missed.length - more;
  }
  return tally;
}

type TypeOptions = { readonly rail: EvalRail; readonly isTyped: boolean; readonly mayOverlap: boolean };

/** By the set's own names, in alphabetical order; what the rail alone names is under the rail's name. */
function typesOf(matches: readonly SpanMatch[], options: TypeOptions): Readonly<Record<string, TypeRates>> {
  const { rail, isTyped, mayOverlap } = options;
  const tallies = new Map<string, { right: number; wrong: number; missed: number }>();
  const at = (type: string): { right: number; wrong: number; missed: number } => {
    const tally = tallies.get(type) ?? { right: 0, wrong: 0, missed: 0 };
    tallies.set(type, tally);
    return tally;
  };
  for (const match of matches) {
    const rightPairs = mayOverlap ? [...match.exact, ...match.overlapping] : match.exact;
    const right = new Set<ExpectedSpan | FoundSpan>(rightPairs.flatMap(({ expected, found }) => [expected, found]));
    for (const { expected } of rightPairs) at(expected.type).right += 1;
    for (const span of match.missed) if (!right.has(span)) at(span.type).missed += 1;
  }
  const names = new Map([...tallies.keys()].map((type) => [rail.ownType(type), type]));
  if (isTyped) {
    for (const match of matches) {
      const right = new Set(mayOverlap ? match.overlapping.map(({ found }) => found) : []);
      for (const span of match.wrong) if (!right.has(span)) at(names.get(span.type) ?? span.type).wrong += 1;
    }
  }
  const sorted = [...tallies].sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([type, tally]) => {
      const { precision, recall, f1 } = ratesOf(tally);
      const n = tally.right + tally.missed;
      return [type, isTyped ? { n, precision, recall, f1 } : { n, precision: null, recall, f1: null }];
    }),
  );
}
