/**
 * Decides whether a value is a credential because of the name that it is given.
 *
 * Model. A name, quotes and spaces, an operator (`:` `=` `:=` `=>` `>` `,` `||` ` - `) and a value that is followed by what
 * ends a value; so code (`process.env.API_KEY`, `getToken(…)`) does not fire. The value is looked at first, because in
 * prose what follows a colon is a short word, and because it costs less than to read the name. Then, in this order:
 * what a vendor's keys look like (`secret-vendors.ts`), a UUID where the name says API key, token or secret, a value that
 * is random and not made of words (`secret-words.ts`), a password. A name that only ends in "key" asks for more of the
 * value.
 * Rejected: entropy alone, which takes every hash for a key; a bare "key" near the word API, which finds as many ids as
 * keys.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { bodyLooksSecret, looksRandom } from "./secret-body.ts";
import type { BodyRule } from "./secret-body.ts";
import { KEY_CHARS } from "./secret-chars.ts";
import type { Run } from "./secret-chars.ts";
import {
  hasShortName,
  isClearTextName,
  isCredentialName,
  isKeyName,
  isPasswordName,
  isUuidName,
  nameBefore,
} from "./secret-names.ts";
import type { NameWindow } from "./secret-scan.ts";
import { CURL_CHARS_MAX, isBasicValue, isPassword, passwordEnd } from "./secret-passwords.ts";
import { isPublicValue } from "./secret-public.ts";
import { runEnd, startsWith, takeTry } from "./secret-scan.ts";
import type { Scan } from "./secret-scan.ts";
import { isManifest, matchManifest } from "./secret-manifest.ts";
import {
  ASSIGNED_CHARS,
  BRACED_CHARS_MAX,
  SPACE,
  VALUE_CHARS_MAX,
  VALUE_CHARS_MIN,
  endsValue,
  isBraced,
  valueAfter,
} from "./secret-value.ts";
import type { Value } from "./secret-value.ts";
import { hasShape, isHexUuid, isRealUuid, vendorOf } from "./secret-vendors.ts";
import type { Vendor } from "./secret-vendors.ts";
import { looksNamed } from "./secret-words.ts";
import type { FoundSpan } from "../../core/rail.ts";

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
  const isOwn = isOwnName(scan, at);
  const mayHaveSigns = isPasswordLike || (isCredential && value.quote !== "" && name.plain.endsWith("secretkey"));
  if (isBraced(scan.text, at)) return isCredential ? matchBraced(scan, at + 2) : null;
  return (
    (vendor !== null && isOwn ? matchVendor(scan, value, vendor, name) : null) ??
    (isCredential && isOwn ? (matchUuid(scan, value, name) ?? matchAny(scan, value)) : null) ??
    (named.isKey && isOwn ? matchKeyed(scan, value) : null) ??
    (mayHaveSigns ? matchPassword(scan, value, isPasswordLike, isClearTextName(name) && value.quote !== "") : null) ??
    matchManifest(scan, at, value)
  );
}

/** Whose value an operator assigns. */
type Named = {
  readonly name: NameWindow;
  readonly vendor: Vendor | null;
  readonly isCredential: boolean;
  readonly isPasswordLike: boolean;
  readonly isKey: boolean;
};

/** Is there no name before the operator that could make a finding of its value. */
export function isUnnamed(scan: Scan, at: number): boolean {
  scan.meter.steps += 1;
  return hasShortName(scan.text, at) && !isManifest(scan);
}

/** Null if a value behind the operator would be no finding, whatever it is. */
function namedBy(scan: Scan, at: number): Named | null {
  if (isUnnamed(scan, at)) return null;
  const name = nameBefore(scan, at);
  if (name === null) return null;
  let named = judged.get(name);
  if (named === undefined) {
    const vendor = vendorOf(name, scan.meter);
    const isCredential = isCredentialName(name);
    named = { name, vendor, isCredential, isPasswordLike: isPasswordName(name), isKey: isKeyName(name) };
    judged.set(name, named);
  }
  const { isCredential, isPasswordLike, isKey } = named;
  return named.vendor !== null || isCredential || isPasswordLike || isKey || isManifest(scan) ? named : null;
}

