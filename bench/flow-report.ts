/** Turns a run of the flow benchmark into figures, and the figures into a table beside the published ones. */
import { percentile } from "./stats.ts";
import type { LoadResult } from "./flow-load.ts";
import { FLOORS_MS, harnessCeiling } from "./flow-workload.ts";
import type { Users } from "./flow-workload.ts";

/** Answers of a window. Latencies are of good answers only, null without one. */
export type Figures = {
  /** Answered or failed in the window. */
  readonly requests: number;
  readonly failures: number;
  /** `requests` over the whole window, its ramp included. */
  readonly rps: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
};

type Row = Readonly<Record<keyof Figures, number | null>> & { readonly name: string };

const NOT_PUBLISHED: Omit<Row, "name"> = {
  requests: null,
  failures: null,
  rps: null,
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
  maxMs: null,
};

type Group = { readonly users: Users; readonly rows: readonly Row[] };

/**
 * Of prompt-flow's servers in their own benchmark, eight processes on eight processors. 1,000 users: the article; 500
 * users: the result archive of version 1.12.0 in its repository.
 */
const PUBLISHED: readonly Group[] = [
  {
    users: { users: 1_000, rampPerSecond: 10, windowMs: 300_000 },
    rows: [
      { ...NOT_PUBLISHED, name: "threads", failures: 1, rps: 40.6, p50Ms: 9_900, p99Ms: 48_000 },
      { ...NOT_PUBLISHED, name: "async", requests: 65_554, failures: 43, rps: 218.9, p50Ms: 1_400, p99Ms: 3_000 },
    ],
  },
  {
    users: { users: 500, rampPerSecond: 50, windowMs: 60_000 },
    rows: [
      {
        name: "threads",
        requests: 2_432,
        failures: 1,
        rps: 41.2,
        p50Ms: 5_800,
        p95Ms: 25_000,
        p99Ms: 25_000,
        maxMs: 25_289,
      },
      {
        name: "async",
        requests: 9_816,
        failures: 5,
        rps: 166.2,
        p50Ms: 1_300,
        p95Ms: 1_400,
        p99Ms: 1_500,
        maxMs: 1_674,
      },
    ],
  },
];

export function figuresOf({ latenciesMs, failures }: LoadResult, { windowMs }: Users): Figures {
  const at = (share: number): number | null =>
    latenciesMs.length === 0 ? null : Number(percentile(latenciesMs, share).toFixed(2));
  const requests = latenciesMs.length + failures;
  const rps = Number(((requests * 1_000) / windowMs).toFixed(2));
  return { requests, failures, rps, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

export type Ours = {
  readonly users: Users;
  readonly floorMs: number;
  readonly name: string;
  readonly figures: Figures;
  /** The same load on a mock alone; null when that was not measured. */
  readonly bare: Figures | null;
};

export const usersText = ({ users, rampPerSecond, windowMs }: Users): string =>
  `${users} users, ramp ${rampPerSecond}, ${windowMs / 1_000} s`;

export function tableOf({ users, floorMs, name, figures, bare }: Ours): string {
  const bareRows = bare === null ? [] : [{ name: `mock alone, ${floorMs} ms`, ...bare }];
  const groups = [
    ...PUBLISHED.map(({ users: theirs, rows }) => ({
      title: `published: ${usersText(theirs)}`,
      rows: [ceilingRow(theirs, FLOORS_MS[0]), ...rows],
    })),
    { title: `here: ${usersText(users)}`, rows: [ceilingRow(users, floorMs), ...bareRows, { name, ...figures }] },
  ];
  const head = ["", "requests", "failures", "requests/s", "p50 ms", "p95 ms", "p99 ms", "max ms"];
  const lines = groups.flatMap(({ title, rows }) => [[title], ...rows.map(cellsOf)]);
  const widths = head.map((text, column) =>
    Math.max(text.length, ...lines.filter(({ length }) => length > 1).map((line) => line[column]?.length ?? 0)),
  );
  const text = (line: readonly string[]): string =>
    line.length === 1
      ? `\n${line[0] ?? ""}`
      : line
          .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
          .join("  ");
  return [head, ...lines].map(text).join("\n");
}

/** What no server can exceed, because the users think between two questions. */
function ceilingRow(users: Users, latencyMs: number): Row {
  const requests = harnessCeiling(users, latencyMs);
  return {
    name: `ceiling at ${latencyMs} ms`,
    requests,
    failures: 0,
    rps: (requests * 1_000) / users.windowMs,
    p50Ms: latencyMs,
    p95Ms: latencyMs,
    p99Ms: latencyMs,
    maxMs: latencyMs,
  };
}

function cellsOf({ name, requests, failures, rps, ...latencies }: Row): string[] {
  const { p50Ms, p95Ms, p99Ms, maxMs } = latencies;
  const whole = (value: number | null): string => (value === null ? "-" : value.toFixed(0));
  const tenths = (value: number | null): string => (value === null ? "-" : value.toFixed(1));
  return [`  ${name}`, whole(requests), whole(failures), tenths(rps), ...[p50Ms, p95Ms, p99Ms, maxMs].map(tenths)];
}
