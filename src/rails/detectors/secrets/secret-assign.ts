/**
 * Decides whether a value is a credential because of the name that it is given.
 *
 * Model. A name, quotes and spaces, an operator (`:` `=` `:=` `=>` `>` `,` `||`) and a value that is followed by what
 * ends a value; so code (`process.env.API_KEY`, `getToken(…)`) does not fire. The value is looked at first, because in
 * prose what follows a colon is a short word, and because it costs less than to read the name. Then, in this order:
 * what a vendor's keys look like (`secret-vendors.ts`), a password, and anything random that a credential's name is
 * given. UUIDs count only for vendors that issue them: elsewhere they name things.
 * Rejected: entropy alone, which takes every hash for a key.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { bodyLooksSecret, looksRandom } from "./secret-body.ts";
import { KEY_CHARS } from "./secret-chars.ts";
import type { Run } from "./secret-chars.ts";
import { hasShortName, isCredentialName, isPasswordName, nameBefore } from "./secret-names.ts";
import type { NameWindow } from "./secret-scan.ts";
import { isBasicValue, isPassword, passwordEnd } from "./secret-passwords.ts";
import { runEnd, startsWith, takeTry } from "./secret-scan.ts";
import type { Scan } from "./secret-scan.ts";
import { hasShape, isUuid, vendorOf } from "./secret-vendors.ts";
import type { Vendor } from "./secret-vendors.ts";
import type { FoundSpan } from "../../core/rail.ts";

const GAP_CHARS_MAX = 8;

/** Shorter values are names and words too often; longer ones are data. */
export const ASSIGNED_CHARS = { min: 12, max: 256 } as const;

/** Shortest value of any kind: a password. */
const VALUE_CHARS_MIN = 8;

/** A value without a digit is a word, unless it is longer than words are. */
const WORD_CHARS_MAX = 15;

/** Longest credential issued without a prefix: a session token of AWS. */
export const VALUE_CHARS_MAX = 2048;

/** Where the value of an operator begins. */
type Value = { readonly at: number; readonly quote: string; readonly scheme: string };

/**
 * Could a credential be assigned at `at`, an operator: is there, after spaces and quotes, a long enough run with a
 * digit or longer than a word. Looks at most at some thirty characters, from the far end, where prose has its spaces.
 */
export function mayAssign(text: string, at: number): boolean {
  const from = valueStart(text, at);
  // A scheme ("Bearer …") comes before the value: let the full match see.
  const isSchemeLong = text.charCodeAt(from + 5) === SPACE || text.charCodeAt(from + 6) === SPACE;
  if (isSchemeLong && BEGINS_SCHEME.has(text.charCodeAt(from))) return schemeAt(text, from) !== "";
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

const SPACE = 0x20;

function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27 || code === 0x60;
}

/** ( ) [ ] { } < > and the semicolon: code, where no quotes say otherwise. */
function isBracket(code: number): boolean {
  if (code < 0x5b) return code === 0x28 || code === 0x29 || code === 0x3b || code === 0x3c || code === 0x3e;
  return code === 0x5b || code === 0x5d || code === 0x7b || code === 0x7d;
}

/**
 * `at` is an operator for which `mayAssign` is true. `isKnown` says whether a known format begins at the value: that
 * finding is better and is left to it.
 */
export function matchAssignment(scan: Scan, at: number, isKnown: (valueAt: number) => boolean): FoundSpan | null {
  const named = namedBy(scan, at);
  if (named === null) return null;
  const value = valueAfter(scan, at);
  const span = matchValue(scan, at, named, value);
  return span === null || isKnown(value.at) ? null : span;
}

function matchValue(scan: Scan, at: number, named: Named, value: Value): FoundSpan | null {
  if (value.scheme.toLowerCase() === "basic ") return matchBasic(scan, value.at);
  const { name, vendor, isCredential, isPasswordLike } = named;
  const mayHaveSigns = isPasswordLike || (isCredential && value.quote !== "");
  return (
    (vendor === null ? null : matchVendor(scan, value, vendor, name)) ??
    (isCredential && isOwnName(scan, at) ? matchAny(scan, value) : null) ??
    (mayHaveSigns ? matchPassword(scan, value, isPasswordLike) : null) ??
    matchManifest(scan, at, value)
  );
}