/** Names live as long as the scan that remembers them. */
const judged = new WeakMap<NameWindow, Named>();

/** A list has commas too: only a quoted name before one is a name. */
function isOwnName({ text }: Scan, at: number): boolean {
  return text.charAt(at) !== "," || "\"'`".includes(text.charAt(at - 1));
}

/** Nothing but its name vouches for the value. */
const ASSIGNED: BodyRule = { entropyMin: 3, random: true, needsDigit: true, unnamed: true };

const SENT: BodyRule = { ...ASSIGNED, entropyMin: 2.5 };

/** Behind any name that ends in "key" the value has to be long and random. */
const KEYED: BodyRule = { ...ASSIGNED, entropyMin: 3.4, charsMin: 24 };

/** Hexadecimal digits of the largest constant: 64 bits. A private key has more. */
const CONSTANT_DIGITS_MAX = 16;

/** "0x40087447"; or what was cut short: "eyJ2IjoiMSI...". */
function isConstant(text: string, from: number, to: number): boolean {
  if (text.startsWith("...", to - 3) || hasInnerPadding(text, from, to) || isTypedHex(text, from, to)) return true;
  if (text.charAt(from) !== "0" || (text.charCodeAt(from + 1) | 0x20) !== 0x78) return false;
  if (to - from - 2 > CONSTANT_DIGITS_MAX) return false;
  for (let at = from + 2; at < to; at += 1) if (!isIn(text.charCodeAt(at), CHARS.hex)) return false;
  return true;
}

/** The last word between the braces; `from` is where the first begins. */
function matchBraced(scan: Scan, from: number): FoundSpan | null {
  const { text, meter } = scan;
  let end = from;
  let start = from;
  for (
    ;
    end - from <= BRACED_CHARS_MAX && isPrintable(text.charCodeAt(end)) && text.charCodeAt(end) !== 0x7d;
    end += 1
  ) {
    if (text.charCodeAt(end) === SPACE) start = end + 1;
  }
  meter.steps += end - from;
  if (!text.startsWith("}<", end) || end - start < ASSIGNED_CHARS.min) return null;
  const isKey = isRealUuid(text.slice(start, end)) || bodyLooksSecret(scan, start, end, ASSIGNED);
  return isKey ? { start, end, type: "assigned_secret" } : null;
}

function isPrintable(code: number): boolean {
  return code >= SPACE && code < 0x7f;
}

/** Letters and digits alone: names, paths and ids have signs between. */
function matchKeyed(scan: Scan, value: Value): FoundSpan | null {
  const span = matchAny(scan, value, KEYED);
  return span === null || runEnd(scan, CHARS.alnum, value.at) !== span.end ? null : span;
}

/** A UUID is a credential only by the name that it is given. */
function matchUuid(scan: Scan, { at, quote }: Value, name: NameWindow): FoundSpan | null {
  const end = at + UUID_CHARS;
  // Its first dash, before anything is cut out of the text.
  if (
    scan.text.charCodeAt(at + 8) !== 0x2d ||
    !isUuidName(name) ||
    !isRealUuid(scan.text.slice(at, end)) ||
    !endsValue(scan.text, end, quote)
  )
    return null;
  scan.meter.steps += UUID_CHARS;
  return { start: at, end, type: "assigned_secret" };
}

const UUID_CHARS = 36;

/** Hexadecimal digits in both cases, which no machine writes. */
function isTypedHex(text: string, from: number, to: number): boolean {
  let seen = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (!isIn(code, CHARS.hex)) return false;
    seen |= isIn(code, CHARS.digit) ? 0 : isIn(code, CHARS.upper) ? CHARS.upper : CHARS.lower;
  }
  return seen === CHARS.letter;
}

