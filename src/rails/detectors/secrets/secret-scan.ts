/**
 * The state of one pass of the secrets scanner, and the two rules that keep it linear: a run of characters is measured
 * once however many anchors lie in it, and one format examines the body of one run at most TRIES_PER_RUN_MAX times.
 */
import { isKeyChar } from "./secret-chars.ts";

/**
 * Anchors of one format that are examined within one run. Real text has one; a few more leave room for a key that
 * follows its own prefix.
 */
const TRIES_PER_RUN_MAX = 4;

/** Different names of one text that are remembered; a text of the largest ordinary size has a few hundred. */
export const NAMES_MAX = 256;

export type Scan = {
  readonly text: string;
  /** Characters looked at, for the tests: time on a Worker cannot be read, steps can be counted. */
  readonly meter: { steps: number };
  /** The last run measured of each set of characters. */
  readonly runs: Map<number, { readonly start: number; readonly end: number }>;
  /** Tries of a format (or a shape) in the run that ends at `runEnd`. */
  readonly tries: Map<object, { readonly runEnd: number; readonly count: number }>;
  /** Names that were given values, as written: a text that gives thousands of values uses few names. */
  readonly names: Map<string, NameWindow>;
  /** The last run of what an unquoted password is made of, from where it was first looked at. */
  readonly passwordRun: { start: number; end: number };
  /** Where no anchor of those that begin there led to a key, the last few: several triggers ask for one place. */
  readonly missed: Int32Array;
  /** Where the word `curl` was last seen; its options hold credentials. */
  curlAt: number | null;
  /** Is a Kubernetes secret in the text; null until somebody asks. */
  hasManifest: boolean | null;
};

/** Anchors that begin in one place have up to four triggers, and others begin between these. A power of two. */
const MISSED_PLACES = 8;

export function wasMissed({ missed }: Scan, at: number): boolean {
  return missed[at & (MISSED_PLACES - 1)] === at;
}

export function noteMissed({ missed }: Scan, at: number): void {
  missed[at & (MISSED_PLACES - 1)] = at;
}

export function createScan(text: string, meter: { steps: number }, hasManifest: boolean | null = null): Scan {
  const passwordRun = { start: -1, end: -1 };
  return {
    text,
    meter,
    runs: new Map(),
    tries: new Map(),
    names: new Map(),
    passwordRun,
    missed: new Int32Array(MISSED_PLACES).fill(-1),
    curlAt: null,
    hasManifest,
  };
}

/** Where the run of characters of the set that includes `from` ends; `from` itself if there is none. */
export function runEnd(scan: Scan, of: number, from: number): number {
  const known = scan.runs.get(of);
  if (known !== undefined && from >= known.start && from <= known.end) return known.end;
  let end = from;
  while (isKeyChar(scan.text.charCodeAt(end), of)) end += 1;
  scan.meter.steps += end - from + 1;
  scan.runs.set(of, { start: from, end });
  return end;
}

/** False once the format has used up its tries in this run. */
export function takeTry(scan: Scan, format: object, end: number): boolean {
  const before = scan.tries.get(format);
  const count = before?.runEnd === end ? before.count + 1 : 1;
  if (count > TRIES_PER_RUN_MAX) return false;
  scan.tries.set(format, { runEnd: end, count });
  return true;
}

export function startsWith(scan: Scan, literal: string, at: number): boolean {
  let same = 0;
  while (same < literal.length && scan.text.charCodeAt(at + same) === literal.charCodeAt(same)) same += 1;
  scan.meter.steps += same + 1;
  return same === literal.length;
}

export type NameWindow = {
  /** The characters of the name and of the words before it, in lower case. */
  readonly words: string;
  /** The same, as written. */
  readonly written: string;
  /** The last words without separators. */
  readonly plain: string;
  /** Just "value": the name is elsewhere. */
  readonly isValue: boolean;
};
