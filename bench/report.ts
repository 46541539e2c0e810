/** Turns measured rounds into the figures of the overhead benchmark, and the figures into a table. */
import { median, percentile } from "./stats.ts";
import type { Phase, PhaseResult, Window } from "./rounds.ts";

/** CPU per request of the full path over the floor's, at 16 connections: what the project wants to keep. */
const CPU_RATIO_AIM = 1.6;

/** A gateway under JSON load. CPU is null where the platform does not tell it. */
type JsonFigures = {
  readonly rps: number;
  readonly cpuUs: number | null;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

type Pair<Figures> = { readonly floor: Figures; readonly full: Figures };

export type JsonResult = Pair<JsonFigures> & { readonly ratio: { readonly rps: number; readonly cpu: number | null } };

type StreamFigures = {
  readonly streams: number;
  readonly cpuMsPerStream: number | null;
  readonly ttftP50Ms: number;
  readonly ttftP99Ms: number;
};

export type StreamResult = Pair<StreamFigures> & {
  readonly connections: number;
  readonly chunks: number;
  readonly intervalMs: number;
  readonly cpuRatio: number | null;
  readonly ttftAddedMs: { readonly p50: number; readonly p99: number };
};

/** What `--json` writes. */
export type Report = JsonResult & {
  /** Of one stream at a time: nothing of it is waiting for another request. */
  readonly ttftAddedMs: { readonly p50: number; readonly p99: number };
  readonly streams: readonly StreamResult[];
  readonly connections: number;
  readonly rounds: number;
  readonly droppedRounds: number;
  readonly machine: string;
  readonly pinning: string;
};

/** The windows of both contenders; the floor is the first. */
function split({ rounds }: PhaseResult): Pair<readonly Window[]> {
  return { floor: rounds.flatMap(([floor]) => floor ?? []), full: rounds.flatMap(([, full]) => full ?? []) };
}

export function jsonResult(result: PhaseResult): JsonResult {
  const { floor, full } = split(result);
  return {
    floor: jsonFigures(floor),
    full: jsonFigures(full),
    ratio: { rps: pairedRatio(floor, full, rps) ?? Number.NaN, cpu: pairedRatio(floor, full, cpuMsEach) },
  };
}

function jsonFigures(windows: readonly Window[]): JsonFigures {
  const cpuMs = medianOf(windows, cpuMsEach);
  return {
    rps: rounded(median(windows.map(rps)), 0),
    cpuUs: cpuMs === null ? null : rounded(cpuMs * 1_000, 1),
    p50Ms: rounded(median(windows.map(({ latenciesMs }) => percentile(latenciesMs, 0.5))), 3),
    p99Ms: rounded(median(windows.map(({ latenciesMs }) => percentile(latenciesMs, 0.99))), 3),
  };
}

export function streamResult(phase: Phase, result: PhaseResult): StreamResult {
  const { floor: floorWindows, full: fullWindows } = split(result);
  const floor = streamFigures(floorWindows);
  const full = streamFigures(fullWindows);
  return {
    connections: phase.connections,
    chunks: phase.pace?.chunks ?? 0,
    intervalMs: phase.pace?.intervalMs ?? 0,
    floor,
    full,
    cpuRatio: pairedRatio(floorWindows, fullWindows, cpuMsEach),
    ttftAddedMs: {
      p50: rounded(full.ttftP50Ms - floor.ttftP50Ms, 3),
      p99: rounded(full.ttftP99Ms - floor.ttftP99Ms, 3),
    },
  };
}

/** A round has too few streams for a 99th percentile of its own, so the samples of all rounds go together. */
function streamFigures(windows: readonly Window[]): StreamFigures {
  const ttftsMs = windows.flatMap((window) => [...window.ttftsMs]);
  const cpuMs = medianOf(windows, cpuMsEach);
  return {
    streams: ttftsMs.length,
    cpuMsPerStream: cpuMs === null ? null : rounded(cpuMs, 3),
    ttftP50Ms: rounded(percentile(ttftsMs, 0.5), 3),
    ttftP99Ms: rounded(percentile(ttftsMs, 0.99), 3),
  };
}

const rps = ({ latenciesMs, elapsedMs }: Window): number => (latenciesMs.length * 1_000) / elapsedMs;

const cpuMsEach = ({ cpuMs, latenciesMs }: Window): number | null =>
  cpuMs === null ? null : cpuMs / latenciesMs.length;

function medianOf(windows: readonly Window[], figure: (window: Window) => number | null): number | null {
  const values = windows.map(figure).filter((value) => value !== null);
  return values.length === 0 ? null : median(values);
}

/** Median over rounds of full ÷ floor of the same round: what slows the whole machine for a while cancels out. */
function pairedRatio(
  floor: readonly Window[],
  full: readonly Window[],
  figure: (window: Window) => number | null,
): number | null {
  const ratios = floor.flatMap((window, index) => {
    const other = full[index];
    const [below, above] = [figure(window), other === undefined ? null : figure(other)];
    return below === null || above === null ? [] : [above / below];
  });
  return ratios.length === 0 ? null : rounded(median(ratios), 3);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The report for a person. */
export function reportText(report: Report): string {
  const { floor, full, ratio } = report;
  const json = [
    ["", "requests/s", "CPU µs/request", "p50 ms", "p99 ms"],
    ...Object.entries({ floor, full }).map(([name, figures]) => [
      name,
      figures.rps.toFixed(0),
      cell(figures.cpuUs, 0),
      figures.p50Ms.toFixed(2),
      figures.p99Ms.toFixed(2),
    ]),
    [
      "full ÷ floor",
      ratio.rps.toFixed(2),
      cell(ratio.cpu, 2),
      (full.p50Ms / floor.p50Ms).toFixed(2),
      (full.p99Ms / floor.p99Ms).toFixed(2),
    ],
  ];
  const streams = [
    [
      "at once",
      "events",
      "floor TTFT p50/p99 ms",
      "full TTFT p50/p99 ms",
      "added p50/p99 ms",
      "CPU ms/stream",
      "÷ floor",
    ],
    ...report.streams.map((row) => [
      String(row.connections),
      `${row.chunks} every ${row.intervalMs} ms`,
      `${row.floor.ttftP50Ms.toFixed(2)} / ${row.floor.ttftP99Ms.toFixed(2)}`,
      `${row.full.ttftP50Ms.toFixed(2)} / ${row.full.ttftP99Ms.toFixed(2)}`,
      `${row.ttftAddedMs.p50.toFixed(2)} / ${row.ttftAddedMs.p99.toFixed(2)}`,
      `${cell(row.floor.cpuMsPerStream, 2)} → ${cell(row.full.cpuMsPerStream, 2)}`,
      cell(row.cpuRatio, 2),
    ]),
  ];
  const counted = `medians over ${report.rounds - report.droppedRounds} rounds, ${report.droppedRounds} disturbed ones dropped`;
  return [
    `JSON answers, ${report.connections} connections (${counted}):`,
    table(json),
    "",
    "Streams:",
    table(streams),
    "",
    verdict(ratio.cpu),
  ].join("\n");
}

function verdict(cpuRatio: number | null): string {
  if (cpuRatio === null) return "CPU: n/a, because this platform has no /proc that tells a process's CPU time.";
  const met = cpuRatio <= CPU_RATIO_AIM ? "met" : "MISSED";
  return `Aim: at most ${CPU_RATIO_AIM} x the floor's CPU per request at 16 connections: ${met} (${cpuRatio.toFixed(2)}).`;
}

const cell = (value: number | null, digits: number): string => (value === null ? "n/a" : value.toFixed(digits));

/** First column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join("  "),
    )
    .map((line) => `  ${line.trimEnd()}`)
    .join("\n");
}