/** "a=b": padding ends a value, and nothing else that is written in base64 has its sign. */
function hasInnerPadding(text: string, from: number, to: number): boolean {
  let at = from;
  while (at < to && text.charCodeAt(at) !== 0x3d) at += 1;
  while (at < to && text.charCodeAt(at) === 0x3d) at += 1;
  return at < to;
}

/** Any value that looks like a machine made it. */
function matchAny(scan: Scan, { at, quote }: Value, rule: BodyRule = ASSIGNED): FoundSpan | null {
  const end = runEnd(scan, quote === "" ? CHARS.value : CHARS.quotedValue, at);
  const length = end - at;
  // What curl sends as a credential is one, however short.
  const isSent = scan.curlAt !== null && at - scan.curlAt <= CURL_CHARS_MAX;
  if (
    length < (isSent ? VALUE_CHARS_MIN : ASSIGNED_CHARS.min) ||
    length > ASSIGNED_CHARS.max ||
    !endsValue(scan.text, end, quote)
  )
    return null;
  if (!takeTry(scan, rule, end) || (length === UUID_CHARS && isHexUuid(scan.text.slice(at, end)))) return null;
  if (
    isConstant(scan.text, at, end) ||
    isPublicValue(scan.text, at, end) ||
    !bodyLooksSecret(scan, at, end, isSent ? SENT : rule)
  )
    return null;
  return { start: at, end, type: "assigned_secret" };
}

/** Sixteen digits have 2.5 bits each, and a UUID of a person's making less. */
const VENDOR_BODY: BodyRule = { entropyMin: 2.1, countingMax: 0.85 };

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
    // "deadbeef" is made of hexadecimal digits.
    if (shape.of !== CHARS.hex && shape.of !== CHARS.digit && looksNamed(scan, at, end)) continue;
    if (isUuidOrSecret(scan, at, end, shape.isUuid)) return { start: at, end, type: vendor.type };
  }
  return null;
}

/** A UUID is told by its form: it may count, as those in documentation do. */
function isUuidOrSecret(scan: Scan, from: number, to: number, uuid: boolean): boolean {
  return uuid ? !isNil(scan.text.slice(from, to)) : bodyLooksSecret(scan, from, to, VENDOR_BODY);
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
function matchPassword(scan: Scan, { at, quote }: Value, isNamed: boolean, isClearText: boolean): FoundSpan | null {
  const end = passwordEnd(scan, at, quote);
  if (end === null || !takeTry(scan, matchPassword, end)) return null;
  if (!isPassword(scan, at, end) && !isClearText) return null;
  // What vendors issue has no signs; what frameworks make (Django's SECRET_KEY) is long.
  if (!isNamed && end - at < SIGNED_CHARS_MIN) return null;
  if (!isNamed && (hasWordSigns(scan.text, at, end) || !looksRandom(scan, at, end, true))) return null;
  return { start: at, end, type: isNamed ? "password" : "assigned_secret" };
}

const SIGNED_CHARS_MIN = 32;

/** Paths, URLs, members and names have these. */
function hasWordSigns(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if ("/:.-,".includes(text.charAt(at))) return true;
  return false;
}

function matchBasic(scan: Scan, at: number): FoundSpan | null {
  const end = runEnd(scan, CHARS.base64, at);
  return isBasicValue(scan, at, end) ? { start: at, end, type: "basic_auth" } : null;
}

/** A bare `Bearer <token>`, which no header's name introduces. `at` is where "Bearer " begins. */
export function matchBearer(scan: Scan, at: number, isKnown: (valueAt: number) => boolean): FoundSpan | null {
  const from = at + "Bearer ".length;
  if (!startsWith(scan, "Bearer ", at)) return null;
  const end = runEnd(scan, CHARS.quotedValue, from);
  const to = scan.text.charAt(end - 1) === "." ? end - 1 : end;
  if (to - from < 20 || to - from > VALUE_CHARS_MAX || !takeTry(scan, matchBearer, end)) return null;
  if (!bodyLooksSecret(scan, from, to, ASSIGNED)) return null;
  return isKnown(from) ? null : { start: from, end: to, type: "bearer_token" };
}
