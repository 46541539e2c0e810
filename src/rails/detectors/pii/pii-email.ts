/**
 * Decides where an e-mail address lies around an at sign.
 *
 * Model. What people use of RFC 5321 and 6531: a local part of at most 64 letters, digits and `.` `_` `%` `+` `-` `'`,
 * and a domain of labels whose last is no number. Both sides are walked outward from the sign, never past the next one.
 * Rejected: all of RFC 5322's characters, which draw the "key=" and "/path/" before an address into it; and quoted
 * local parts, which nobody has.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { isDigit, isLetterBeyondAscii, isWordCode, keep } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** RFC 5321, 4.5.3.1.1. */
export const LOCAL_CHARS_MAX = 64;

/** RFC 5321, 4.5.3.1.2, without the dot at the end. */
export const DOMAIN_CHARS_MAX = 253;

export function findEmails(scan: PiiScan): FoundSpan[] {
  const found: FoundSpan[] = [];
  for (const at of scan.ats) {
    const start = localStart(scan, at, found.at(-1)?.end ?? 0);
    if (start === at) continue;
    const end = domainEnd(scan, at + 1);
    if (end === null || isRepository(scan.text, start, at, end)) continue;
    if (!keep(scan, found, { start, end, type: "email" })) break;
  }
  return found;
}

/** Where the local part begins; the at sign itself if there is none. */
function localStart({ text, meter }: PiiScan, at: number, from: number): number {
  const least = Math.max(from, at - LOCAL_CHARS_MAX - 1);
  let start = at;
  while (start > least && isLocal(text, start - 1)) start -= 1;
  meter.steps += at - start + 1;
  if (at - start > LOCAL_CHARS_MAX || text.charAt(at - 1) === ".") return at;
  while (start < at && !isLabelCode(text.charCodeAt(start)) && text.charAt(start) !== "_") start += 1;
  return start;
}

function isLocal(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (isWordCode(code)) return true;
  const char = text.charAt(at);
  // The n of an escaped line break (JSON as text) stays: telling it from a name is impossible.
  if (char === "'") return isWordCode(text.charCodeAt(at - 1)) && isWordCode(text.charCodeAt(at + 1));
  return char === "." ? text.charAt(at + 1) !== "." : char === "-" || char === "+" || char === "%";
}

/** Where the domain ends; null if it is none. */
function domainEnd({ text, meter }: PiiScan, start: number): number | null {
  let labelStart = start;
  let at = start;
  // The label that was last complete, and where it ends.
  let last = start;
  let end = start;
  while (at - start <= DOMAIN_CHARS_MAX) {
    const code = text.charCodeAt(at);
    if (isLabelCode(code) || code === 45) {
      at += 1;
      continue;
    }
    if (at === labelStart || text.charCodeAt(labelStart) === 45) break;
    last = labelStart;
    end = at;
    if (code !== 46 || !isLabelCode(text.charCodeAt(at + 1))) break;
    at += 1;
    labelStart = at;
  }
  meter.steps += at - start + 1;
  if (at - start > DOMAIN_CHARS_MAX || last === start || isImageSize(text, start)) return null;
  // "x@example.com-": a dash at the end belongs to the sentence.
  while (end > last && text.charCodeAt(end - 1) === 45) end -= 1;
  return topLevelEnd(text, last, end);
}

/**
 * Where the top-level domain ends: two letters or more, or an encoded name. "me@example.com-Office" ends at its dash.
 */
function topLevelEnd(text: string, start: number, end: number): number | null {
  if (text.startsWith("xn--", start)) return end;
  let at = start;
  while (at < end && isLetter(text.charCodeAt(at))) at += 1;
  return at - start >= 2 && (at === end || text.charAt(at) === "-") ? at : null;
}

function isLetter(code: number): boolean {
  return isIn(code, CHARS.letter) || isLetterBeyondAscii(code);
}

function isLabelCode(code: number): boolean {
  return isIn(code, CHARS.alnum) || isLetterBeyondAscii(code);
}

/** "icon@2x.png". */
function isImageSize(text: string, at: number): boolean {
  return isDigit(text.charCodeAt(at)) && text.charAt(at + 1) === "x" && text.charAt(at + 2) === ".";
}

/** "git@host.example:owner/name" is an address of a repository. */
function isRepository(text: string, start: number, at: number, end: number): boolean {
  const next = text.charCodeAt(end + 1);
  return text.charAt(end) === ":" && text.slice(start, at) === "git" && isLabelCode(next);
}
