/**
 * Reads the labelled sets that rails are measured on: the files `{rail}.{name}.jsonl` of one folder.
 *
 * Model. A row has a `text` and says what is in it: `label` 0 or 1, or `spans` with UTF-16 offsets, `end`
 * exclusive; a `role` says whose the text is, a user's if there is none. A line that is not such a row is left out and named with its file and number, because one bad line in
 * thousands should cost that line and not the figures; the command then ends as incomplete, so that nobody takes
 * the figures for those of the set.
 * Rejected: stopping at the first bad line, which shows one problem per run.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../src/lib/result.ts";
import { isObject } from "../../src/lib/json-object.ts";

export type ExpectedSpan = {
  /** UTF-16 offset of the first unit. */
  readonly start: number;
  /** UTF-16 offset just past the last unit. */
  readonly end: number;
  readonly type: string;
};

export type EvalRow = {
  /** Line of the file, from 1. */
  readonly line: number;
  readonly text: string;
  /** Whose message the text is in, as in a request. */
  readonly role: string;
  readonly isPositive: boolean;
  /** What there is to find; null: the row says only that there is something. */
  readonly spans: readonly ExpectedSpan[] | null;
};

export type EvalSet = {
  readonly rail: string;
  readonly name: string;
  readonly file: string;
  /** Every row says where its findings are. */
  readonly hasSpans: boolean;
  readonly rows: readonly EvalRow[];
  /** Lines that are no rows. */
  readonly badLines: number;
};

export type SetFile = { readonly rail: string; readonly name: string; readonly file: string };

/** Ten thousand long prompts; a set is in memory as a whole, and a larger one can be split. */
export const SET_BYTES_MAX = 64 * 1024 * 1024;

/** Bad lines of one file that are described one by one: by then the reader knows what is wrong with the file. */
export const BAD_LINES_SHOWN_MAX = 20;

const SUFFIX = ".jsonl";

/** The sets of a folder by file name, and what is wrong with the names of the other `.jsonl` files. */
export function listSets(folder: string): Result<{ files: SetFile[]; problems: string[] }, string> {
  const names = namesIn(folder);
  if (!names.ok) return names;
  const files: SetFile[] = [];
  const problems: string[] = [];
  for (const file of names.value.filter((name) => name.endsWith(SUFFIX)).sort()) {
    const dot = file.indexOf(".");
    const [rail, name] = [file.slice(0, dot), file.slice(dot + 1, -SUFFIX.length)];
    if (rail === "" || name === "") problems.push(`${file}: left out, name it {rail}.{set}.jsonl`);
    else files.push({ rail, name, file });
  }
  return ok({ files, problems });
}

/** One set and what is wrong with its lines; or why there is none. */
export function readSet(folder: string, { rail, name, file }: SetFile): Result<[EvalSet, string[]], string> {
  const text = readText(folder, file);
  if (!text.ok) return text;
  const rows: EvalRow[] = [];
  const problems: string[] = [];
  let wroteSpans = false;
  for (const [index, written] of text.value.split("\n").entries()) {
    if (written.trim() === "") continue;
    const row = parseRow(written, index + 1);
    if (row.ok) rows.push(row.value.row);
    else problems.push(`${file}:${index + 1}: line left out, ${row.error}`);
    if (row.ok && row.value.wroteSpans) wroteSpans = true;
  }
  const shown = problems.slice(0, BAD_LINES_SHOWN_MAX);
  if (problems.length > shown.length) shown.push(`${file}: ${problems.length - shown.length} more lines left out`);
  if (rows.length === 0) return err([...shown, `${file}: has no row, so there is nothing to measure`].join("\n"));
  const hasSpans = wroteSpans && rows.every(({ spans }) => spans !== null);
  return ok([{ rail, name, file, hasSpans, rows, badLines: problems.length }, shown]);
}

/** Options of a rail from a JSON file of the folder; undefined: there is no such file. */
export function readOptions(folder: string, file: string): Result<unknown, string> {
  const names = namesIn(folder);
  if (!names.ok) return names;
  if (!names.value.includes(file)) return ok(undefined);
  const text = readText(folder, file);
  if (!text.ok) return text;
  const parsed = parseJson(text.value);
  return parsed.ok ? parsed : err(`${file}: ${parsed.error}`);
}

function namesIn(folder: string): Result<string[], string> {
  try {
    return ok(readdirSync(folder));
  } catch (error) {
    return err(`the folder of --data cannot be read: ${messageOf(error)}`);
  }
}

function readText(folder: string, file: string): Result<string, string> {
  try {
    const path = join(folder, file);
    const { size } = statSync(path);
    if (size > SET_BYTES_MAX)
      return err(`${file}: left out, it has ${size} bytes of at most ${SET_BYTES_MAX}: split it`);
    return ok(readFileSync(path, "utf8").replace(/^\ufeff/, ""));
  } catch (error) {
    return err(`${file}: left out, it cannot be read: ${messageOf(error)}`);
  }
}

type ParsedRow = { readonly row: EvalRow; readonly wroteSpans: boolean };

function parseRow(written: string, line: number): Result<ParsedRow, string> {
  const parsed = parseJson(written);
  if (!parsed.ok) return parsed;
  if (!isObject(parsed.value)) return err('write one object a line, such as {"text": "…", "label": 0}');
  const { text, label, spans, role = "user" } = parsed.value;
  if (typeof text !== "string") return err('"text" must be a string');
  if (typeof role !== "string") return err('"role" must be a string, such as "tool"');
  if (label === undefined && spans === undefined) return err('give it "label": 0 or 1, or "spans": […]');
  if (label !== undefined && label !== 0 && label !== 1) return err('"label" must be the number 0 or 1');
  const expected = spans === undefined ? null : parseSpans(spans, text.length);
  if (expected !== null && !expected.ok) return expected;
  const list = expected?.value ?? [];
  if (label === 0 && list.length > 0) return err('"label" is 0 and there are "spans": one of the two is wrong');
  const isPositive = label === 1 || list.length > 0;
  const saysWhere = label === 0 || list.length > 0 || (label === undefined && expected !== null);
  return ok({
    row: { line, text, role, isPositive, spans: saysWhere ? list : null },
    wroteSpans: expected !== null,
  });
}

function parseSpans(spans: unknown, length: number): Result<ExpectedSpan[], string> {
  if (!Array.isArray(spans)) return err('"spans" must be a list');
  const byKey = new Map<string, ExpectedSpan>();
  for (const span of spans as readonly unknown[]) {
    if (!isObject(span)) return err('a span must be an object {"start", "end", "type"}');
    const { start, end, type } = span;
    if (typeof type !== "string" || type === "") return err('the "type" of a span must be a string that is not empty');
    if (!isOffset(start) || !isOffset(end) || start >= end || end > length) {
      const range = `${String(start)} to ${String(end)}`;
      return err(`a span must lie in the text and not be empty: ${range} of ${length} (UTF-16 units, "end" exclusive)`);
    }
    byKey.set(`${start} ${end} ${type}`, { start, end, type });
  }
  return ok([...byKey.values()].sort((one, other) => one.start - other.start || one.end - other.end));
}

function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function parseJson(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text));
  } catch {
    // The message of the parser quotes the text, which may be a secret.
    return err("it is not JSON");
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