/** Whose value an operator assigns. */
type Named = {
  readonly name: NameWindow;
  readonly vendor: Vendor | null;
  readonly isCredential: boolean;
  readonly isPasswordLike: boolean;
};

/** Null if a value behind the operator would be no finding, whatever it is. */
function namedBy(scan: Scan, at: number): Named | null {
  scan.meter.steps += 1;
  if (hasShortName(scan.text, at) && !isManifest(scan)) return null;
  const name = nameBefore(scan, at);
  if (name === null) return null;
  let named = judged.get(name);
  if (named === undefined) {
    const vendor = vendorOf(name, scan.meter);
    named = { name, vendor, isCredential: isCredentialName(name), isPasswordLike: isPasswordName(name) };
    judged.set(name, named);
  }
  return named.vendor !== null || named.isCredential || named.isPasswordLike || isManifest(scan) ? named : null;
}

/** Names live as long as the scan that remembers them. */
const judged = new WeakMap<NameWindow, Named>();

/** Operator, blanks, backslash, quote and scheme. */
export const VALUE_GAP_CHARS_MAX = 24;

/** A list has commas too: only a quoted name before one is a name. */
function isOwnName({ text }: Scan, at: number): boolean {
  return text.charAt(at) !== "," || "\"'`".includes(text.charAt(at - 1));
}

/** Any value that looks like a machine made it. */
function matchAny(scan: Scan, { at, quote }: Value): FoundSpan | null {
  const end = runEnd(scan, quote === "" ? CHARS.value : CHARS.quotedValue, at);
  const length = end - at;
  if (length < ASSIGNED_CHARS.min || length > ASSIGNED_CHARS.max || !endsValue(scan.text, end, quote)) return null;
  if (!takeTry(scan, matchAny, end) || isUuid(scan.text.slice(at, end))) return null;
  if (!bodyLooksSecret(scan, at, end, { entropyMin: 3, random: true, needsDigit: true })) return null;
  return { start: at, end, type: "assigned_secret" };
}

/** Sixteen digits have 2.5 bits each, and a UUID of a person's making less. */
const VENDOR_ENTROPY_MIN = 2;

function matchVendor(scan: Scan, { at, quote }: Value, vendor: Vendor, name: NameWindow): FoundSpan | null {
  const { text } = scan;
  const runTo = runEnd(scan, KEY_CHARS.wide, at);
  if (runTo - at > VALUE_CHARS_MAX || !takeTry(scan, vendor, runTo)) return null;
  // A sentence may end behind the value.
  const isLast = text.charAt(runTo - 1) === "." && quote === "";
  for (const shape of vendor.shapes) {
    const bodyEnd = isLast ? runTo - 1 : runTo;
    scan.meter.steps += Math.min(bodyEnd - at, shape.max) + 1;
    if (!hasShape(text, at, bodyEnd, shape)) continue;
    const end = shape.tail === null ? bodyEnd : tailEnd(scan, bodyEnd, shape.tail);
    if (end === null || !endsValue(text, end, quote)) continue;
    // Numbers are ids of many things.
    const isNumber = shape.of === CHARS.digit && shape.tail === null;
    if (isNumber && !isCredentialName(name) && !name.plain.includes("client")) continue;
    if (isUuidOrSecret(scan, at, end, shape.isUuid)) return { start: at, end, type: vendor.type };
  }
  return null;
}

/** A UUID is told by its form: it may count, as those in documentation do. */
function isUuidOrSecret(scan: Scan, from: number, to: number, uuid: boolean): boolean {
  return uuid ? !isNil(scan.text.slice(from, to)) : bodyLooksSecret(scan, from, to, { entropyMin: VENDOR_ENTROPY_MIN });
}

/** "00000000-…" and its like. */
function isNil(uuid: string): boolean {
  return new Set(uuid).size <= 3;
}

function tailEnd(scan: Scan, colonAt: number, { of, min, max }: Run): number | null {
  if (scan.text.charAt(colonAt) !== ":") return null;
  const end = runEnd(scan, of, colonAt + 1);
  return end - colonAt - 1 >= min && end - colonAt - 1 <= max ? end : null;
}

