/**
 * Decides how counts are kept, added up and bounded: of one second in an isolate, of all time in the feed.
 *
 * Model. A series is a metric and the values of its labels, as one text key; its value is a list of numbers that add up
 * member by member: a counter's one, a histogram's count for each bucket and then the sum, ms. So a merge is an addition,
 * in any order, and every sum of sums is exact.
 * A metric has at most so many series. What comes beyond is added to its series `other`, so that totals stay true, and is
 * itself counted.
 * Rejected: an object a label set (a lookup would have to build it), cumulative buckets (each sample would write to
 * all buckets above its own; a scrape adds them up once).
 */
import { COUNTED, OWN } from "./metric-names.ts";
import type { CountedId, Metric } from "./metric-names.ts";
import type { SeriesDelta } from "./report.ts";

/** Series of one counter. A thousand tenants with a few outcomes each are to fit. */
export const COUNTER_SERIES_MAX = 5_000;
/** Series of one histogram, each of which is some twenty lines of text. */
export const HISTOGRAM_SERIES_MAX = 500;

/** In no id and no name of a config. */
export const SEPARATOR = "\u001F";

/** The value of every label of the series that has what found no room. */
export const OTHER = "other";

export type OwnId = keyof typeof OWN;

/** Written in place. */
export type Tally = {
  readonly series: Map<string, number[]>;
  /** How many series each metric has. */
  readonly sizes: Map<string, number>;
  /** The values of series that are added to together, by the list of them. */
  readonly cells: Map<Keyed, readonly (number[] | null)[]>;
};

/** Series by their keys, which are this version's: the same list each time. */
type Keyed = readonly { readonly key: string; readonly boundsS: readonly number[] | null }[];

export const createTally = (): Tally => ({ series: new Map(), sizes: new Map(), cells: new Map() });

const METRICS: ReadonlyMap<string, Metric> = new Map(Object.entries({ ...COUNTED, ...OWN }));

/** The key of a series is its metric's id and its labels' values. */
export const keyOf = (id: CountedId | OwnId, ...labels: readonly string[]): string => [id, ...labels].join(SEPARATOR);

export type SeriesName = { readonly id: string; readonly metric: Metric; readonly labels: readonly string[] };

/** Names that are remembered: as many as a large deployment has; with one more all are forgotten. */
const NAMES_MAX = 20_000;
const names = new Map<string, SeriesName | null>();

/** Null: this version has no such metric, or it has other labels. */
export function readKey(key: string): SeriesName | null {
  const known = names.get(key);
  if (known !== undefined) return known;
  const read = readNew(key);
  if (names.size >= NAMES_MAX) names.clear();
  names.set(key, read);
  return read;
}

function readNew(key: string): SeriesName | null {
  const [id = "", ...labels] = key.split(SEPARATOR);
  const metric = METRICS.get(id);
  return metric === undefined || metric.labels.length !== labels.length ? null : { id, metric, labels };
}

/** Whose it is; null: no tenant's. */
export function tenantIn(key: string): string | null {
  const name = readKey(key);
  const at = name?.metric.labels.indexOf("tenant") ?? -1;
  return name?.labels[at] ?? null;
}

/** Numbers in the value of a series. */
export const widthOf = ({ bucketsS }: Metric): number => (bucketsS === undefined ? 1 : bucketsS.length + 2);

/** Adds to a counter of the feed's own. */
export function countOwn(tally: Tally, id: OwnId, by: number, ...labels: readonly string[]): void {
  if (by > 0) merge(tally, [[keyOf(id, ...labels), [by]]]);
}

/**
 * Adds what a report brings. Returns the keys of the series that were changed. What is not this version's is left out
 * and counted, as is what finds no room.
 */
export function merge(tally: Tally, deltas: readonly SeriesDelta[]): Set<string> {
  const changed = new Set<string>();
  for (const [key, values] of deltas) {
    const before = tally.series.get(key);
    // A series that is there was this version's when it began.
    if (before !== undefined && before.length === values.length && areCounts(values)) {
      plus(before, values);
      changed.add(key);
    } else mergeNew(tally, changed, key, values);
  }
  return changed;
}

function mergeNew(tally: Tally, changed: Set<string>, key: string, values: readonly number[]): void {
  const name = readKey(key);
  const isOurs = name !== null && values.length === widthOf(name.metric) && areCounts(values);
  if (!isOurs) addTo(tally, changed, keyOf("refused"), [1]);
  else if (tally.series.has(key) || hasRoom(tally, name)) addTo(tally, changed, key, values);
  else {
    addTo(tally, changed, otherKey(name), values);
    addTo(tally, changed, keyOf("overflow", name.metric.name), [samplesIn(values)]);
  }
}

