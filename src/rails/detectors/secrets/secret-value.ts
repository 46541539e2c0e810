/**
 * Decides where the value begins and ends that an operator assigns, and whether one may be there at all.
 *
 * Model. Behind the operator stand blanks, quotes, and the scheme of an Authorization header; then a run of what a value
 * may be made of, and what ends one. Code (`process.env.KEY`, `f(x)`) has other signs where no quotes say otherwise.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import type { Scan } from "./secret-scan.ts";

const GAP_CHARS_MAX = 8;

/** Shorter values are names and words too often; longer ones are data. */
export const ASSIGNED_CHARS = { min: 12, max: 256 } as const;

/** Shortest value of any kind: a password. */
export const VALUE_CHARS_MIN = 8;

/** A value without a digit is a word, unless it is longer than words are. */
const WORD_CHARS_MAX = 15;

/** Longest credential issued without a prefix: a session token of AWS. */
export const VALUE_CHARS_MAX = 2048;

/** Where the value of an operator begins. */
export type Value = { readonly at: number; readonly quote: string; readonly scheme: string };

/**
 * Could a credential be assigned at `at`, an operator: is there, after spaces and quotes, a long enough run with a
 * digit or longer than a word. Looks at most at some thirty characters, from the far end, where prose has its spaces.
 */
export function mayAssign(text: string, at: number): boolean {
  const from = valueStart(text, at);
  // "API token - 'a1b2…'": a dash between spaces, and quotes.
  if (text.charCodeAt(at) === DASH && !(text.charCodeAt(at - 1) === SPACE && isQuote(text.charCodeAt(from - 1))))
    return false;
  // A scheme ("Bearer …") comes before the value: let the full match see.
  if (schemeAt(text, from) !== "") return true;
  if (isBraced(text, at)) return true;
  const least = isQuote(text.charCodeAt(from - 1)) ? IN_QUOTES : ANYWHERE;
  for (let near = from + VALUE_CHARS_MIN - 1; near >= from; near -= 1) {
    if (kindOf(text.charCodeAt(near)) < least) return false;
  }
  for (let near = from; near <= from + WORD_CHARS_MAX; near += 1) {
    const kind = kindOf(text.charCodeAt(near));
    if (kind === A_DIGIT) return true;
    if (kind < least) return near - from >= ASSIGNED_CHARS.min && hasHumps(text, from, near);
  }
  return true;
}

/** What a character may be in a value: nothing, part of one in quotes (brackets), part of any, a digit. */
const IN_QUOTES = 1;
const ANYWHERE = 2;
const A_DIGIT = 3;

/** Every operator asks for some twenty characters. */
const VALUE_KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  if (!(code > 0x20 && code < 0x7f) || isQuote(code)) return 0;
  if (isIn(code, CHARS.digit)) return A_DIGIT;
  return isBracket(code) ? IN_QUOTES : ANYWHERE;
});

function kindOf(code: number): number {
  return code < 128 ? (VALUE_KINDS[code] ?? 0) : 0;
}

/** Capitals inside a short value without a digit, from which on it may be random rather than a name. */
const HUMPS_MIN = 2;

function hasHumps(text: string, from: number, to: number): boolean {
  let humps = 0;
  for (let at = from + 1; at < to; at += 1) {
    if (isIn(text.charCodeAt(at), CHARS.upper) && isIn(text.charCodeAt(at - 1), CHARS.lower)) humps += 1;
  }
  return humps >= HUMPS_MIN;
}

export const SPACE = 0x20;
const DASH = 0x2d;

function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27 || code === 0x60;
}

/** ( ) [ ] { } < > and the semicolon: code, where no quotes say otherwise. */
function isBracket(code: number): boolean {
  if (code < 0x5b) return code === 0x28 || code === 0x29 || code === 0x3b || code === 0x3c || code === 0x3e;
  return code === 0x5b || code === 0x5d || code === 0x7b || code === 0x7d;
}

/** Operator, blanks, backslash, quote and scheme. */
export const VALUE_GAP_CHARS_MAX = 24;

/** `<secret>{AQAAABAAAAAQ…}</secret>`: how Jenkins keeps what it has encrypted, perhaps with words before. */
export function isBraced(text: string, at: number): boolean {
  return text.charCodeAt(at) === 0x3e && text.charCodeAt(at + 1) === 0x7b;
}

/** Longest text between the braces. */
export const BRACED_CHARS_MAX = 192;

/** Where the value begins: after the rest of the operator, spaces, an opening quote and the scheme of a header. */
export function valueAfter(scan: Scan, at: number): Value {
  const from = valueStart(scan.text, at);
  const quote = "\"'`".includes(scan.text.charAt(from - 1)) ? scan.text.charAt(from - 1) : "";
  const scheme = schemeAt(scan.text, from);
  const valueAt = from + scheme.length;
  scan.meter.steps += valueAt - at + 1;
  return { at: valueAt, quote, scheme };
}

function valueStart(text: string, at: number): number {
  let from = at + 1;
  let code = text.charCodeAt(from);
  for (let count = 0; count < OPERATOR_CHARS_MAX && isOperatorRest(code); count += 1) {
    from += 1;
    code = text.charCodeAt(from);
  }
  // The text of an element may stand on a line of its own.
  const blankMax = text.charCodeAt(at) === 0x3e ? 0x0d : 0x09;
  for (let count = 0; count < GAP_CHARS_MAX && isBlank(code, blankMax); count += 1) {
    from += 1;
    code = text.charCodeAt(from);
  }
  if (code === 0x5c) {
    from += 1;
    code = text.charCodeAt(from);
  }
  return isQuote(code) ? from + 1 : from;
}

const OPERATOR_CHARS_MAX = 3;

/** : = > ? | */
function isOperatorRest(code: number): boolean {
  return code === 0x3a || code === 0x3d || code === 0x3e || code === 0x3f || code === 0x7c;
}

/** A space, or a tab up to `blankMax`: tab only, or line breaks too. */
function isBlank(code: number, blankMax: number): boolean {
  return code === SPACE || (code >= 0x09 && code <= blankMax);
}

/** Of an Authorization header: those of the standards, and words that vendors have before their keys. */
export const SCHEMES: readonly string[] =
  "Bearer Basic Token Api-Token ApiKey Apikey SSWS GenieKey OAuth Splunk Klaviyo-API-Key Zoho-oauthtoken Bot"
    .split(" ")
    .flatMap((word) => [`${word} `, `${word.toLowerCase()} `]);

const SCHEMES_BY_FIRST: ReadonlyMap<number, readonly string[]> = Map.groupBy(SCHEMES, (word) => word.charCodeAt(0));

function schemeAt(text: string, from: number): string {
  const second = text.charCodeAt(from + 1);
  for (const word of SCHEMES_BY_FIRST.get(text.charCodeAt(from)) ?? []) {
    if (word.charCodeAt(1) === second && text.startsWith(word, from)) return word;
  }
  return "";
}

export function endsValue(text: string, end: number, quote: string): boolean {
  const next = text.charAt(end);
  if (quote !== "") return next === quote || (next === "\\" && text.charAt(end + 1) === quote);
  if (next === "." || next === ":") return " \t\r\n".includes(text.charAt(end + 1));
  return " \t\r\n,;)}]\"'`<\\&|#".includes(next);
}
