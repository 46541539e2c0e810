/**
 * Decides which text the rails match instead of the one that was sent, and where in the sent one a match lies.
 *
 * Model. Two views, each with a map back to the original. `normalise` reads like the original: compatibility forms
 * (NFKC) are replaced, invisible characters are gone, decimal digits of all scripts are ASCII. `fold` is for comparing
 * with phrases only: lower case, accents gone, look-alike letters as ASCII; phrases must be folded the same way. Text
 * that is plain ASCII, which is nearly all text, costs one pass and no new string. NFKC is applied to one cluster (a
 * character and what combines with it) at a time, which gives the same text, offsets that can be mapped, and a bound:
 * sorting the marks of one endless cluster takes the platform quadratic time.
 * Source: Unicode TR15 (stream-safe text has at most 30 combining marks in a row) and TR39 (look-alikes).
 * Rejected: normalising the text as a whole, for the reasons above; and removing accents of all scripts, which in Indic
 * scripts and in kana are letters.
 */
import { firstNonAscii } from "./char-class.ts";
import { CHANGES, DIGIT, INVISIBLE, JOINS, asciiDigit, classOf } from "./code-points.ts";
import { DROPPED, foldedUnit, foldedWide } from "./confusables.ts";
import { OffsetMap } from "./offset-map.ts";
import type { OffsetRange } from "./offset-map.ts";

/** Combining characters that are normalised with the character before them, from TR15's stream-safe format. */
export const CLUSTER_CHARS_MAX = 31;

/**
 * Units that one unit may become, so that a text cannot be blown up. Beyond it are Arabic ligatures of whole phrases
 * (up to 18 units) and some squared katakana words, which stay as they are.
 */
export const EXPANSION_UNITS_MAX = 4;

/** Without one of these bits a character stays as it is. */
const REWRITING = INVISIBLE | JOINS | CHANGES | DIGIT;

export type NormalText = {
  readonly text: string;
  /** The text is the original one, and offsets are the same. */
  readonly isSame: boolean;
  /** UTF-16 offsets in the original of a range of `text`. */
  original(start: number, end: number): OffsetRange;
};

/**
 * Texts of one request whose normal form is remembered: several rails read the same parts, one rail after the other.
 * Most requests have fewer parts of more than RECALLED_UNITS_MIN; of one with more, none is remembered when it is asked
 * for again, which costs a comparison of lengths.
 */
export const RECALLED_TEXTS_MAX = 8;

/** Shorter texts cost no more than to look them up. */
export const RECALLED_UNITS_MIN = 128;

/** Longer texts would take much room beside the request: with this, all of them are 4 MB, the normal form included. */
export const RECALLED_UNITS_MAX = 131_072;

/** What is remembered of the texts of one request or answer. Whoever reads it makes one, so that it ends with it. */
export type TextForms = {
  readonly texts: string[];
  readonly forms: NormalText[];
  next: number;
};

export function createForms(): TextForms {
  return { texts: [], forms: [], next: 0 };
}

/** NFKC, without invisible characters, decimal digits as ASCII. Linear in the length of the text. */
export function normalise(text: string, known?: TextForms): NormalText {
  if (known === undefined || text.length < RECALLED_UNITS_MIN || text.length > RECALLED_UNITS_MAX)
    return normalForm(text);
  // Equal strings that are not the same one are compared, once and natively; of other lengths, that is seen at once.
  const recalled = known.forms[known.texts.indexOf(text)];
  if (recalled !== undefined) return recalled;
  const form = normalForm(text);
  known.texts[known.next] = text;
  known.forms[known.next] = form;
  known.next = (known.next + 1) % RECALLED_TEXTS_MAX;
  return form;
}

function normalForm(text: string): NormalText {
  const from = firstNonAscii(text);
  if (from === text.length) return same(text);
  const writer = new ClusterWriter(text);
  // What combines with an ASCII character may be the first one that is not ASCII.
  let last = -1;
  let at = Math.max(0, from - 1);
  let codePoint = codePointAt(text, at);
  let bits = rewritingBits(codePoint);
  while (at < text.length) {
    const end = at + (codePoint > 0xffff ? 2 : 1);
    const next = codePointAt(text, end);
    const nextBits = rewritingBits(next);
    if (writer.isPending) writer.take(codePoint, bits, at);
    else if (bits !== 0) {
      if (((bits | nextBits) & (INVISIBLE | JOINS)) === 0) writer.put(formOfOne(codePoint), at, end);
      else {
        writer.begin(last, at);
        writer.take(codePoint, bits, at);
      }
    }
    last = at;
    at = end;
    codePoint = next;
    bits = nextBits;
  }
  return writer.finish();
}

