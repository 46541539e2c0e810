/**
 * Decides which scanners need to look at a piece of text at all. Most pieces are plain words, and wake nobody.
 *
 * Model. Each scanner names the characters without which it cannot match, or the length of the run that it needs. Each
 * is a bit. One pass over the piece, with one table look-up for each character, says whose bits are set. A character
 * that normalisation changes or removes wakes all of them.
 */
import { CHANGES, DIGIT, INVISIBLE, classOf } from "../text/code-points.ts";
import { isRunCode } from "./stream-scanner.ts";
import type { StreamScanner } from "./stream-scanner.ts";

export type Watch = {
  /** Scanners that look at everything, and so need no waking. */
  readonly always: number;
  readonly all: number;
  /** By ASCII code: scanners that the character wakes, and RUN. */
  readonly wakes: Uint32Array;
  /** By length of a run, up to RUN_CHARS_MAX: scanners that such a run wakes. */
  readonly byRun: Uint32Array;
};

/** Bits of a table entry but one. A pool has a handful of rails. */
const SCANNERS_MAX = 31;

const RUN = 2 ** 31;

/** A longer run wakes nobody whom this one has not woken. */
const RUN_CHARS_MAX = 64;

const watches = new WeakMap<readonly StreamScanner[], Watch>();

/** Made once for a list of scanners. */
export function watchFor(scanners: readonly StreamScanner[]): Watch {
  const known = watches.get(scanners);
  if (known !== undefined) return known;
  const wakes = Uint32Array.from({ length: 128 }, (_, code) => (isRunCode(code) ? RUN : 0));
  const byRun = new Uint32Array(RUN_CHARS_MAX + 1);
  let always = 0;
  for (const [index, { wake }] of scanners.entries()) {
    // Those that have no bit of their own look at everything.
    const bit = 1 << Math.min(index, SCANNERS_MAX - 1);
    if (wake === "always" || index >= SCANNERS_MAX - 1) {
      always |= bit;
      continue;
    }
    for (const char of wake.chars) wakes[char.charCodeAt(0)] = ((wakes[char.charCodeAt(0)] ?? 0) | bit) >>> 0;
    for (let run = wake.runChars; run <= RUN_CHARS_MAX; run += 1) byRun[run] = (byRun[run] ?? 0) | bit;
  }
  const watch = { always, all: 2 ** Math.min(scanners.length, SCANNERS_MAX) - 1, wakes, byRun };
  watches.set(scanners, watch);
  return watch;
}

/** The scanners, as bits, that may find something that begins in the piece and ends in it. */
export function wokenBy({ always, all, wakes, byRun }: Watch, piece: string): number {
  let woken = always;
  let run = 0;
  for (let at = 0; at < piece.length; at += 1) {
    const code = piece.charCodeAt(at);
    const bits = code < 128 ? (wakes[code] ?? 0) : isTransformed(code) ? all : RUN;
    woken |= bits;
    if (bits >= RUN) {
      run += 1;
      woken |= byRun[run < RUN_CHARS_MAX ? run : RUN_CHARS_MAX] ?? 0;
    } else run = 0;
  }
  return woken & all;
}

export function isWoken(woken: number, index: number): boolean {
  return (woken & (1 << Math.min(index, SCANNERS_MAX - 1))) !== 0;
}

/** Surrogates count: styled letters and tags are among them, and emoji are rare enough. */
function isTransformed(code: number): boolean {
  return (code >= 0xd800 && code < 0xe000) || (classOf(code) & (CHANGES | DIGIT | INVISIBLE)) !== 0;
}