/** The values of these series, each null that finds no room. Those that were not there begin at 0: what is asked for is added to. */
export function cellsOf(tally: Tally, keyed: Keyed): readonly (number[] | null)[] {
  const known = tally.cells.get(keyed);
  if (known !== undefined) return known;
  const cells = keyed.map(({ key, boundsS }) => cellOf(tally, key, boundsS === null ? 1 : boundsS.length + 2));
  tally.cells.set(keyed, cells);
  return cells;
}

function cellOf({ series, sizes }: Tally, key: string, width: number): number[] | null {
  const known = series.get(key);
  if (known !== undefined) return known;
  const id = idOf(key);
  const size = sizes.get(id) ?? 0;
  if (size >= maxOf(width)) return null;
  const cell = Array.from({ length: width }, () => 0);
  series.set(key, cell);
  sizes.set(id, size + 1);
  return cell;
}

const maxOf = (width: number): number => (width > 1 ? HISTOGRAM_SERIES_MAX : COUNTER_SERIES_MAX);

/** Adds to a counter of this version's. The caller spells its key: an id of `COUNTED`, and its labels' values. */
export function add(tally: Tally, key: string, by: number): void {
  const values = tally.series.get(key);
  if (values !== undefined) values[0] = (values[0] ?? 0) + by;
  else if (by > 0) begin(tally, key, [by]);
}

/** Adds a time, ms, to a histogram with these bounds, s. */
export function observe(tally: Tally, key: string, boundsS: readonly number[], ms: number): void {
  const values = tally.series.get(key);
  if (values !== undefined) return observeIn(values, boundsS, ms);
  const first = Array.from({ length: boundsS.length + 2 }, () => 0);
  observeIn(first, boundsS, ms);
  begin(tally, key, first);
}

/** The same to the values of a series. */
export function observeIn(values: number[], boundsS: readonly number[], ms: number): void {
  // Clocks of other machines are in some times: none was shorter than nothing.
  const known = Math.max(0, ms);
  const { length } = boundsS;
  let bucket = 0;
  while (bucket < length && known > (boundsS[bucket] ?? 0) * 1_000) bucket += 1;
  values[bucket] = (values[bucket] ?? 0) + 1;
  values[length + 1] = (values[length + 1] ?? 0) + known;
}

/** The first sample of a series whose key this version has spelled. */
function begin(tally: Tally, key: string, values: number[]): void {
  const { series, sizes } = tally;
  const id = idOf(key);
  const size = sizes.get(id) ?? 0;
  // What finds no room goes the long way.
  if (size >= maxOf(values.length)) merge(tally, [[key, values]]);
  else {
    series.set(key, values);
    sizes.set(id, size + 1);
  }
}

const idOf = (key: string): string => {
  const end = key.indexOf(SEPARATOR);
  return end < 0 ? key : key.slice(0, end);
};

/** As if it had never been counted. */
export function forgetSeries({ series, sizes }: Tally, key: string): void {
  if (series.delete(key)) sizes.set(idOf(key), (sizes.get(idOf(key)) ?? 1) - 1);
}

/** What was added since it was made, for a report. */
export const deltasOf = ({ series }: Tally): readonly SeriesDelta[] => [...series];

/** Puts back a series that was kept: only into a tally that has none of it. */
export function restore(tally: Tally, key: string, values: readonly number[]): boolean {
  const name = readKey(key);
  if (name === null || values.length !== widthOf(name.metric)) return false;
  addTo(tally, new Set(), key, values);
  return true;
}

function areCounts(values: readonly number[]): boolean {
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] ?? Number.NaN;
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return false;
  }
  return true;
}

function plus(to: number[], values: readonly number[]): void {
  for (let at = 0; at < values.length; at += 1) to[at] = (to[at] ?? 0) + (values[at] ?? 0);
}

function hasRoom({ sizes }: Tally, { id, metric }: SeriesName): boolean {
  const max = metric.kind === "histogram" ? HISTOGRAM_SERIES_MAX : COUNTER_SERIES_MAX;
  return (sizes.get(id) ?? 0) < max;
}

const otherKey = ({ id, labels }: SeriesName): string => [id, ...labels.map(() => OTHER)].join(SEPARATOR);

/** A histogram's last number is its sum. */
const samplesIn = (values: readonly number[]): number =>
  (values.length === 1 ? values : values.slice(0, -1)).reduce((sum, value) => sum + value, 0);

function addTo({ series, sizes }: Tally, changed: Set<string>, key: string, values: readonly number[]): void {
  changed.add(key);
  const before = series.get(key);
  if (before !== undefined) {
    plus(before, values);
    return;
  }
  series.set(key, [...values]);
  const id = idOf(key);
  sizes.set(id, (sizes.get(id) ?? 0) + 1);
}
