/**
 * The secrets rail on a stream: what could still become a key.
 *
 * Model. A key is a token: a run without spaces and quotes. So only the token at the end of the text can be held, and
 * of it what follows the first known prefix, the first digit, or the colon of a URL's user. All of it is held if it is
 * assigned to the name of a credential. Else its last characters are, if they may begin a prefix. A private key block
 * is held while its lines go on. Prefixes and names are the rail's own, so a new row there needs nothing here.
 * Rejected: asking each format how far it got, which repeats the scanner.
 */
import type { SpanAction } from "../../core/spans.ts";
import { CHARS, isIn } from "../../core/text/char-class.ts";
import type { FoundSpan } from "../../core/rail.ts";
import { BRACED_CHARS_MAX, SCHEMES } from "./secret-value.ts";
import { isCredentialName, isKeyName, isPasswordName, nameBefore } from "./secret-names.ts";
import { PASSWORD_CHARS, USERINFO_CHARS_MAX } from "./secret-passwords.ts";
import { createScan } from "./secret-scan.ts";
import { SECRET_CONTEXT_CHARS_MAX, secretPrefixes } from "./secret-triggers.ts";
import { vendorOf } from "./secret-vendors.ts";
import { findSecrets } from "./secrets.ts";
import { scannerOf, tokenTail } from "../../core/stream/stream-scanner.ts";
import type { StreamScanner, TailRule } from "../../core/stream/stream-scanner.ts";

/** Quotes and a scheme besides, between the name and the value. */
const CONTEXT_CHARS = SECRET_CONTEXT_CHARS_MAX + 64;

export function secretsScanner(action: SpanAction, rail = "secrets"): StreamScanner {
  return scannerOf({
    rail,
    action,
    contextChars: CONTEXT_CHARS,
    wake: { chars: "", runChars: PASSWORD_CHARS.min },
    find: (text) => findSecrets(text),
    holdFrom: (text, from) => {
      const token = tokenStart(text, from);
      const inToken = Math.min(prefixFrom(text, token), digitFrom(text, token), userFrom(text, token));
      const before = Math.min(inToken, pemFrom(text, from), bracedFrom(text, from));
      return before === token ? before : Math.min(before, assignedFrom(text, from, token));
    },
    cut: cutSecret,
    tail: (type) => (type === "private_key" ? pemTail : tokenTail),
  });
}

const PEM_PREFIX = "-----BEGIN ";

/** By the code of their first character. */
let prefixes: ReadonlyMap<number, readonly string[]> | null = null;

/** Made on first use: a Worker's start is bounded. "://" stands before what is no secret; `userFrom` knows it. */
function prefixesByFirst(): ReadonlyMap<number, readonly string[]> {
  if (prefixes !== null) return prefixes;
  const byFirst = new Map<number, string[]>();
  for (const prefix of new Set(secretPrefixes().map((row) => row.prefix))) {
    if (prefix === "" || prefix === "://" || prefix.includes(" ")) continue;
    const code = prefix.charCodeAt(0);
    byFirst.set(code, [...(byFirst.get(code) ?? []), prefix]);
  }
  byFirst.set(45, [...(byFirst.get(45) ?? []), PEM_PREFIX]);
  prefixes = byFirst;
  return byFirst;
}

/** Where the run without spaces, quotes and backslashes that ends the text begins, at or after `from`. */
function tokenStart(text: string, from: number): number {
  let at = text.length;
  while (at > from && isTokenCode(text.charCodeAt(at - 1))) at -= 1;
  return at;
}

function isTokenCode(code: number): boolean {
  return code > 0x20 && code < 0x7f && code !== 34 && code !== 39 && code !== 92 && code !== 96;
}

