/**
 * Reads what the injection model is trained and measured on: labelled sets, and plain documents as harmless text.
 *
 * Model. Rows of one set repeat each other (a translation, the same order behind another question), so rows that share
 * a run of words belong to one group, and a group is never on both sides of a split: otherwise the figures flatter.
 */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hashOfWord } from "../../src/rails/detectors/injection/injection-words.ts";
import type { Rng } from "../../src/lib/rng.ts";
import { shuffle } from "./injection-synthesis.ts";
import type { Example } from "./injection-synthesis.ts";

/** Words in a row that two rows of one group share; a shorter row must be contained as a whole. */
const SHARED_WORDS = 6;

/** Characters of one piece of a document, and pieces of one document: no document may dominate. */
const PIECE_CHARS = 4000;
const PIECES_MAX = 8;

/** And one as short as what people paste. */
const SHORT_PIECE_CHARS = 1500;

/** Files of documents, by the ends of their names: what people paste, and what tools read. */
const DOCUMENT_NAME =
  /\.(?:md|txt|rst|html|go|py|[cm]?[jt]s|json|c|h|sh|pm|pl|css|yaml|toml)$|(?:LICEN[CS]E|NOTICE|README|copyright|changelog|NEWS|FAQ)[^/]*$/i;

/** Larger files are tables or bundles; their first pieces would say little about the rest. */
const DOCUMENT_BYTES_MAX = 1024 * 1024;

/** Folders of documents are trained on by halves: the other half is for measuring. */
const FOLDER_PARTS = 4;
const FOLDER_PARTS_TRAINED = 2;

/** The sets of `folder`, files `injection.{set}.jsonl` with a `text` and a `label` a line, by name. */
export function readSets(folder: string): Example[] {
  const files = readdirSync(folder).filter((name) => /^injection\..+\.jsonl$/.test(name));
  return files.sort().flatMap((name) => {
    const set = name.slice("injection.".length, -".jsonl".length);
    const lines = readFileSync(join(folder, name), "utf8").split("\n");
    return lines.filter((line) => line.trim() !== "").map((line) => exampleOf(JSON.parse(line), set));
  });
}

/** Pieces of the documents and sources below `folders`, in the folders that are trained on. */
export function readBackground(folders: readonly string[], rng: Rng): Example[] {
  const pieces = folders.flatMap((folder) => {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const files = names.filter((name) => DOCUMENT_NAME.test(name) && isTrained(dirname(name)));
    return files.sort().flatMap((name) => piecesOf(readDocument(join(folder, name)), rng));
  });
  return shuffle(pieces, rng).map((text) => ({ text, label: 0, set: "background" }));
}

/** By the hash of the folder's path, so that anybody can tell the halves apart. */
function isTrained(folder: string): boolean {
  return (hashOfWord(folder) >>> 8) % FOLDER_PARTS < FOLDER_PARTS_TRAINED;
}

/** Empty where it is no text, or too large. */
function readDocument(path: string): string {
  const stat = lstatSync(path);
  if (!stat.isFile() || stat.size > DOCUMENT_BYTES_MAX) return "";
  const text = readFileSync(path, "utf8");
  return text.includes("\0") || text.includes("\ufffd") ? "" : text;
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

/** The first piece, and others at random places. */
function piecesOf(document: string, rng: Rng): string[] {
  const count = Math.min(PIECES_MAX, Math.ceil(document.length / PIECE_CHARS));
  const pieces = Array.from({ length: count }, (_, index) => {
    const at = index === 0 || count < PIECES_MAX ? index * PIECE_CHARS : Math.floor(rng() * document.length);
    return document.slice(at, at + PIECE_CHARS);
  });
  const at = Math.floor(rng() * document.length);
  return [...pieces, document.slice(at, at + SHORT_PIECE_CHARS)].filter((piece) => piece !== "");
}

function exampleOf(row: unknown, set: string): Example {
  const { text, label } = row as { text?: unknown; label?: unknown };
  if (typeof text !== "string" || (label !== 0 && label !== 1)) {
    throw new Error(`a row of ${set} has no text or no label 0 or 1`);
  }
  return { text, label, set };
}
