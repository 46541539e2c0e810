/**
 * Reads recorded workloads: the Azure LLM inference traces (CSV) and Mooncake's (JSON lines with prefix blocks).
 *
 * Sources: github.com/Azure/AzurePublicDataset, `TIMESTAMP,ContextTokens,GeneratedTokens`, CC-BY;
 * github.com/kvcache-ai/Mooncake, `{timestamp, input_length, output_length, hash_ids}` with blocks of 512 tokens,
 * Apache-2.0. Neither is part of this repository: `--trace FILE` names a copy.
 */
import { err, ok, type Result } from "../../src/lib/result.ts";

export type TraceRow = {
  /** From the first request of the file, ms. */
  readonly atMs: number;
  readonly promptTokens: number;
  /** >= 1 */
  readonly outputTokens: number;
  /** Ids of the prompt's blocks in order; equal ids are equal text with equal text before it. */
  readonly blocks: readonly number[];
};

/** Longer files are data sets, not traces: two million rows are 150 MB of text. */
const TRACE_ROWS_MAX = 2_000_000;

/** In order of time. The error names the first line that is wrong. */
export function parseTrace(text: string): Result<readonly TraceRow[], string> {
  const lines = text.split("\n").map((line) => line.trim());
  const isJson = lines[0]?.startsWith("{") === true;
  const rows: TraceRow[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === "" || (index === 0 && !isJson)) continue;
    const row = isJson ? mooncakeRow(line) : azureRow(line);
    if (row === null) return err(`line ${index + 1} is neither an Azure nor a Mooncake row: ${line.slice(0, 80)}`);
    if (rows.length >= TRACE_ROWS_MAX) return err(`more than ${TRACE_ROWS_MAX} rows`);
    rows.push(row);
  }
  const first = rows.reduce((least, { atMs }) => Math.min(least, atMs), Infinity);
  if (rows.length < 2) return err("a trace needs at least two requests");
  return ok(rows.map((row) => ({ ...row, atMs: row.atMs - first })).sort((a, b) => a.atMs - b.atMs));
}

/** `2023-11-16 18:17:03.9799600,4808,10`: seven decimals, which Date does not read. */
const AZURE = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?(?:\+00:00)?,(\d+),(\d+)$/;

function azureRow(line: string): TraceRow | null {
  const [, day, time, fraction, context, generated] = AZURE.exec(line) ?? [];
  if (day === undefined) return null;
  return {
    atMs: Date.parse(`${day}T${time}Z`) + Number(fraction ?? 0) * 1_000,
    promptTokens: Number(context),
    outputTokens: Math.max(1, Number(generated)),
    blocks: [],
  };
}

function mooncakeRow(line: string): TraceRow | null {
  try {
    const row = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const { timestamp, input_length: input, output_length: output, hash_ids: blocks } = row;
    if (typeof timestamp !== "number" || typeof input !== "number" || typeof output !== "number") return null;
    if (!Array.isArray(blocks) || !blocks.every((block) => typeof block === "number")) return null;
    return { atMs: timestamp, promptTokens: input, outputTokens: Math.max(1, output), blocks };
  } catch {
    return null;
  }
}
