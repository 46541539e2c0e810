/**
 * Finds the places of a text that a renderer would turn into a link or load by itself.
 *
 * Model. Three passes, each linear, none of which believes what another one says about structure, because text that is
 * code to one renderer is markup to the next: Markdown destinations, HTML attributes, bare addresses. An address ends
 * where the next construct begins, so no two of a pass overlap. In doubt a place is one that loads by itself.
 * Source: CommonMark 6.3 to 6.6, GFM autolinks, HTML 13.1.2.
 * Rejected: a full parser, which answers for one renderer; and RegExp for constructs with ends, which is quadratic.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";

export type LinkPlace = {
  readonly start: number;
  readonly end: number;
  /** A renderer loads it without being asked: an image, a frame, a style. */
  readonly loads: boolean;
  /**
   * `markup`: escapes and entities apply. `parts`: several addresses and other things. `www`: without a scheme. `rest`:
   * what was not looked at, to the end of the text.
   */
  readonly form: "markup" | "parts" | "bare" | "www" | "rest";
};

/**
 * Places that one pass reports, about 40 ms of work: a text of the largest ordinary size has one in 40 characters then.
 * The rest of the text is one more place, which no list allows.
 */
export const PLACES_MAX = 10_000;

/** Nested brackets that are told apart; beyond it every destination counts as an image. Nobody nests ten. */
export const BRACKETS_MAX = 1_000;
/** Units of a tag's or attribute's name; those of interest have 15 at most. */
const NAME_UNITS_MAX = 32;

/** `[text](address)`, `![alt](address)`, `[label]: address`. */
export function markdownPlaces(text: string): LinkPlace[] {
  const places: LinkPlace[] = [];
  if (!text.includes("](") && !text.includes("]:")) return places;
  // A definition does not say whether an image or a link refers to it.
  const hasImage = text.includes("![");
  // Of each open bracket, whether it is an image's. An array that is pushed and popped took 300
  // times as long once compiled.
  const open = new Uint8Array(BRACKETS_MAX);
  let depth = 0;
  let overflowed = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x5c) at += 1;
    else if (unit === 0x5b) {
      if (depth < BRACKETS_MAX) {
        open[depth] = text.charCodeAt(at - 1) === 0x21 ? 1 : 0;
        depth += 1;
      } else overflowed = hasImage;
    } else if (unit === 0x5d) {
      const isImage = depth === 0 ? hasImage : open[depth - 1] === 1;
      if (depth > 0) depth -= 1;
      const next = text.charCodeAt(at + 1);
      if (next !== 0x28 && next !== 0x3a) continue;
      const loads = overflowed || (next === 0x28 ? isImage : hasImage);
      const { start, end, leads } = destination(text, at + 2);
      if (leads && !add(places, text, { start, end, loads, form: "markup" })) break;
    }
  }
  return places;
}

/** Addresses in attributes, `<a href="address">`, and autolinks, `<scheme:address>`. */
export function htmlPlaces(text: string): LinkPlace[] {
  const places: LinkPlace[] = [];
  let tag = "";
  for (let at = text.indexOf("<"); at >= 0 && at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x3c) {
      const name = nameAt(text, at + 1);
      if (name !== "" && text.charAt(at + 1 + name.length) === ":") {
        const end = autolinkEnd(text, at + 1);
        if (!add(places, text, { start: at + 1, end, loads: false, form: "markup" })) break;
      } else if (name !== "") tag = name;
    } else if (unit === 0x3d && tag !== "") {
      const attribute = attributeBefore(text, at);
      const form = ATTRIBUTES.get(attribute);
      if (form === undefined) continue;
      const isLink = attribute === "href" && (tag === "a" || tag === "area");
      const { start, end, isQuoted } = attributeValue(text, at + 1);
      if (!add(places, text, { start, end, loads: !isLink, form })) break;
      if (!isQuoted) at = Math.max(at, end - 1);
    }
  }
  return places;
}

/** `scheme://address` and `www.address` wherever they stand, except those with which one of the given places begins. */
export function barePlaces(text: string, except: readonly LinkPlace[]): LinkPlace[] {
  const places: LinkPlace[] = [];
  let next = 0;
  let colon = text.indexOf("://");
  let www = nextWww(text, 0);
  for (let from = 0; colon >= 0 || www >= 0;) {
    const isWww = www >= 0 && (colon < 0 || www < colon);
    const start = isWww ? www : schemeStart(text, colon, from);
    from = (isWww ? www : colon) + 3;
    if (isWww || start < colon) {
      while (next < except.length && (except[next]?.start ?? 0) < start) next += 1;
      const known = except[next]?.start === start ? except[next] : undefined;
      const end = bareEnd(text, start, known?.end ?? text.length);
      if (known === undefined) {
        const loads = !isWww && isStyleUrl(text, start);
        const form = isWww ? "www" : "bare";
        if (!add(places, text, { start, end: withoutPunctuation(text, start, end), loads, form })) break;
      }
      // An address inside another one is its parameter.
      from = Math.max(from, end);
    }
    if (colon >= 0 && colon < from) colon = text.indexOf("://", from);
    if (www >= 0 && www < from) www = nextWww(text, from);
  }
  return places;
}

/** Attributes that hold an address, or text with addresses in it. */
const ATTRIBUTES: ReadonlyMap<string, LinkPlace["form"]> = new Map([
  ...["src", "href", "xlink:href", "data", "poster", "background", "action", "formaction", "lowsrc", "dynsrc"].map(
    (name) => [name, "markup"] as const,
  ),
  ...["srcset", "imagesrcset", "style", "content", "ping", "srcdoc", "archive"].map((name) => [name, "parts"] as const),
]);

