/**
 * Decides whether the text of `warmpath.jsonc` is a config, and how its problems are shown.
 *
 * Model: `config-read.ts` reads it; here what it found is put into words. A problem says where, what, and what to write
 * instead. Never throws, on any text. A Worker loads this file only when its config is wrong. Rejected: stopping at the
 * first problem, which makes a new config a guessing game of ten rounds.
 */
import type * as z from "zod";
import { err, type Result } from "../lib/result.ts";
import { type ConfigPath } from "./config-finding.ts";
import { formatPath } from "./config-check.ts";
import { configJsonSchema, issueFindings, type SchemaFinding, valueAt } from "./config-issue.ts";
import { isSensitive, maskLine, maskSecrets, plainText } from "./config-mask.ts";
import { type ConfigFailure, readConfig } from "./config-read.ts";
import type { Config } from "./config.ts";

export type ConfigProblem = {
  /** "pools.llama.endpoints[0].region"; "" for the whole file. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** The value as written, shortened; null where there is none, "(hidden)" where it may be a secret. */
  readonly value: string | null;
  readonly problem: string;
  readonly fix: string;
};

/** A file that is wrong everywhere is usually wrong once; more would scroll the cause away. */
export const PROBLEMS_MAX = 50;
const VALUE_CHARS_MAX = 60;
/** Characters of a source line that are shown, the column in their middle. */
export const SOURCE_CHARS_MAX = 120;

export function parseConfig(text: string): Result<Config, readonly ConfigProblem[]> {
  const read = readConfig(text);
  return read.ok ? read : err(problemsOf(text, read.error, configJsonSchema));
}

/** At most `PROBLEMS_MAX`, in the order of the text. `schema`: the shape that it should have. */
export function problemsOf(
  text: string,
  failure: ConfigFailure,
  schema: () => z.core.JSONSchema.BaseSchema,
): readonly ConfigProblem[] {
  if (failure.kind === "text")
    return inOrder(failure.problems.map(({ path, offset, ...said }) => describe(text, path, offset, undefined, said)));
  const { value, offsetOf } = failure.document;
  const findings: readonly SchemaFinding[] =
    failure.kind === "shape"
      ? issueFindings(failure.issues, value, schema())
      : failure.findings.map((finding) => ({ ...finding, part: "value" }));
  return inOrder(
    findings.map(({ path, part, problem, fix }) => {
      const shown = part === "value" ? valueAt(value, path) : undefined;
      return describe(text, path, offsetOf(path, part), shown, { problem, fix });
    }),
  );
}

/** Text for a terminal: one block per problem, with the source line, a caret and the fix. */
export function formatProblems(text: string, problems: readonly ConfigProblem[], fileName: string): string {
  const lines = text.split(LINE_BREAK);
  const blocks = problems.map((problem) => {
    const { line, column, path, value, fix } = problem;
    const source = sourceAround(lines[line - 1] ?? "", column, isSensitive(path));
    const gutter = String(line);
    const pad = " ".repeat(gutter.length);
    return [
      `${fileName}:${line}:${column}${path === "" ? "" : ` ${path}`}`,
      `  ${gutter} | ${source.text}`,
      `  ${pad} | ${" ".repeat(source.caretAt)}^ ${problem.problem}${value === null ? "" : `: ${value}`}`,
      `  ${pad} = ${fix}`,
    ].join("\n");
  });
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return `${blocks.join("\n\n")}\n\n${count} in ${fileName}\n`;
}

function inOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return problems
    .toSorted((left, right) => left.line - right.line || left.column - right.column)
    .slice(0, PROBLEMS_MAX);
}

function describe(
  text: string,
  path: ConfigPath,
  offset: number,
  value: unknown,
  said: { readonly problem: string; readonly fix: string },
): ConfigProblem {
  const before = text.slice(0, offset).split(LINE_BREAK);
  const where = maskSecrets(formatPath(path));
  return {
    path: where,
    line: before.length,
    column: (before.at(-1) ?? "").length + 1,
    value: showValue(value, isSensitive(where)),
    problem: maskSecrets(said.problem),
    fix: maskSecrets(said.fix),
  };
}

const LINE_BREAK = /\r\n|\n|\r/;

function showValue(value: unknown, sensitive: boolean): string | null {
  if (value === undefined || (typeof value === "object" && value !== null)) return null;
  if (sensitive && typeof value === "string") return "(hidden)";
  const shown = maskSecrets(plainText(JSON.stringify(value)));
  return shown.length <= VALUE_CHARS_MAX ? shown : `${shown.slice(0, VALUE_CHARS_MAX - 1)}…`;
}

/** Only a window of a line is ever masked: the cost stays small on a file of one long line. */
const WINDOW_CHARS = 1000;

function sourceAround(line: string, column: number, sensitive: boolean): { text: string; caretAt: number } {
  const from = Math.max(0, column - 1 - WINDOW_CHARS);
  const caret = column - 1 - from;
  const masked = maskLine(line.slice(from, column - 1 + WINDOW_CHARS), sensitive ? caret : null);
  const start = masked.length <= SOURCE_CHARS_MAX ? 0 : Math.max(0, caret - SOURCE_CHARS_MAX / 2);
  return { text: masked.slice(start, start + SOURCE_CHARS_MAX), caretAt: caret - start };
}
