/**
 * Decides which known word a misspelt one stands for: the nearest by edit distance, if it is near enough to be a typo.
 *
 * Model: optimal string alignment (insert, delete, replace, swap of neighbours), ignoring case and separators, because
 * `ttfb_timeout_ms` is `ttfbTimeoutMs`. A word that is near to the beginning of a known one counts too, one edit worse:
 * `concurency` is `concurrencyPerWorker`. Rejected: plain prefix match, which forgives no typo.
 */

/** Longer words are compared by their beginning: the cost is quadratic, and no key here is that long. */
const NEAREST_CHARS_MAX = 64;
/** Shorter words are the beginning of too many others. */
const PREFIX_CHARS_MIN = 4;

/** The closest of `known`, or null when none is within a third of the word's length (at least 1, at most 4 edits). */
export function nearest(word: string, known: readonly string[]): string | null {
  const wanted = plain(word);
  let best: string | null = null;
  let bestDistance = Math.min(4, Math.max(1, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

const plain = (word: string): string =>
  word
    .slice(0, NEAREST_CHARS_MAX)
    .toLowerCase()
    .replace(/[_\-. ]/g, "");

function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwap =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const substituted = at(previous, column - 1) + (isSame ? 0 : 1);
      const swapped = isSwap ? at(beforePrevious, column - 2) + 1 : Infinity;
      current.push(Math.min(at(previous, column) + 1, at(current, column - 1) + 1, substituted, swapped));
    }
    beforePrevious = previous;
    previous = current;
  }
  const whole = at(previous, right.length);
  return left.length < PREFIX_CHARS_MIN ? whole : Math.min(whole, Math.min(...previous) + 1);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Infinity;
