/**
 * What the output rails found in one answer, and how much they held back. Counts only, never a piece of the text.
 */
import type { UnseenReason } from "../rail.ts";
import type { SpanAction } from "../spans.ts";
import { joinVerdicts } from "../verdict.ts";
import type { Verdict } from "../verdict.ts";

type StreamFinding = {
  readonly rail: string;
  readonly type: string;
  readonly action: SpanAction;
  readonly count: number;
};

export type StreamRecord = {
  readonly verdict: Verdict;
  readonly findings: readonly StreamFinding[];
  /** Reasons as those of other rails, "pii:email". */
  readonly reasons: readonly string[];
  /** What the rails that broke threw, by their names. */
  readonly failed: ReadonlyMap<string, unknown>;
  /** What was there and nobody could read. */
  readonly unread: readonly UnseenReason[];
  readonly held: HeldRecord;
};

/** Characters that were held back after each piece of text that came. */
type HeldRecord = {
  readonly pieces: number;
  /** Pieces after which something was held. If these are less than half of all, the median is 0. */
  readonly piecesHeld: number;
  readonly charsTotal: number;
  readonly charsMax: number;
};

/** Written in place by `noteFinding`, `noteHeld` and `stream-guard.ts`. */
export type StreamTally = {
  /** Rails that broke in this answer. */
  readonly failed: Map<string, unknown>;
  readonly unread: Set<UnseenReason>;
  readonly counts: Map<string, { rail: string; type: string; action: SpanAction; count: number }>;
  pieces: number;
  piecesHeld: number;
  charsTotal: number;
  charsMax: number;
};

/** `failed`: of the answer, where this tally is for a copy of a text of it. */
export function createTally(failed = new Map<string, unknown>()): StreamTally {
  return { failed, unread: new Set(), counts: new Map(), pieces: 0, piecesHeld: 0, charsTotal: 0, charsMax: 0 };
}

export function noteFinding(tally: StreamTally, rail: string, type: string, action: SpanAction): void {
  const key = `${rail}:${type}:${action}`;
  const known = tally.counts.get(key);
  if (known === undefined) tally.counts.set(key, { rail, type, action, count: 1 });
  else known.count += 1;
}

/** What an action makes of a finding that is left as it is: a number, or what was shown before it could be known. */
export const leftAction = (action: SpanAction): SpanAction => (action === "redact" ? "flag" : action);

export function noteHeld(tally: StreamTally, heldChars: number): void {
  tally.pieces += 1;
  if (heldChars === 0) return;
  tally.piecesHeld += 1;
  tally.charsTotal += heldChars;
  tally.charsMax = Math.max(tally.charsMax, heldChars);
}

export function recordOf({
  failed,
  unread,
  counts,
  pieces,
  piecesHeld,
  charsTotal,
  charsMax,
}: StreamTally): StreamRecord {
  const findings = [...counts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, finding]) => ({ ...finding }));
  return {
    verdict: findings.reduce<Verdict>((verdict, { action }) => joinVerdicts(verdict, action), "allow"),
    findings,
    reasons: [...new Set(findings.map(({ rail, type }) => `${rail}:${type}`))].sort(),
    failed: new Map(failed),
    unread: [...unread].sort(),
    held: { pieces, piecesHeld, charsTotal, charsMax },
  };
}
