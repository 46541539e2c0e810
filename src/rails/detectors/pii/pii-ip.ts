/**
 * Decides which dotted or colon-separated groups are addresses: IPv4, IPv6, and MAC.
 *
 * Model. IPv4: four numbers up to 255 without leading zeros, alone between their neighbours, and not after a word that
 * makes them a version. Four small numbers are a version or a section more often than an address (of random addresses
 * one in four thousand has them): there a port, a prefix length, a URL or a word has to say so. IPv6: RFC 4291 text,
 * eight groups or one "::", with an IPv4 tail or a zone. An operator who redacts addresses wants the private ones gone
 * too, and those of documentation stand for real ones; loopback, masks and multicast are nobody's.
 * Rejected: ports and prefix lengths as part of the span; they say nothing about a person.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { createContext, hasWord, readContext } from "./pii-context.ts";
import { endOf, isDigit, isWordCode, joinAfter, keep, lengthOf, startOf, valueOf } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** "version 10.0.0.1", "release is 1.2.3.4": how far before the number the word ends, in characters. */
const VERSION_CHARS = 12;

const DOT = 46;

export function findIpV4(scan: PiiScan): FoundSpan[] {
  const { text, starts, meter } = scan;
  const found: FoundSpan[] = [];
  const context = createContext(scan);
  for (let group = 0; group + 3 < starts.length; group += 1) {
    meter.steps += 1;
    if (joinAfter(scan, group) !== DOT || !isIpV4At(scan, group)) continue;
    const start = startOf(scan, group);
    const end = endOf(scan, group + 3);
    if (isNobodys(scan, group) || isProduct(text, start) || isContinued(text, end)) continue;
    readContext(context, start);
    if (hasWord(context, "version", start, VERSION_CHARS)) continue;
    if (isSmall(scan, group) && !isAddressed(text, start, end) && !hasWord(context, "host", start, HOST_CHARS))
      continue;
    if (!keep(scan, found, { start, end, type: "ip" })) break;
    group += 3;
  }
  return found;
}

/** Digits and one dot. */
function isDecimalAt(text: string, at: number): boolean {
  let end = at;
  while (end - at < 4 && isDigit(text.charCodeAt(end))) end += 1;
  if (text.charAt(end) !== ".") return false;
  const from = end + 1;
  end = from;
  while (end - from < 4 && isDigit(text.charCodeAt(end))) end += 1;
  return end > from;
}

/** IPv6 and MAC addresses: both hang on colons, and a text is one or the other. */
export function findColonAddresses(scan: PiiScan): FoundSpan[] {
  const found: FoundSpan[] = [];
  let from = 0;
  for (const colon of scan.colons) {
    if (colon < from) continue;
    const start = groupStart(scan, colon, from);
    if (start === null) continue;
    const parsed = parseGroups(scan, start);
    from = Math.max(colon + 1, parsed.end);
    const type = typeOf(scan.text, start, parsed);
    if (type !== null && !keep(scan, found, { start, end: parsed.end, type })) break;
  }
  return found;
}

function isIpV4At(scan: PiiScan, group: number): boolean {
  const before = scan.text.charCodeAt(startOf(scan, group) - 1);
  if (before === DOT || isWordCode(before)) return false;
  for (let part = group; part < group + 4; part += 1) {
    const length = lengthOf(scan, part);
    if (length > 3 || (part < group + 3 && joinAfter(scan, part) !== DOT) || valueOf(scan, part) > 255) return false;
    if (length > 1 && scan.text.charCodeAt(startOf(scan, part)) === 48) return false;
  }
  return true;
}

/** "ip address of the server is ": how far before four small numbers the word ends, in characters. */
const HOST_CHARS = 24;

/** This network, loopback, and from multicast on (RFC 6890): masks too. */
function isNobodys(scan: PiiScan, group: number): boolean {
  const first = valueOf(scan, group);
  return first === 0 || first === 127 || first >= 224;
}

/** Parts of versions and sections are smaller; 10.x is a private network's. */
const SMALL_PART_MAX = 39;
const PRIVATE_NETWORK = 10;

function isSmall(scan: PiiScan, group: number): boolean {
  if (valueOf(scan, group) === PRIVATE_NETWORK) return false;
  for (let part = group; part < group + 4; part += 1) if (valueOf(scan, part) > SMALL_PART_MAX) return false;
  return true;
}

/** "//" or "@" before it; a port or the length of a prefix behind it. */
function isAddressed(text: string, start: number, end: number): boolean {
  const before = text.charAt(start - 1);
  if (before === "@" || text.startsWith("//", start - 2)) return true;
  return (text.charAt(end) === ":" || text.charAt(end) === "/") && isDigit(text.charCodeAt(end + 1));
}

/** "Chrome/120.0.0.0", "linux-2.6.35.5"; "https://10.0.0.1" is none. */
function isProduct(text: string, start: number): boolean {
  const before = text.charAt(start - 1);
  if (before === "/") return isIn(text.charCodeAt(start - 2), CHARS.alnum);
  return (before === "-" || before === "~") && isIn(text.charCodeAt(start - 2), CHARS.letter);
}

