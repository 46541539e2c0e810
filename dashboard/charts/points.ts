/**
 * What the charts draw: one point for each minute that the router has kept, and behind the last of them the seconds that
 * this page has seen itself.
 *
 * Model. A value that is not known is null and leaves a gap; it is never 0. Before points are drawn they are put together
 * in at most `POINTS_MAX` spans, and one more where the range cuts the first: of times, depths and ages the worst of a span is kept, of rates the mean, so that a
 * short spike does not disappear where a week is shown, and a sum stays a sum.
 * Rejected: every second of a week, of which a screen shows a thousandth.
 */

export type Point = {
  readonly atMs: number;
  readonly ttftP50Ms: number | null;
  readonly ttftP95Ms: number | null;
  readonly ttftP99Ms: number | null;
  readonly requestsPerS: number | null;
  readonly errorsPerS: number | null;
  readonly inFlight: number | null;
  readonly capacity: number | null;
  readonly queued: number | null;
  readonly oldestQueuedMs: number | null;
  readonly spillsPerMin: number | null;
  readonly retriesPerMin: number | null;
  readonly hedgesPerMin: number | null;
};

export type PointName = Exclude<keyof Point, "atMs">;

/** More than a chart has pixels to tell apart on a small screen, and few enough to draw every second. */
export const POINTS_MAX = 360;

const MEANS: ReadonlySet<PointName> = new Set([
  "requestsPerS",
  "errorsPerS",
  "spillsPerMin",
  "retriesPerMin",
  "hedgesPerMin",
]);

/** uPlot's form: the times in s, then each line's values. */
export type Columns = { readonly xs: readonly number[]; readonly ys: readonly (readonly (number | null)[])[] };

/** The points of the last `rangeMs` before `nowMs`, put together. `points` is the oldest first. */
export function columnsOf(
  points: readonly Point[],
  names: readonly PointName[],
  { nowMs, rangeMs }: { readonly nowMs: number; readonly rangeMs: number },
): Columns {
  const from = nowMs - rangeMs;
  const kept = points.filter(({ atMs }) => atMs >= from && atMs <= nowMs);
  const groups = groupsOf(kept, rangeMs);
  return {
    xs: groups.map((group) => (group.at(-1)?.atMs ?? 0) / 1_000),
    ys: names.map((name) => groups.map((group) => combined(group, name))),
  };
}

/** By time, not by count: a gap stays a gap. Spans lie still while the range moves on, so that no line flickers. */
function groupsOf(points: readonly Point[], rangeMs: number): readonly (readonly Point[])[] {
  if (points.length <= POINTS_MAX) return points.map((point) => [point]);
  const widthMs = rangeMs / POINTS_MAX;
  const groups = new Map<number, Point[]>();
  for (const point of points) {
    const at = Math.floor(point.atMs / widthMs);
    const group = groups.get(at);
    if (group === undefined) groups.set(at, [point]);
    else group.push(point);
  }
  return [...groups.values()];
}

function combined(group: readonly Point[], name: PointName): number | null {
  const values = group.map((point) => point[name]).filter((value) => value !== null);
  if (values.length === 0) return null;
  if (MEANS.has(name)) return values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.max(...values);
}

/** Points that this page has seen, at most so many: a quarter of an hour of every second. */
export const SEEN_MAX = 900;

/** `seen` with one more; of two in the same second the later one counts. */
export function withSeen(seen: readonly Point[], point: Point): readonly Point[] {
  const last = seen.at(-1);
  if (last !== undefined && point.atMs <= last.atMs) return seen;
  const isSameSecond = last !== undefined && Math.floor(last.atMs / 1_000) === Math.floor(point.atMs / 1_000);
  return [...(isSameSecond ? seen.slice(0, -1) : seen), point].slice(-SEEN_MAX);
}

/** The spans that have ended of those that the router has kept, then what this page has seen since the last of them. */
export function joined(kept: readonly Point[], seen: readonly Point[]): readonly Point[] {
  const nowMs = seen.at(-1)?.atMs ?? Number.POSITIVE_INFINITY;
  const ended = kept.filter(({ atMs }) => atMs <= nowMs);
  const until = ended.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
  return [...ended, ...seen.filter(({ atMs }) => atMs > until)];
}