/** A password; or, in quotes behind another credential's name, a random value with signs in it. */
function matchPassword(scan: Scan, { at, quote }: Value, isNamed: boolean): FoundSpan | null {
  const end = passwordEnd(scan, at, quote);
  if (end === null || !takeTry(scan, matchPassword, end) || !isPassword(scan, at, end)) return null;
  if (!isNamed && end - at < ASSIGNED_CHARS.min) return null;
  if (!isNamed && (hasWordSigns(scan.text, at, end) || !looksRandom(scan, at, end, true))) return null;
  return { start: at, end, type: isNamed ? "password" : "assigned_secret" };
}

/** Paths, URLs, members and names have these. */
function hasWordSigns(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if ("/:.-,".includes(text.charAt(at))) return true;
  return false;
}

function matchBasic(scan: Scan, at: number): FoundSpan | null {
  const end = runEnd(scan, CHARS.base64, at);
  return isBasicValue(scan, at, end) ? { start: at, end, type: "basic_auth" } : null;
}

/** Shortest value in a manifest's data: eight bytes. */
const MANIFEST_VALUE_CHARS_MIN = 10;

/** A line of a Kubernetes secret's data: any name, a value in base64, the end of the line. */
function matchManifest(scan: Scan, at: number, { at: from }: Value): FoundSpan | null {
  if (!isManifest(scan) || scan.text.charAt(at) !== ":") return null;
  const end = runEnd(scan, CHARS.base64, from);
  const length = end - from;
  if (length < MANIFEST_VALUE_CHARS_MIN || length > VALUE_CHARS_MAX || length % 4 !== 0) return null;
  if (!"\r\n\"'".includes(scan.text.charAt(end)) || !takeTry(scan, matchManifest, end)) return null;
  if (!bodyLooksSecret(scan, from, end, { entropyMin: 2.5, random: true })) return null;
  return { start: from, end, type: "kubernetes_secret" };
}

const MANIFEST_KINDS: readonly string[] = ["kind: Secret", "kind: secret", 'kind: "Secret"', "kind: 'Secret'"];

function isManifest(scan: Scan): boolean {
  if (scan.hasManifest === null) {
    scan.meter.steps += scan.text.length;
    scan.hasManifest = MANIFEST_KINDS.some((kind) => scan.text.includes(kind));
  }
  return scan.hasManifest;
}

/** Where the value begins: after the rest of the operator, spaces, an opening quote and the scheme of a header. */
function valueAfter(scan: Scan, at: number): Value {
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

/** B b T t */
const BEGINS_SCHEME: ReadonlySet<number> = new Set([0x42, 0x62, 0x54, 0x74]);

const SCHEMES = ["Bearer ", "bearer ", "Basic ", "basic ", "Token ", "token "] as const;

function schemeAt(text: string, from: number): string {
  return SCHEMES.find((word) => text.startsWith(word, from)) ?? "";
}

function endsValue(text: string, end: number, quote: string): boolean {
  const next = text.charAt(end);
  if (quote !== "") return next === quote || (next === "\\" && text.charAt(end + 1) === quote);
  if (next === "." || next === ":") return " \t\r\n".includes(text.charAt(end + 1));
  return " \t\r\n,;)}]\"'`<\\&|#".includes(next);
}

/** A bare `Bearer <token>`, which no header's name introduces. `at` is where "Bearer " begins. */
export function matchBearer(scan: Scan, at: number, isKnown: (valueAt: number) => boolean): FoundSpan | null {
  const from = at + "Bearer ".length;
  if (!startsWith(scan, "Bearer ", at)) return null;
  const end = runEnd(scan, CHARS.quotedValue, from);
  const to = scan.text.charAt(end - 1) === "." ? end - 1 : end;
  if (to - from < 20 || to - from > VALUE_CHARS_MAX || !takeTry(scan, matchBearer, end)) return null;
  if (!bodyLooksSecret(scan, from, to, { entropyMin: 3, random: true, needsDigit: true })) return null;
  return isKnown(from) ? null : { start: from, end: to, type: "bearer_token" };
}