/** 0 beyond the end. */
function codePointAt(text: string, at: number): number {
  if (at >= text.length) return 0;
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit < 0xdc00 ? (text.codePointAt(at) ?? unit) : unit;
}

const rewritingBits = (codePoint: number): number => (codePoint < 0x80 ? 0 : classOf(codePoint) & REWRITING);

/** By blocks of 256 code points: what a character becomes by itself. */
const ones: (string[] | undefined)[] = Array.from<string[] | undefined>({ length: 0x11_00 });

/** What stands for a character with which nothing combines: most that change are of this kind. */
function formOfOne(codePoint: number): string {
  const block = (ones[codePoint >> 8] ??= Array.from({ length: 256 }, () => ""));
  const known = block[codePoint & 0xff] ?? "";
  return known === "" ? (block[codePoint & 0xff] = boundedForm(String.fromCodePoint(codePoint))) : known;
}

/** The character itself where its form is too long. */
function boundedForm(visible: string): string {
  const form = withAsciiDigit(visible).normalize("NFKC");
  return form.length > EXPANSION_UNITS_MAX * Math.max(1, visible.length) ? visible : form;
}

/** As long as somebody has the normal form, and no longer, what was folded of it is known too. */
const foldedForms = new WeakMap<NormalText, NormalText>();

/**
 * For matching phrases: lower case, accents and other diacritics gone, look-alikes as ASCII. Never longer than its
 * input.
 */
export function fold(normal: NormalText): NormalText {
  let folded = foldedForms.get(normal);
  if (folded === undefined) foldedForms.set(normal, (folded = foldedForm(normal)));
  return folded;
}

function foldedForm(normal: NormalText): NormalText {
  const { text } = normal;
  if (firstNonAscii(text) === text.length) {
    const lower = text.toLowerCase();
    return lower === text ? normal : { text: lower, isSame: false, original: normal.original };
  }
  const units = new Uint16Array(text.length);
  const map = new OffsetMap();
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const wide = unit >= 0xd800 && unit < 0xdc00 ? foldedWide(text.codePointAt(at) ?? unit) : null;
    const folded = foldedUnit(wide ?? unit);
    if (folded === DROPPED) {
      map.extendLast(length, at, at + 1);
      continue;
    }
    units[length] = folded;
    length += 1;
    if (wide !== null) {
      map.add(length - 1, length, at, at + 2);
      at += 1;
    }
  }
  const foldedText = stringOf(units.subarray(0, length));
  if (foldedText === text) return normal;
  if (map.isEmpty) return { text: foldedText, isSame: false, original: normal.original };
  const original = (start: number, end: number): OffsetRange => {
    const range = map.toOld(start, end);
    return normal.original(range.start, range.end);
  };
  return { text: foldedText, isSame: false, original };
}

function same(text: string): NormalText {
  return { text, isSame: true, original: sameOffsets };
}

function sameOffsets(start: number, end: number): OffsetRange {
  return { start, end };
}

/** `String.fromCharCode` takes its units as arguments, of which a call can have only so many. */
const UNITS_PER_CALL_MAX = 8_192;

function stringOf(units: Uint16Array): string {
  let text = "";
  for (let at = 0; at < units.length; at += UNITS_PER_CALL_MAX) {
    text += Reflect.apply(String.fromCharCode, null, units.subarray(at, at + UNITS_PER_CALL_MAX));
  }
  return text;
}

/** Forms of clusters that change. Beyond as many all are forgotten: Unicode has about 8,000 characters that change. */
const FORMS_MAX = 16_384;
/** Longer clusters are rare, and a key of a map is read whole. */
const FORM_UNITS_MAX = 4;
/** Single characters with their marks, never a text: nothing of a request can be read from them. */
const forms = new Map<string, string>();

/** The same of two units, by the second and then by the first; null where the pair stays as it is. */
const pairs = new Map<number, Map<number, string | null>>();
let pairsKnown = 0;

/** Collects the normal form. The cluster that is being read is `[#start, #end)`, the rest is written or copied. */
class ClusterWriter {
  readonly #text: string;
  readonly #map = new OffsetMap();
  /** Made for the first change. */
  #units = NO_UNITS;
  #length = 0;
  /** The original up to here is in `#units`. */
  #copied = 0;
  #start = 0;
  #end = 0;
  #chars = 0;
  /** Bits of the characters of the cluster. */
  #bits = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Is the cluster one that may change; if not, what begins a cluster need not be told. */
  get isPending(): boolean {
    return this.#bits !== 0;
  }

  /** The character before `at` begins at `last`, which is negative if there is none: its cluster may go on. */
  begin(last: number, at: number): void {
    this.#start = last < 0 ? at : last;
    this.#end = at;
    this.#chars = last < 0 ? 0 : 1;
  }

