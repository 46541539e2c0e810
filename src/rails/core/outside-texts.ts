/**
 * Decides how the texts of a request become what a service takes, and where in them lies what it found.
 *
 * Model. A service reads one text of a bounded length; texts are put one behind the other with an empty line between,
 * and a new piece begins where the bound is reached, at a blank if one is near. A place in a piece is a place in one or
 * more texts; what lies between texts is in none. Services that count code points are counted with.
 * Rejected: one call for each text, which for a long conversation is hundreds; and overlaps, which count a find twice.
 */
import type { FoundSpan, TextPart } from "./rail.ts";

/** Part of a text, and where it stands in the piece. */
type Place = { readonly path: string; readonly at: number; readonly from: number; readonly length: number };

export type Piece = { readonly text: string; readonly places: readonly Place[] };

/** Between texts: a blank line is no part of either. */
const BETWEEN = "\n\n";

/** How far before the bound a blank is looked for. */
const BLANK_CHARS_MAX = 200;

/** Pieces of at most `charsMax` UTF-16 units, in the order of the texts. Throws if there are more than `piecesMax`. */
export function piecesOf(parts: readonly TextPart[], charsMax: number, piecesMax: number): readonly Piece[] {
  const pieces: { text: string; places: Place[] }[] = [];
  for (const { path, text } of parts) {
    for (let from = 0; from < text.length;) {
      let last = pieces.at(-1);
      const room = last === undefined ? 0 : charsMax - last.text.length - BETWEEN.length;
      // A text that does not fit is begun in a piece of its own: it is cut as rarely as it can be.
      if (last === undefined || room < Math.min(text.length - from, charsMax)) {
        if (pieces.length === piecesMax) throw new Error(`the texts need more than ${piecesMax} calls`);
        pieces.push((last = { text: "", places: [] }));
      }
      const at = last.text === "" ? 0 : last.text.length + BETWEEN.length;
      const length = cutAt(text, from, charsMax) - from;
      last.text = (at === 0 ? "" : last.text + BETWEEN) + text.slice(from, from + length);
      last.places.push({ path, at, from, length });
      from += length;
    }
  }
  return pieces;
}

function cutAt(text: string, from: number, charsMax: number): number {
  const end = from + charsMax;
  if (end >= text.length) return text.length;
  const blank = Math.max(text.lastIndexOf(" ", end), text.lastIndexOf("\n", end));
  if (blank > end - BLANK_CHARS_MAX && blank > from) return blank;
  // Not between the two halves of a character.
  const unit = text.charCodeAt(end);
  return unit >= 0xdc00 && unit < 0xe000 && charsMax > 1 ? end - 1 : end;
}

/** Adds what lies at `[start, end)` of the piece to the spans of its texts. Throws if it is no place in the piece. */
export function addFound(spans: Map<string, FoundSpan[]>, piece: Piece, { start, end, type }: FoundSpan): void {
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end <= start || end > piece.text.length)
    throw new Error("a span lies beyond its text");
  for (const { path, at, from, length } of piece.places) {
    const first = Math.max(start, at);
    const last = Math.min(end, at + length);
    if (first >= last) continue;
    const list = spans.get(path) ?? [];
    list.push({ start: first - at + from, end: last - at + from, type });
    spans.set(path, list);
  }
}

/** From offsets in code points, in ascending order or not, to those in UTF-16 units; NaN beyond the text. */
export function unitOffsets(text: string): (codePoints: number) => number {
  // Without surrogates, which is nearly always, both are the same.
  const wide: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800 || unit >= 0xdc00 || (text.codePointAt(at) ?? 0) <= 0xffff) continue;
    wide.push(at - wide.length);
    at += 1;
  }
  return (codePoints) => {
    let [low, high] = [0, wide.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((wide[middle] ?? 0) < codePoints) low = middle + 1;
      else high = middle;
    }
    const units = codePoints + low;
    return units <= text.length ? units : Number.NaN;
  };
}
