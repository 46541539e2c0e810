/**
 * Reads what the injection model is trained and measured on: labelled sets, and plain documents as harmless text.
 *
 * Model. Rows of one set repeat each other (a translation, the same order behind another question), so rows that share
 * a run of words belong to one group, and a group is never on both sides of a split: otherwise the figures flatter.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Rng } from "../../src/lib/rng.ts";
import { shuffle } from "./injection-synthesis.ts";
import type { Example } from "./injection-synthesis.ts";

/** Words in a row that two rows of one group share; a shorter row must be contained as a whole. */
const SHARED_WORDS = 6;

/** Characters of one piece of a document, and pieces of one document: no document may dominate. */
const PIECE_CHARS = 4000;
const PIECES_MAX = 3;

/** Pieces of documents in all: a seventh of what is synthesised; a tree of packages has half as many. */
const BACKGROUND_MAX = 5000;

/** The sets of `folder`, files `injection.{set}.jsonl` with a `text` and a `label` a line, by name. */
export function readSets(folder: string): Example[] {
  const files = readdirSync(folder).filter((name) => /^injection\..+\.jsonl$/.test(name));
  return files.sort().flatMap((name) => {
    const set = name.slice("injection.".length, -".jsonl".length);
    const lines = readFileSync(join(folder, name), "utf8").split("\n");
    return lines.filter((line) => line.trim() !== "").map((line) => exampleOf(JSON.parse(line), set));
  });
}

/** Pieces of the documents, licences and type declarations below `folders`, chosen at random. */
export function readBackground(folders: readonly string[], rng: Rng): Example[] {
  const pieces = folders.flatMap((folder) => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (name) => /\.(?:md|d\.ts)$|(?:LICEN[CS]E|NOTICE)[^/]*$/i.test(name) && !/\.[cm]?js$/.test(name),
    );
    return files.sort().flatMap((name) => piecesOf(readFileSync(join(folder, name), "utf8")));
  });
  return shuffle(pieces, rng)
    .slice(0, BACKGROUND_MAX)
    .map((text) => ({ text, label: 0, set: "background" }));
}

/** The number of each example's group. */
export function groupsOf(examples: readonly Example[]): number[] {
  const parents = examples.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while ((parents[root] ?? root) !== root) root = parents[root] ?? root;
    parents[index] = root;
    return root;
  };
  const firstWith = new Map<string, number>();
  for (const [index, { text }] of examples.entries()) {
    const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    const size = Math.min(SHARED_WORDS, words.length);
    for (let at = 0; at + size <= words.length; at += 1) {
      const run = words.slice(at, at + size).join(" ");
      const first = firstWith.get(run);
      if (first === undefined) firstWith.set(run, index);
      else parents[rootOf(index)] = rootOf(first);
    }
  }
  return examples.map((_, index) => rootOf(index));
}

function piecesOf(document: string): string[] {
  const count = Math.min(PIECES_MAX, Math.ceil(document.length / PIECE_CHARS));
  return Array.from({ length: count }, (_, at) => document.slice(at * PIECE_CHARS, (at + 1) * PIECE_CHARS));
}

function exampleOf(row: unknown, set: string): Example {
  const { text, label } = row as { text?: unknown; label?: unknown };
  if (typeof text !== "string" || (label !== 0 && label !== 1)) {
    throw new Error(`a row of ${set} has no text or no label 0 or 1`);
  }
  return { text, label, set };
}
