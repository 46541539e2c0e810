/**
 * `npm run eval:sets -- --out DIR [--gitleaks CLONE] [--trufflehog CLONE] [--presidio CLONE]
 * [--trees NAME=DIR …]`: sets for
 * `npm run eval:rails` from what the reader has on disk.
 *
 * Model. A clone (or a bare repository) is read through git at HEAD; a tree is walked. Rows of gitleaks' tests are put
 * into two sets by a hash of their rule. Of a tree every n-th file is taken, spread over all of it and the same each
 * time, so that a set stays small.
 * Rejected: committing the sets, which are other people's work under other licences.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { presidioTexts } from "./presidio-texts.ts";
import type { SpansRow } from "./presidio-texts.ts";
import { gitleaksTexts, halfOf, trufflehogTexts } from "./scanner-tests.ts";
import type { LabelledText } from "./scanner-tests.ts";

/** Of one tree; a set is read as a whole. */
const TREE_FILES_MAX = 2_000;

/** Larger files are data. */
const FILE_BYTES_MAX = 256 * 1024;

const TEXT_FILE =
  /\.(?:go|py|js|mjs|cjs|ts|tsx|jsx|json|md|mdx|h|hpp|c|cc|cpp|rs|java|rb|sh|ya?ml|toml|txt|css|html|sql|lock|sum|mod|cfg|ini|conf)$|\/(?:copyright|README|changelog|Makefile|Dockerfile)$/i;

type Row = { readonly text: string; readonly label: 0 | 1 } | SpansRow;

function main(): void {
  const { values } = parseArgs({
    options: {
      out: { type: "string" },
      gitleaks: { type: "string" },
      trufflehog: { type: "string" },
      presidio: { type: "string" },
      trees: { type: "string", multiple: true, default: [] },
    },
  });
  const { out, gitleaks, trufflehog, presidio, trees } = values;
  if (out === undefined) throw new Error("--out is needed: the folder for the sets");
  mkdirSync(out, { recursive: true });
  if (gitleaks !== undefined) {
    const texts = filesOf(gitleaks, /^cmd\/generate\/config\/rules\/.*\.go$/).flatMap(([, text]) =>
      gitleaksTexts(text),
    );
    for (const half of ["dev", "held"] as const)
      write(
        join(out, `secrets.gitleaks-${half}.jsonl`),
        texts.filter(({ rule }) => halfOf(rule) === half),
      );
  }
  if (trufflehog !== undefined) {
    const tests = /^pkg\/detectors\/(.+)\/[^/]+(?<!integration)_test\.go$/;
    const texts = filesOf(trufflehog, tests).flatMap(([path, text]) =>
      trufflehogTexts(text, tests.exec(path)?.[1] ?? path),
    );
    write(join(out, "secrets.trufflehog.jsonl"), texts);
  }
  if (presidio !== undefined) {
    const rows = filesOf(presidio, /^data\/synth_dataset_v2\.json$/).flatMap(([, text]) => presidioTexts(text));
    write(join(out, "pii.presidio-research.jsonl"), rows);
  }
  for (const tree of trees) {
    const [name = "", folder = ""] = tree.split("=", 2);
    const rows = textsIn(folder).map((text): Row => ({ text, label: 0 }));
    for (const rail of ["secrets", "pii", "injection"]) write(join(out, `${rail}.code-${name}.jsonl`), rows);
  }
}

function write(path: string, rows: readonly (Row | LabelledText)[]): void {
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const found = rows.filter((row) => ("spans" in row ? row.spans.length > 0 : row.label === 1)).length;
  process.stdout.write(`${path}: ${found} with something to find, ${rows.length - found} without\n`);
}

/** Paths and contents of the files at HEAD whose path fits. */
function filesOf(clone: string, path: RegExp): [path: string, text: string][] {
  const git = (args: readonly string[], input = ""): Buffer =>
    execFileSync("git", ["-C", clone, ...args], { input, maxBuffer: 512 * 1024 * 1024 });
  const paths = git(["ls-tree", "-r", "-z", "--name-only", "HEAD"]).toString().split("\0");
  const wanted = paths.filter((one) => path.test(one));
  const answer = git(["cat-file", "--batch"], wanted.map((one) => `HEAD:${one}\n`).join(""));
  let at = 0;
  return wanted.map((one): [string, string] => {
    const headEnd = answer.indexOf(10, at);
    const bytes = Number(answer.subarray(at, headEnd).toString().split(" ")[2]);
    at = headEnd + 1 + bytes + 1;
    return [one, answer.subarray(headEnd + 1, at - 1).toString()];
  });
}

function textsIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && TEXT_FILE.test(`/${entry.name}`))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const every = Math.max(1, Math.ceil(files.length / TREE_FILES_MAX));
  return files
    .filter((_, index) => index % every === 0)
    .map((file) => readFileSync(file))
    .filter((bytes) => bytes.length > 0 && bytes.length <= FILE_BYTES_MAX && !bytes.includes(0))
    .map((bytes) => bytes.toString());
}

main();