  take(codePoint: number, bits: number, at: number): void {
    if ((bits & INVISIBLE) !== 0) {
      this.#bits |= INVISIBLE;
      return;
    }
    const joins = (bits & JOINS) !== 0 && this.#chars > 0 && this.#chars < CLUSTER_CHARS_MAX;
    if (!joins) {
      if (this.#bits !== 0) this.#write(at);
      this.#start = at;
      this.#chars = 0;
      this.#bits = 0;
    }
    this.#bits |= bits;
    this.#chars += 1;
    this.#end = at + (codePoint > 0xffff ? 2 : 1);
  }

  /** A character that nothing combines with, and what it becomes. */
  put(form: string, at: number, end: number): void {
    this.#copyTo(at);
    if (form.length !== 1 || end - at !== 1) this.#map.add(this.#length, this.#length + form.length, at, end);
    this.#append(form, 0, form.length);
    this.#copied = end;
  }

  finish(): NormalText {
    if (this.#bits !== 0) this.#write(this.#text.length);
    if (this.#copied === 0) return same(this.#text);
    this.#copyTo(this.#text.length);
    const map = this.#map;
    const original = (start: number, end: number): OffsetRange => map.toOld(start, end);
    return { text: stringOf(this.#units.subarray(0, this.#length)), isSame: false, original };
  }

  /** Writes the cluster if its normal form differs, and skips the invisible characters between it and `next`. */
  #write(next: number): void {
    if ((this.#bits & (CHANGES | JOINS)) !== 0) {
      const units = this.#end - this.#start;
      const form = units === 2 && this.#chars === 2 ? this.#formOfPair() : this.#formOf();
      if (form !== null) this.#replace(form, units);
    }
    if (next > this.#end) {
      this.#copyTo(this.#end);
      this.#map.add(this.#length, this.#length, this.#end, next);
      this.#copied = next;
    }
  }

  #replace(form: string, clusterUnits: number): void {
    this.#copyTo(this.#start);
    // One unit for one needs no entry: the distance to the original stays.
    if (form.length !== 1 || clusterUnits !== 1) {
      this.#map.add(this.#length, this.#length + form.length, this.#start, this.#end);
    }
    this.#append(form, 0, form.length);
    this.#copied = this.#end;
  }

  /** Null: it stays as it is. */
  #formOf(): string | null {
    const cluster = this.#text.slice(this.#start, this.#end);
    let form = cluster.length > FORM_UNITS_MAX ? this.#composed(cluster) : forms.get(cluster);
    if (form === undefined) {
      form = this.#composed(cluster);
      if (forms.size >= FORMS_MAX) forms.clear();
      forms.set(cluster, form);
    }
    return form === cluster ? null : form;
  }

  /** Of two characters of one unit each, a letter and its mark, which most clusters are: no string is cut out. */
  #formOfPair(): string | null {
    const first = this.#text.charCodeAt(this.#start);
    const mark = this.#text.charCodeAt(this.#start + 1);
    let byFirst = pairs.get(mark);
    let form = byFirst?.get(first);
    if (form !== undefined) return form;
    form = this.#formOf();
    if (pairsKnown >= FORMS_MAX) {
      pairs.clear();
      pairsKnown = 0;
      byFirst = undefined;
    }
    if (byFirst === undefined) pairs.set(mark, (byFirst = new Map()));
    byFirst.set(first, form);
    pairsKnown += 1;
    return form;
  }

  #composed(cluster: string): string {
    const visible = (this.#bits & INVISIBLE) === 0 || this.#chars === 1 ? cluster : withoutInvisible(cluster);
    return boundedForm(visible);
  }

  #copyTo(end: number): void {
    if (end > this.#copied) this.#append(this.#text, this.#copied, end);
  }

  #append(from: string, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#units.length) this.#grow(needed);
    const units = this.#units;
    let length = this.#length;
    for (let at = start; at < end; at += 1) units[length++] = from.charCodeAt(at);
    this.#length = length;
  }

  #grow(needed: number): void {
    const grown = new Uint16Array(Math.max(needed + this.#text.length, 2 * this.#units.length));
    grown.set(this.#units.subarray(0, this.#length));
    this.#units = grown;
  }
}

const NO_UNITS = new Uint16Array(0);

function withoutInvisible(cluster: string): string {
  return Array.from(cluster)
    .filter((char) => (classOf(char.codePointAt(0) ?? 0) & INVISIBLE) === 0)
    .join("");
}

function withAsciiDigit(cluster: string): string {
  const codePoint = cluster.codePointAt(0) ?? 0;
  if ((classOf(codePoint) & DIGIT) === 0) return cluster;
  return asciiDigit(codePoint) + cluster.slice(codePoint > 0xffff ? 2 : 1);
}