/** Whether the number goes on: a fifth part, a letter, "-rc1", ".tar.gz". */
function isContinued(text: string, end: number): boolean {
  if (isWordCode(text.charCodeAt(end))) return true;
  // "3.51.98.32 2.03": numbers in a row.
  if (text.charAt(end) === " " && isDigit(text.charCodeAt(end + 1)) && isDecimalAt(text, end + 1)) return true;
  const joins = text.charAt(end) === "." || text.charAt(end) === "-" || text.charAt(end) === "+";
  if (text.charAt(end) === "." && isDigit(text.charCodeAt(end + 1))) return true;
  return joins && isIn(text.charCodeAt(end + 1), CHARS.lower);
}

/** Where the group before the first colon begins; null if no address can begin there. */
function groupStart({ text, meter }: PiiScan, colon: number, from: number): number | null {
  let start = colon;
  while (start > from && colon - start <= 4 && isIn(text.charCodeAt(start - 1), CHARS.hex)) start -= 1;
  meter.steps += colon - start + 1;
  if (colon - start > 4 || isWordCode(text.charCodeAt(start - 1)) || text.charAt(start - 1) === ".") return null;
  // "name:x:500:500::/home": a record whose fields colons part.
  if (text.charAt(start - 1) === ":" && start - 1 >= from && isWordCode(text.charCodeAt(start - 2))) return null;
  return start;
}

type Groups = {
  readonly end: number;
  readonly count: number;
  /** Groups before the "::", or -1. */
  readonly gapAt: number;
  readonly isPairs: boolean;
  readonly hasTail: boolean;
};

/** As many groups as there are from `start`, at most nine, which no address has. */
function parseGroups({ text, meter }: PiiScan, start: number): Groups {
  let at = start;
  let count = 0;
  let gapAt = -1;
  let isPairs = true;
  let hasTail = false;
  for (;;) {
    const groupAt = at;
    while (at - groupAt < 5 && isIn(text.charCodeAt(at), CHARS.hex)) at += 1;
    if (at > groupAt) {
      count += 1;
      if (at - groupAt !== 2) isPairs = false;
      const tailEnd = text.charAt(at) === "." ? ipV4End(text, groupAt) : null;
      if (tailEnd !== null) {
        at = tailEnd;
        hasTail = true;
        break;
      }
      if (at - groupAt > 4) count = 9;
    }
    if (count >= 9 || text.charAt(at) !== ":") break;
    if (text.charAt(at + 1) === ":") {
      if (gapAt >= 0) break;
      gapAt = count;
      at += 2;
      if (!isIn(text.charCodeAt(at), CHARS.hex)) break;
    } else if (isIn(text.charCodeAt(at + 1), CHARS.hex)) at += 1;
    else break;
  }
  meter.steps += at - start + 1;
  return { end: at + zoneLength(text, at), count, gapAt, isPairs, hasTail };
}

function typeOf(text: string, start: number, groups: Groups): "ip" | "mac" | null {
  const { end, count, gapAt, isPairs, hasTail } = groups;
  const next = text.charCodeAt(end);
  if (isWordCode(next) || (text.charAt(end) === ":" && isIn(text.charCodeAt(end + 1), CHARS.alnum))) return null;
  if (text.startsWith("ff0", start) && text.charAt(start + 4) === ":") return null;
  const full = count + (hasTail ? 1 : 0);
  if (gapAt < 0) {
    if (full === 8) return "ip";
    return count === 6 && isPairs && !hasTail ? "mac" : null;
  }
  if (full > 7 || count === 0) return null;
  return isTellingShort(text, start, groups) ? "ip" : null;
}

/** "a::b" is C++: a shortened address has a digit, and three groups or a first one of three, or is "::1". */
function isTellingShort(text: string, start: number, { end, count, gapAt, hasTail }: Groups): boolean {
  const literal = text.slice(start, end);
  if (hasTail || literal === "::1") return true;
  let hasDigit = false;
  for (let at = 0; at < literal.length; at += 1) hasDigit ||= isDigit(literal.charCodeAt(at));
  if (!hasDigit) return false;
  return count >= 3 || (gapAt > 0 && literal.indexOf(":") >= 3);
}

function ipV4End(text: string, start: number): number | null {
  let at = start;
  for (let part = 0; part < 4; part += 1) {
    const partAt = at;
    while (at - partAt < 4 && isDigit(text.charCodeAt(at))) at += 1;
    if (at === partAt || at - partAt > 3 || Number(text.slice(partAt, at)) > 255) return null;
    if (part < 3 && text.charAt(at) !== ".") return null;
    if (part < 3) at += 1;
  }
  return at;
}

/** "%eth0": an interface's name, at most 15 characters on Linux. */
function zoneLength(text: string, at: number): number {
  if (text.charAt(at) !== "%") return 0;
  let end = at + 1;
  while (end - at <= 15 && isIn(text.charCodeAt(end), CHARS.urlSafeDotted)) end += 1;
  return end === at + 1 ? 0 : end - at;
}
