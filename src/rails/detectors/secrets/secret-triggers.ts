/**
 * Decides which two characters of an anchor to look for, and tells what still could become a credential.
 *
 * Model. The scanner looks every pair of neighbours up in a table; a hit costs a comparison. "sk-" begins like many
 * words, but "k-" is rare: so each anchor waits at the pair that prose and code hold least often.
 * Rejected: Aho-Corasick over all anchors, whose automaton has to be walked for every character of prose.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { PASSWORD_CHARS, USERINFO_CHARS_MAX } from "./secret-passwords.ts";
import { SECRET_FORMATS } from "./secret-formats.ts";
import type { SecretFormat, Segment } from "./secret-chars.ts";
import { PEM_BODY_CHARS_MAX } from "./secret-shapes.ts";
import { VALUE_CHARS_MAX, VALUE_GAP_CHARS_MAX } from "./secret-value.ts";
import { NAME_CHARS_MAX } from "./secret-names.ts";

const COMMON_LETTERS = "etaoinsrhldcu";

/** Where in the anchor the pair is that occurs least often elsewhere. */
export function rarestPair(anchor: string): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at + 1 < anchor.length; at += 1) {
    const cost = commonness(anchor.charAt(at)) * commonness(anchor.charAt(at + 1));
    if (cost < least) [best, least] = [at, cost];
  }
  return best;
}

/** Roughly, occurrences in a thousand characters of prose and code. */
function commonness(char: string): number {
  if (COMMON_LETTERS.includes(char)) return 50;
  const code = char.charCodeAt(0);
  if (isIn(code, CHARS.lower)) return 15;
  if (isIn(code, CHARS.upper) || isIn(code, CHARS.digit)) return 3;
  if (char === " ") return 150;
  return "_-./:=".includes(char) ? 6 : 2;
}

export type SecretPrefix = {
  /** What a credential begins with; "" where a name or a mark inside it gives it away instead. */
  readonly prefix: string;
  readonly type: string;
  /** Longest possible credential, prefix included, in characters. */
  readonly charsMax: number;
};

/** Two labels, dashes and all. */
const PEM_FRAME_CHARS_MAX = 128;

/** Longest possible finding: a private key block. */
export const SECRET_CHARS_MAX = PEM_BODY_CHARS_MAX + PEM_FRAME_CHARS_MAX;

/** What may stand before a finding and decide about it: one name or two, an operator and what is between. */
export const SECRET_CONTEXT_CHARS_MAX = 2 * NAME_CHARS_MAX + VALUE_GAP_CHARS_MAX;

/** Every literal prefix with the longest credential that it begins; longer prefixes before those that begin them. */
export function secretPrefixes(): readonly SecretPrefix[] {
  const shapes: readonly SecretPrefix[] = [
    { prefix: "-----BEGIN ", type: "private_key", charsMax: SECRET_CHARS_MAX },
    { prefix: "Bearer ", type: "bearer_token", charsMax: VALUE_CHARS_MAX + "Bearer ".length },
    { prefix: "://", type: "url_password", charsMax: USERINFO_CHARS_MAX + "://@".length },
    { prefix: "", type: "assigned_secret", charsMax: VALUE_CHARS_MAX },
    { prefix: "", type: "password", charsMax: PASSWORD_CHARS.max },
  ];
  const formats = SECRET_FORMATS.map((format) => ({
    prefix: format.anchor,
    type: format.type,
    charsMax: longest(format),
  }));
  return [...formats, ...shapes].toSorted((one, other) => other.prefix.length - one.prefix.length);
}

function longest({ anchor, segments }: SecretFormat): number {
  const lengths = segments.map((segment: Segment) => (typeof segment === "string" ? segment.length : segment.max));
  return lengths.reduce((total, length) => total + length, anchor.length);
}