/** The first place in the token where a prefix stands, or could be beginning. */
function prefixFrom(text: string, token: number): number {
  const byFirst = prefixesByFirst();
  for (let at = token; at < text.length; at += 1) {
    const known = byFirst.get(text.charCodeAt(at));
    if (known === undefined || !mayBegin(text, at)) continue;
    const rest = text.length - at;
    for (const prefix of known) {
      if (rest < prefix.length ? prefix.startsWith(text.slice(at)) : text.startsWith(prefix, at)) return at;
    }
  }
  return text.length;
}

/** As the rail has it: not inside a word; the letter of an escaped line break is none. */
function mayBegin(text: string, at: number): boolean {
  if (!isIn(text.charCodeAt(at), CHARS.alnum) || !isIn(text.charCodeAt(at - 1), CHARS.alnum)) return true;
  return text.charAt(at - 2) === "\\" && "nrt".includes(text.charAt(at - 1));
}

/** Keys without a prefix have digits; the few letters before the first one tell nobody anything. */
function digitFrom(text: string, token: number): number {
  let at = token;
  while (at < text.length && !isIn(text.charCodeAt(at), CHARS.digit)) at += 1;
  return at;
}

/** "scheme://user:password@host": from the colon on. */
function userFrom(text: string, token: number): number {
  const start = tokenStart(text, Math.max(0, token - USERINFO_CHARS_MAX));
  const scheme = text.indexOf("://", start);
  const colon = scheme === -1 ? -1 : text.indexOf(":", scheme + 3);
  // One that began before the token was let go: it filled a window.
  return colon + 1 < token || colon === -1 ? text.length : colon + 1;
}

const GAP_CHARS_MAX = 14;

/** Operators that are looked at within one token: "a=b=c=…" is no assignment of a key. */
const OPERATORS_MAX = 3;

/** Where an assigned value begins that reaches the end of the text, or all but a backslash. */
function assignedFrom(text: string, from: number, token: number): number {
  const { length } = text;
  if (token === length && length > from && text.charCodeAt(length - 1) === 92) {
    const shorter = text.slice(0, -1);
    const before = assignedFrom(shorter, from, tokenStart(shorter, from));
    return before === length - 1 ? length : before;
  }
  if (token === length) return length;
  if (isAssigned(text, token)) return token;
  let operators = 0;
  for (let at = token; at < length - 1 && operators < OPERATORS_MAX; at += 1) {
    if (!OPERATORS.includes(text.charAt(at))) continue;
    operators += 1;
    if (!OPERATORS.includes(text.charAt(at + 1)) && isAssigned(text, at + 1)) return at + 1;
  }
  return length;
}

const OPERATORS = ":=>,|";

/** Stands the name of a credential and an operator before the value, or a scheme, or curl's option? */
function isAssigned(text: string, valueAt: number): boolean {
  const before = text.charCodeAt(valueAt - 1);
  if (valueAt === 0 || isIn(before, CHARS.alnum)) return false;
  const scheme = schemeBefore(text, valueAt);
  if (scheme.startsWith("Bearer")) return true;
  if (isCurlUser(text, valueAt)) return true;
  const gapEnd = valueAt - scheme.length;
  for (let at = gapEnd - 1; at >= 0 && gapEnd - at <= GAP_CHARS_MAX; at -= 1) {
    const char = text.charAt(at);
    if (OPERATORS.includes(char) && isCredential(text, at)) return true;
    if (char === "-" && text.charAt(at - 1) === " " && text.charAt(at + 1) === " ") return isCredential(text, at);
    if (!" \t\"'`\\=>:,|".includes(char)) return false;
  }
  return false;
}

/** The letters before the spaces of schemes: most words end in others. */
const SCHEME_ENDS: ReadonlySet<number> = new Set(SCHEMES.map((scheme) => scheme.charCodeAt(scheme.length - 2)));

/** "Bearer ", "Basic " and their like. */
function schemeBefore(text: string, valueAt: number): string {
  if (text.charCodeAt(valueAt - 1) !== 32 || !SCHEME_ENDS.has(text.charCodeAt(valueAt - 2))) return "";
  return SCHEMES.find((scheme) => text.startsWith(scheme, valueAt - scheme.length)) ?? "";
}

