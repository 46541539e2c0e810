/**
 * What an experiment of `npm run chaos` is: something is broken on purpose in a whole Warmpath, and a promise is looked
 * at. The ids and thresholds are those of docs/reference/chaos.md.
 *
 * Model. A finding has two halves. `broken` counts what may never happen, however slow the machine is; `late` says
 * which time was beyond its threshold. A test asserts the first alone, the command reports both.
 */
type Scale = {
  /** Small enough for every test run. */
  readonly short: boolean;
  readonly seed: number;
};

export type Finding = {
  /** What was seen, in one line. */
  readonly measured: string;
  /** Promises that were broken; empty: none. */
  readonly broken: readonly string[];
  /** Times and rates beyond their thresholds; empty: none. */
  readonly late: readonly string[];
};

export type Experiment = {
  readonly id: string;
  readonly what: string;
  readonly threshold: string;
  readonly run: (scale: Scale) => Promise<Finding>;
};

/** The promises of one run, judged one by one. */
export type Judge = {
  /** Never: counted whatever the machine. */
  must(holds: boolean, broken: string): void;
  /** A time: reported, and asserted by nobody. `floorMs`: what the machine itself took of it, in the same run. */
  within(ms: number, limitMs: number, what: string, floorMs?: number): void;
  /** Another figure that the machine has a part in: reported, and asserted by nobody. */
  should(holds: boolean, missed: string): void;
  finding(measured: string): Finding;
};

export function judge(): Judge {
  const broken: string[] = [];
  const late: string[] = [];
  return {
    must(holds, text) {
      if (!holds) broken.push(text);
    },
    within(ms, limitMs, what, floorMs = 0) {
      const floor = floorMs === 0 ? "" : `, of which ${Math.round(floorMs)} are the machine's`;
      if (ms - floorMs > limitMs) late.push(`${what}: ${Math.round(ms)} ms${floor}, ${limitMs} allowed`);
    },
    should(holds, missed) {
      if (!holds) late.push(missed);
    },
    finding: (measured) => ({ measured, broken, late }),
  };
}

/** Runs `count` tasks, so many at once; their results in order. */
export async function inParallel<Value>(
  count: number,
  atOnce: number,
  task: (index: number) => Promise<Value>,
): Promise<Value[]> {
  const results: Value[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results[index] = await task(index);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
  return results;
}

/** The value below which this share of them lies; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** What came of a request, by how often. */
export function tally(names: Iterable<string>): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
}
