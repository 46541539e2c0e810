/**
 * Credentials that are known by a mark inside or behind them instead of a prefix: private key blocks, bot tokens, and
 * keys with a literal in their middle. Each matcher is called where its mark is and looks a bounded way back.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { bodyLooksSecret } from "./secret-body.ts";
import { isKeyChar, KEY_CHARS, run } from "./secret-chars.ts";
import type { Segment } from "./secret-chars.ts";
import { runEnd, startsWith, takeTry } from "./secret-scan.ts";
import type { Scan } from "./secret-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** An RSA key of 16,384 bits takes 13 KiB. */
export const PEM_BODY_CHARS_MAX = 32_768;

/** Lines of a key have 64 characters and prose has no such word: a mention of the header alone does not fire. */
const PEM_RUN_MIN = 32;

/** Shorter lines count too where both ends of the block are there and this much of key is between them. */
const PEM_SHORT_RUN_MIN = 16;
const PEM_SHORT_BODY_CHARS_MIN = 64;

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
  const tail = `-----END ${label}-----`;
  const isWhole = startsWith(scan, tail, body.end);
  if (isWhole && body.keyChars >= PEM_SHORT_BODY_CHARS_MIN) {
    return { start: at, end: body.end + tail.length, type: "private_key" };
  }
  if (body.keyEnd === null) return null;
  return { start: at, end: isWhole ? body.end + tail.length : body.keyEnd, type: "private_key" };
}

type PemBody = {
  /** Where the body stops: at dashes or at what is no part of a key. */
  readonly end: number;
  /** Where its last long run of key ends. */
  readonly keyEnd: number | null;
  /** Characters in runs that may be lines of a key. */
  readonly keyChars: number;
};

function pemBody(scan: Scan, from: number): PemBody {
  const { text } = scan;
  const to = Math.min(text.length, from + PEM_BODY_CHARS_MAX);
  let keyEnd: number | null = null;
  let keyChars = 0;
  let at = from;
  while (at < to && !text.startsWith("-----", at) && isPemChar(text, at)) {
    const end = runEnd(scan, CHARS.base64, at);
    const looksKey =
      end - at >= PEM_SHORT_RUN_MIN && bodyLooksSecret(scan, at, Math.min(end, at + 64), { entropyMin: 3.5 });
    if (looksKey) keyChars += end - at;
    const isKey = end - at >= PEM_RUN_MIN && (keyEnd !== null || looksKey);
    // The last line of a key may have any length.
    if (isKey || (keyEnd !== null && text.charAt(at - 1) !== " ")) keyEnd = Math.max(end, keyEnd ?? 0);
    at = Math.max(end, at + 1);
  }
  scan.meter.steps += at - from;
  return { end: at, keyEnd, keyChars };
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

type Mark = {
  readonly type: string;
  readonly mark: string;
  /** Runs before the mark, the nearest first, with the literal between them. */
  readonly before: readonly Segment[];
  readonly after: readonly Segment[];
  readonly entropyMin: number;
};

const { alnum, digit, hex, padded, urlSafe, urlSafeDotted } = KEY_CHARS;

const MARKS: readonly Mark[] = [
  { type: "terraform_token", mark: ".atlasv1.", before: [run(alnum, 14)], after: [run(padded, 60, 70)], entropyMin: 3 },
  { type: "maxmind_key", mark: "_mmk", before: [run(alnum, 29), "_", run(alnum, 6)], after: [], entropyMin: 3 },
  { type: "mailchimp_key", mark: "-us", before: [run(hex, 32)], after: [run(digit, 1, 2)], entropyMin: 3 },
  { type: "facebook_token", mark: "|", before: [run(digit, 15, 16)], after: [run(urlSafe, 27, 40)], entropyMin: 3 },
  { type: "facebook_token", mark: "%7C", before: [run(digit, 15, 16)], after: [run(urlSafe, 27, 40)], entropyMin: 3 },
  { type: "facebook_token", mark: "%", before: [run(digit, 15, 16)], after: [run(urlSafe, 27, 40)], entropyMin: 3 },
];

/** Keys with a literal in their middle: name of the literal, and what finds the key around it. */
export const MARK_MATCHERS = MARKS.map((mark) => ({
  anchor: mark.mark,
  match: (scan: Scan, at: number): FoundSpan | null => matchMark(scan, mark, at),
}));

function matchMark(scan: Scan, { type, mark, before, after, entropyMin }: Mark, at: number): FoundSpan | null {
  let start: number | null = at;
  for (const segment of before) start = start === null ? null : segmentStart(scan, segment, start);
  if (start === null || isIn(scan.text.charCodeAt(start - 1), CHARS.alnum)) return null;
  let end = at + mark.length;
  for (const segment of after) {
    if (typeof segment === "string") return null;
    const next = runEnd(scan, segment.of, end);
    if (next - end < segment.min || next - end > segment.max) return null;
    end = next;
  }
  if (isIn(scan.text.charCodeAt(end), CHARS.alnum)) return null;
  return bodyLooksSecret(scan, start, end, { entropyMin }) ? { start, end, type } : null;
}

/** Where the segment that ends at `end` begins. */
function segmentStart({ text, meter }: Scan, segment: Segment, end: number): number | null {
  if (typeof segment === "string") return text.startsWith(segment, end - segment.length) ? end - segment.length : null;
  let start = end;
  while (start > 0 && end - start <= segment.max && isKeyChar(text.charCodeAt(start - 1), segment.of)) start -= 1;
  meter.steps += end - start + 1;
  return end - start >= segment.min && end - start <= segment.max ? start : null;
}

const AZURE_SECRET_CHARS = { before: 4, min: 31, max: 34 } as const;

/** `at` is where "Q~" begins: three characters and a digit, "Q~", 31 to 34 characters. */
export function matchAzureSecret(scan: Scan, at: number): FoundSpan | null {
  const start = at - AZURE_SECRET_CHARS.before;
  if (start < 0 || !isIn(scan.text.charCodeAt(at - 1), CHARS.digit)) return null;
  for (let before = start; before < at - 1; before += 1) {
    if (!isIn(scan.text.charCodeAt(before), urlSafeDotted)) return null;
  }
  if (start > 0 && isIn(scan.text.charCodeAt(start - 1), CHARS.alnum)) return null;
  const end = runEnd(scan, urlSafeDotted, at + 2);
  const { min, max } = AZURE_SECRET_CHARS;
  // A sentence may end behind the key.
  const length = Math.min(end - at - 2, scan.text.charAt(end - 1) === "." ? max : end - at - 2);
  if (length < min || length > max || !takeTry(scan, matchAzureSecret, end)) return null;
  const to = at + 2 + length;
  return bodyLooksSecret(scan, start, to, { entropyMin: 3 }) ? { start, end: to, type: "azure_client_secret" } : null;
}
