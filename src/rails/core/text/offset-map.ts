/**
 * Where a piece of a rewritten text lay in the text that it was made from.
 *
 * Model. The rewritten text is a chain of stretches that were copied and of edits. An edit remembers four offsets: from
 * where to where it lies in the new text and in the old one (an edit that only removed something is empty in the new
 * text). Every offset between two edits is found by adding a distance, so a text with few edits needs little memory.
 * A range never includes what was removed beside it, always what was removed inside it, and the
 * whole of an edit that it touches.
 * Rejected: one old offset per new unit, which costs four bytes for every character of every prompt.
 */
const FIELDS = 4;
const EDITS_AT_FIRST = 16;

export type OffsetRange = { readonly start: number; readonly end: number };

/** Edits in ascending order, four numbers each: start and end in the new text, start and end in the old text. */
export class OffsetMap {
  #edits = new Uint32Array(EDITS_AT_FIRST * FIELDS);
  #used = 0;

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  add(newStart: number, newEnd: number, oldStart: number, oldEnd: number): void {
    if (this.#used === this.#edits.length) {
      const grown = new Uint32Array(this.#used * 2);
      grown.set(this.#edits);
      this.#edits = grown;
    }
    const edits = this.#edits;
    const at = this.#used;
    edits[at] = newStart;
    edits[at + 1] = newEnd;
    edits[at + 2] = oldStart;
    edits[at + 3] = oldEnd;
    this.#used = at + FIELDS;
  }

  /**
   * What was removed behind the unit that ends at `newEnd` belongs to it. Up to now its end in the old text was
   * `oldAt`.
   */
  extendLast(newEnd: number, oldAt: number, oldEnd: number): void {
    const last = this.#used - FIELDS;
    if (last >= 0 && this.#at(last + 1) === newEnd && this.#at(last + 3) === oldAt) this.#edits[last + 3] = oldEnd;
    else this.add(Math.max(0, newEnd - 1), newEnd, newEnd === 0 ? oldAt : oldAt - 1, oldEnd);
  }

  /** The range of the old text behind a range of the new text. */
  toOld(start: number, end: number): OffsetRange {
    const oldStart = this.#oldStart(start);
    return { start: oldStart, end: end > start ? this.#oldEnd(end) : oldStart };
  }

  #oldStart(start: number): number {
    const edit = this.#lastBefore(start + 1);
    if (edit < 0) return start;
    const newEnd = this.#at(edit + 1);
    return start < newEnd ? this.#at(edit + 2) : this.#at(edit + 3) + start - newEnd;
  }

  #oldEnd(end: number): number {
    const edit = this.#lastBefore(end);
    if (edit < 0) return end;
    return this.#at(edit + 3) + Math.max(0, end - this.#at(edit + 1));
  }

  /** Index of the last edit that starts before `at` in the new text; negative if there is none. */
  #lastBefore(at: number): number {
    let low = 0;
    let high = this.#used / FIELDS;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#at(middle * FIELDS) < at) low = middle + 1;
      else high = middle;
    }
    return (low - 1) * FIELDS;
  }

  #at(index: number): number {
    return this.#edits[index] ?? 0;
  }
}
