/**
 * Asks a rail about a text of an answer, and decides what a rail that breaks means for it.
 *
 * Model. A rail that throws is left out for the rest of its answer, as if it found nothing, and its name goes into the
 * answer's record. If it is a rail that must see the answer, the answer ends instead. Failures are kept with the answer
 * (in its tally), so that answers which pass through one isolate side by side do not see each other's.
 * Rejected: wrapping the scanners themselves: they are made once for all answers of a pool.
 */
import type { FoundSpan, UnseenReason } from "../rail.ts";
import type { TextForms } from "../text/normalise.ts";
import type { StreamTally } from "./stream-record.ts";
import type { StreamScanner } from "./stream-scanner.ts";

/** A rail that must see the answer has failed. */
export class RailFailed extends Error {}

type Judge = Pick<StreamScanner, "rail" | "mustSee">;
/** A rail that looks at whole texts. */
type TextJudge = Judge & { find(text: string, forms?: TextForms): readonly string[] };

const NOTHING: readonly FoundSpan[] = [];
const NO_TYPES: readonly string[] = [];

export function foundBy(
  scanner: StreamScanner,
  text: string,
  tally: StreamTally,
  forms?: TextForms,
): readonly FoundSpan[] {
  // Once it has failed it is not asked again.
  if (tally.failed.has(scanner.rail)) return NOTHING;
  try {
    return scanner.find(text, forms);
  } catch (error) {
    noteFailure(scanner, tally, error);
    return NOTHING;
  }
}

export function heldBy(scanner: StreamScanner, text: string, from: number, tally: StreamTally): number {
  if (tally.failed.has(scanner.rail)) return text.length;
  try {
    return scanner.holdFrom(text, from);
  } catch (error) {
    noteFailure(scanner, tally, error);
    return text.length;
  }
}

export function cutBy(scanner: StreamScanner, text: string, from: number, tally: StreamTally): FoundSpan | null {
  if (scanner.cut === undefined || tally.failed.has(scanner.rail)) return null;
  try {
    return scanner.cut(text, from);
  } catch (error) {
    noteFailure(scanner, tally, error);
    return null;
  }
}

export function typesBy(whole: TextJudge, text: string, tally: StreamTally, forms?: TextForms): readonly string[] {
  if (tally.failed.has(whole.rail)) return NO_TYPES;
  try {
    return whole.find(text, forms);
  } catch (error) {
    noteFailure(whole, tally, error);
    return NO_TYPES;
  }
}

/** Which rail must read what cannot be read for this reason; null: none. */
export type MustRead = (reason: UnseenReason) => string | null;

/** Something is there that cannot be read: the answer goes on with it, or ends where a rail must see all of it. */
export function noteUnread(reason: UnseenReason, mustRead: MustRead, { unread }: StreamTally): void {
  unread.add(reason);
  const rail = mustRead(reason);
  if (rail !== null) throw new RailFailed(`${rail}: ${reason}`);
}

function noteFailure({ rail, mustSee }: Judge, { failed }: StreamTally, error: unknown): void {
  failed.set(rail, error);
  if (mustSee === true) throw new RailFailed(rail, { cause: error });
}