function isCurlUser(text: string, valueAt: number): boolean {
  const dash = text.lastIndexOf("-", valueAt - 1);
  return dash >= valueAt - 9 && /(?:-u|--user)[ =]["']?$/.test(text.slice(Math.max(0, valueAt - 9), valueAt));
}

function isCredential(text: string, operatorAt: number): boolean {
  // As the rail has it: in a list only a quoted name is a name. And prose is full of commas.
  if (text.charAt(operatorAt) === "," && !"\"'`".includes(text.charAt(operatorAt - 1))) return false;
  const scan = createScan(text, { steps: 0 });
  const name = nameBefore(scan, operatorAt);
  if (name === null) return false;
  if (isCredentialName(name) || isPasswordName(name) || isKeyName(name)) return true;
  return vendorOf(name, scan.meter) !== null;
}

/** `<secret>{…` whose brace is not closed: the words before the key belong to it. */
function bracedFrom(text: string, from: number): number {
  // What stands before the words has been shown already.
  const at = text.indexOf(">{", Math.max(0, from - 2, text.length - BRACED_CHARS_MAX - 2));
  if (at === -1) return text.length;
  const end = text.indexOf("}", at);
  return (end === -1 || end + 1 >= text.length) && isCredential(text, at) ? at + 2 : bracedFrom(text, at + 3);
}

/** A private key block whose lines still go on. */
function pemFrom(text: string, from: number): number {
  for (let at = text.indexOf(PEM_PREFIX, from); at !== -1; at = text.indexOf(PEM_PREFIX, at + 1)) {
    if (isPemOpen(text, at + PEM_PREFIX.length)) return at;
  }
  return text.length;
}

function isPemOpen(text: string, labelAt: number): boolean {
  const labelEnd = text.indexOf("-", labelAt);
  if (labelEnd === -1) return /^[A-Z0-9 ]{0,40}$/.test(text.slice(labelAt));
  if (!/PRIVATE KEY(?: BLOCK)?$/.test(text.slice(labelAt, labelEnd))) return false;
  const bodyAt = labelEnd + 5;
  const endAt = text.indexOf("-----END ", bodyAt);
  if (endAt !== -1 && text.indexOf("-----", endAt + 9) !== -1)
    return text.endsWith("-----") && closesAtEnd(text, endAt);
  for (let at = bodyAt; at < text.length; at += 1) {
    if (!isIn(text.charCodeAt(at), CHARS.base64) && !" \t\r\n\\:,-.()<>@".includes(text.charAt(at))) return false;
  }
  return true;
}

/** The block's last dash is the last character: with the next one it is decided. */
function closesAtEnd(text: string, endAt: number): boolean {
  return text.indexOf("-----", endAt + 9) + 5 === text.length;
}

/** A token or a block that fills the window and whose beginning no credential can do without. */
function cutSecret(text: string, from: number): FoundSpan | null {
  if (!text.startsWith("eyJ", from) || !text.slice(from).includes(".eyJ")) return null;
  return { start: from, end: text.length, type: "jwt" };
}

const DASH = 45;
const LINE_FEED = 10;

/** States of the line that ends a key block: its first five dashes, its label, its last five. */
const LABEL = 6;
const LAST_DASH = 11;

/** The rest of a key block: its lines, and the line of dashes that ends it. */
const pemTail: TailRule = (state, code) => {
  if (state === 0) {
    if (code === DASH) return 1;
    return isIn(code, CHARS.base64) || code === LINE_FEED || code === 13 || code === 92 ? 0 : -1;
  }
  if (state === LAST_DASH || code === LINE_FEED || code === 34) return -1;
  if (code === DASH) return state + 1;
  return state < LABEL ? LABEL : state;
};
