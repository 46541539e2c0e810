/**
 * Reads the JSON that clients and GPU workers write, without losing what a plain parse loses.
 *
 * Two losses. A double has not the digits of a seed or an id of 64 bits: such a number is read as an object that
 * `JSON.stringify` writes as its source. And Python's `json.dumps` writes NaN, Infinity and -Infinity, which no JSON
 * parser takes: a GPU has worked for that result, so it is read with null in their place, as JavaScript writes such
 * numbers itself, and the caller is told.
 *
 * Model: strict first; only what is refused is read again, in one pass that never goes back: a string is skipped as a
 * whole, also one that does not end. Rejected: the words as strings (a reader that expects numbers would calculate with
 * text), and failing the job.
 */
import { parse, rawJSON } from "../lib/json-source.ts";

/** A double holds every number of fifteen digits, and no exponent of more than three. */
const MAY_LOSE_DIGITS = /\d[\d.]{15}|\d[eE][+-]?\d{3}/;

/** Throws where `JSON.parse` does. */
export function parseExact(text: string): unknown {
  if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text) as unknown;
  return parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
}

export type LooseJson = { readonly value: unknown; readonly isExact: boolean };

const STRINGS_AND_WORDS = /"(?:[^"\\]+|\\[\s\S]?)*(?:"|$)|-?\bInfinity\b|\bNaN\b/g;

/** Null: it is no JSON even so. `isExact` false: words were read as null. */
export function readLooseJson(text: string): LooseJson | null {
  const strict = attempt(text);
  if (strict !== undefined) return { value: strict, isExact: true };
  const finite = text.replace(STRINGS_AND_WORDS, (found) => (found.startsWith('"') ? found : "null"));
  const value = finite === text ? undefined : attempt(finite);
  return value === undefined ? null : { value, isExact: false };
}

/** Undefined, which no JSON is: not JSON. */
function attempt(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}