/** False once the rest of the text has become a place. */
function add(places: LinkPlace[], text: string, place: LinkPlace): boolean {
  const isRoom = places.length < PLACES_MAX;
  places.push(isRoom ? place : { start: place.start, end: text.length, loads: true, form: "rest" });
  return isRoom;
}

/** `leads`: it has a sign without which an address is relative. */
function destination(text: string, from: number): { start: number; end: number; leads: boolean } {
  let start = from;
  while (start < text.length && text.charCodeAt(start) <= 0x20) start += 1;
  const isBracketed = text.charCodeAt(start) === 0x3c;
  if (isBracketed) start += 1;
  let depth = 0;
  let leads = false;
  let end = start;
  for (; end < text.length; end += 1) {
    const unit = text.charCodeAt(end);
    if (unit === 0x5d && (text.charCodeAt(end + 1) === 0x28 || text.charCodeAt(end + 1) === 0x3a)) break;
    if (isBracketed ? unit === 0x3e || unit === 0x3c || unit === 0x0a : unit <= 0x20) break;
    leads ||= unit === 0x3a || unit === 0x2f || unit === 0x5c || unit === 0x26;
    if (isBracketed) continue;
    if (unit === 0x28) depth += 1;
    if (unit === 0x29 && (depth -= 1) < 0) break;
  }
  return { start, end, leads };
}

function autolinkEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && !isAutolinkEnd(text.charCodeAt(end))) end += 1;
  return end;
}

/** What ends an autolink or a value without quotes: a space, a control, or either angle bracket. */
function isAutolinkEnd(unit: number): boolean {
  return unit <= 0x20 || unit === 0x3c || unit === 0x3e;
}

function nameAt(text: string, from: number): string {
  let end = from;
  while (end - from < NAME_UNITS_MAX && isIn(text.charCodeAt(end), CHARS.kebab)) end += 1;
  return isIn(text.charCodeAt(from), CHARS.letter) ? text.slice(from, end).toLowerCase() : "";
}

/** The name before an equals sign, if a space, a slash or a quote is before it: `img.src = …` is a program. */
function attributeBefore(text: string, equalsAt: number): string {
  let end = equalsAt;
  while (end > 0 && text.charCodeAt(end - 1) <= 0x20) end -= 1;
  let start = end;
  while (end - start < NAME_UNITS_MAX && isNameUnit(text.charCodeAt(start - 1))) start -= 1;
  const before = text.charCodeAt(start - 1);
  const isSeparated = before <= 0x20 || before === 0x2f || before === 0x22 || before === 0x27;
  return isSeparated ? text.slice(start, end).toLowerCase() : "";
}

function isNameUnit(unit: number): boolean {
  return isIn(unit, CHARS.kebab) || unit === 0x3a;
}

/**
 * A quoted value ends at its quote: each opening quote is itself the end of the one before, so the search is linear. No
 * other attribute begins inside a value without quotes.
 */
function attributeValue(text: string, from: number): { start: number; end: number; isQuoted: boolean } {
  let start = from;
  while (start < text.length && text.charCodeAt(start) <= 0x20) start += 1;
  const quote = text.charAt(start);
  if (quote === '"' || quote === "'") {
    const end = text.indexOf(quote, start + 1);
    return { start: start + 1, end: end < 0 ? text.length : end, isQuoted: true };
  }
  let end = start;
  while (end < text.length && !isAutolinkEnd(text.charCodeAt(end))) end += 1;
  return { start, end, isQuoted: false };
}

function schemeStart(text: string, colon: number, from: number): number {
  let start = colon;
  while (start > from && colon - start < NAME_UNITS_MAX && isSchemeUnit(text.charCodeAt(start - 1))) start -= 1;
  while (start < colon && !isIn(text.charCodeAt(start), CHARS.letter)) start += 1;
  return start;
}

function isSchemeUnit(unit: number): boolean {
  return isIn(unit, CHARS.kebab) || unit === 0x2b || unit === 0x2e;
}

function nextWww(text: string, from: number): number {
  for (let dot = text.indexOf(".", from); dot >= 0; dot = text.indexOf(".", dot + 1)) {
    const start = dot - 3;
    if (start < from || isIn(text.charCodeAt(start - 1), CHARS.word) || text.charCodeAt(start - 1) === 0x2f) continue;
    if (isW(text.charCodeAt(start)) && isW(text.charCodeAt(start + 1)) && isW(text.charCodeAt(start + 2))) return start;
  }
  return -1;
}

function isW(unit: number): boolean {
  return (unit | 0x20) === 0x77;
}

function bareEnd(text: string, from: number, limit: number): number {
  let end = from;
  while (end < limit && !isBareEnd(text, end)) end += 1;
  return end;
}

function isBareEnd(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) {
    if (unit <= 0x20 || unit === 0x22 || unit === 0x3c || unit === 0x3e || unit === 0x60) return true;
    return unit === 0x5d && text.charCodeAt(at + 1) === 0x28;
  }
  // An ideographic full stop ends a sentence, unless a host may go on behind it.
  if (unit === 0x3002 || unit === 0xff61) return !isIn(text.charCodeAt(at + 1), CHARS.alnum);
  return unit === 0xa0 || (unit >= 0x3000 && unit <= 0x3011) || (unit >= 0xff01 && unit <= 0xff0c) || unit === 0xff1b;
}

/** The signs after an address that belong to the sentence around it. */
function withoutPunctuation(text: string, start: number, end: number): number {
  let last = end;
  while (last > start && ".,:;!?'*_~)]}".includes(text.charAt(last - 1))) last -= 1;
  return last;
}

/** In a style sheet, `url(address)` is loaded. */
function isStyleUrl(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - 5), start).toLowerCase();
  return before.endsWith("url(") || before.endsWith("url('") || before.endsWith('url("');
}
