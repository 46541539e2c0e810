/**
 * Credentials that are known by their surroundings instead of a prefix: private key blocks, Telegram bot tokens, and
 * values assigned to a name such as `api_key`.
 *
 * Model of an assignment: a name that ends like a credential's, quotes and spaces, `:` or `=`, and a value of 16 to 256
 * characters that looks random, is no UUID (those name things) and is followed by what ends a value; so code
 * (`process.env.API_KEY`, `getToken(…)`) does not fire.
 */
import { CHARS, isIn } from "./char-class.ts";
import { bodyLooksSecret } from "./secret-body.ts";
import { runEnd, startsWith, takeTry } from "./secret-scan.ts";
import type { Scan } from "./secret-scan.ts";
import type { FoundSpan } from "./rail.ts";

/** An RSA key of 16,384 bits takes 13 KiB. */
export const PEM_BODY_CHARS_MAX = 32_768;

/** Lines of a key have 64 characters and prose has no such word: a mention of the header alone does not fire. */
const PEM_RUN_MIN = 32;

const PEM_LABEL_CHARS_MAX = 40;

/** `at` is where "-----BEGIN " begins. A block whose end is missing counts up to its last line of key. */
export function matchPem(scan: Scan, at: number): FoundSpan | null {
  const { text } = scan;
  const labelAt = at + "-----BEGIN ".length;
  const label = text.slice(labelAt, labelAt + PEM_LABEL_CHARS_MAX).split("-", 1)[0] ?? "";
  const bodyAt = labelAt + label.length + "-----".length;
  scan.meter.steps += label.length;
  if (!label.endsWith("PRIVATE KEY") && !label.endsWith("PRIVATE KEY BLOCK")) return null;
  if (!startsWith(scan, "-----", labelAt + label.length)) return null;
  const body = pemBody(scan, bodyAt);
  if (body.keyEnd === null) return null;
  const tail = `-----END ${label}-----`;
  const end = startsWith(scan, tail, body.end) ? body.end + tail.length : body.keyEnd;
  return { start: at, end, type: "private_key" };
}

/** Where the body stops (at dashes or at what is no part of a key) and where its last long run of key ends. */
function pemBody(scan: Scan, from: number): { end: number; keyEnd: number | null } {
  const { text } = scan;
  const to = Math.min(text.length, from + PEM_BODY_CHARS_MAX);
  let keyEnd: number | null = null;
  let at = from;
  while (at < to && !text.startsWith("-----", at) && isPemChar(text, at)) {
    const end = runEnd(scan, CHARS.base64, at);
    const isKey =
      end - at >= PEM_RUN_MIN &&
      (keyEnd !== null || bodyLooksSecret(scan, at, Math.min(end, at + 64), { entropyMin: 3.5 }));
    // The last line of a key may have any length.
    if (isKey || (keyEnd !== null && text.charAt(at - 1) !== " ")) keyEnd = Math.max(end, keyEnd ?? 0);
    at = Math.max(end, at + 1);
  }
  scan.meter.steps += at - from;
  return { end: at, keyEnd };
}

/** Key lines, header lines ("DEK-Info: AES-128-CBC,…") and line breaks, also escaped ones. */
function isPemChar(text: string, at: number): boolean {
  return isIn(text.charCodeAt(at), CHARS.base64) || " \t\r\n\\:,-.()<>@".includes(text.charAt(at));
}

const TELEGRAM_ID_DIGITS = { min: 6, max: 12 } as const;

/** `at` is where ":A" begins: <bot id>:A<34 characters>. */
export function matchTelegram(scan: Scan, at: number): FoundSpan | null {
  const { text } = scan;
  const end = runEnd(scan, CHARS.urlSafe, at + 1);
  if (end - at - 1 !== 35 || !takeTry(scan, matchTelegram, end)) return null;
  let start = at;
  while (start > 0 && at - start <= TELEGRAM_ID_DIGITS.max && isIn(text.charCodeAt(start - 1), CHARS.digit)) start -= 1;
  scan.meter.steps += at - start + 1;
  const digits = at - start;
  if (digits < TELEGRAM_ID_DIGITS.min || digits > TELEGRAM_ID_DIGITS.max) return null;
  return bodyLooksSecret(scan, at + 1, end, { entropyMin: 3 }) ? { start, end, type: "telegram_bot_token" } : null;
}

/** Endings of names, lower case without separators. A bare "key" is not one: primary keys and cache keys are no secrets. */
const CREDENTIAL_NAMES: readonly string[] = [
  "apikey secret secretkey accesskey privatekey signingkey encryptionkey masterkey servicekey authkey",
  "token password passwd credential credentials authorization",
].flatMap((names) => names.split(" "));

/** Names that end like a credential's and are not. */
const HARMLESS_NAMES = ["pagetoken", "continuationtoken", "csrftoken", "xsrftoken", "synctoken", "cachetoken"] as const;

const NAME_CHARS_MAX = 64;
const GAP_CHARS_MAX = 8;

/** Shorter values are names and words too often; longer ones are data. */
export const ASSIGNED_CHARS = { min: 16, max: 256 } as const;

/**
 * `at` is an assignment's `:` or `=`. `isKnown` says whether a known format begins at the value: that finding is better
 * and is left to it.
 */
export function matchAssignment(scan: Scan, at: number, isKnown: (valueAt: number) => boolean): FoundSpan | null {
  if (!isCredentialName(nameBefore(scan, at))) return null;
  const { valueAt, quote } = valueAfter(scan, at);
  const end = runEnd(scan, quote === "" ? CHARS.value : CHARS.quotedValue, valueAt);
  const length = end - valueAt;
  if (length < ASSIGNED_CHARS.min || length > ASSIGNED_CHARS.max || !endsValue(scan.text, end, quote)) return null;
  if (!takeTry(scan, matchAssignment, end) || isUuid(scan.text.slice(valueAt, end)) || isKnown(valueAt)) return null;
  if (!bodyLooksSecret(scan, valueAt, end, { entropyMin: 3, random: true, needsDigit: true })) return null;
  return { start: valueAt, end, type: "assigned_secret" };
}

/** The name to the left, without quotes, brackets and spaces; "" if there is none or it is too long. */
function nameBefore(scan: Scan, at: number): string {
  const { text } = scan;
  let end = at;
  while (end > 0 && at - end < GAP_CHARS_MAX && " \t\"'`]\\".includes(text.charAt(end - 1))) end -= 1;
  let start = end;
  while (start > 0 && end - start <= NAME_CHARS_MAX && isNameChar(text, start - 1)) start -= 1;
  scan.meter.steps += at - start + 1;
  return end - start > NAME_CHARS_MAX ? "" : text.slice(start, end);
}

function isNameChar(text: string, at: number): boolean {
  return isIn(text.charCodeAt(at), CHARS.urlSafe) || text.charAt(at) === ".";
}

function isCredentialName(name: string): boolean {
  if (name === "") return false;
  const plain = name.toLowerCase().replaceAll("_", "").replaceAll("-", "").replaceAll(".", "");
  return (
    CREDENTIAL_NAMES.some((ending) => plain.endsWith(ending)) &&
    !HARMLESS_NAMES.some((ending) => plain.endsWith(ending))
  );
}

/** Where the value begins: after the rest of the operator, spaces, an opening quote and the scheme of a header. */
function valueAfter(scan: Scan, at: number): { valueAt: number; quote: string } {
  const { text } = scan;
  let from = skip(text, at + 1, "=>", 2);
  from = skip(text, from, " \t", GAP_CHARS_MAX);
  from = skip(text, from, "\\", 1);
  const quote = skip(text, from, "\"'`", 1) > from ? text.charAt(from) : "";
  from += quote.length;
  const scheme = ["Bearer ", "bearer ", "Basic ", "basic ", "Token ", "token "].find((word) =>
    text.startsWith(word, from),
  );
  const valueAt = from + (scheme?.length ?? 0);
  scan.meter.steps += valueAt - at + 1;
  return { valueAt, quote };
}

function skip(text: string, from: number, chars: string, max: number): number {
  let at = from;
  while (at < text.length && at - from < max && chars.includes(text.charAt(at))) at += 1;
  return at;
}

function endsValue(text: string, end: number, quote: string): boolean {
  const next = text.charAt(end);
  if (quote !== "") return next === quote || (next === "\\" && text.charAt(end + 1) === quote);
  if (next === "." || next === ":") return " \t\r\n".includes(text.charAt(end + 1));
  return " \t\r\n,;)}]\"'`<\\&|".includes(next);
}

function isUuid(value: string): boolean {
  return value.length === 36 && [8, 13, 18, 23].every((at) => value.charAt(at) === "-");
}
