import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COUNTED, OWN } from "../../../src/sight/core/metric-names.ts";
import {
  COUNTER_SERIES_MAX,
  createTally,
  deltasOf,
  HISTOGRAM_SERIES_MAX,
  keyOf,
  merge,
  OTHER,
  readKey,
  widthOf,
} from "../../../src/sight/core/tally.ts";
import type { SeriesDelta } from "../../../src/sight/core/report.ts";

const WIDTH = widthOf(COUNTED.queue);

const filled = (count: number, deltaOf: (index: number) => SeriesDelta) => {
  const tally = createTally();
  merge(
    tally,
    Array.from({ length: count }, (_, index) => deltaOf(index)),
  );
  return tally;
};

const retries = (index: number): SeriesDelta => [keyOf("retries", `pool-${index}`), [1]];
const queued = (index: number): SeriesDelta => [
  keyOf("queue", `pool-${index}`),
  Array.from({ length: WIDTH }, () => 1),
];

describe("a tally", () => {
  test("is the same in whatever order and in whatever pieces it is merged", () => {
    const delta = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 1_000 }));
    fc.assert(
      fc.property(fc.array(delta), fc.func(fc.integer()), (all, orderOf) => {
        const deltas = all.map(([pool, count]): SeriesDelta => [keyOf("retries", `pool-${pool}`), [count]]);
        const straight = createTally();
        merge(straight, deltas);
        const half = createTally();
        const mixed = deltas.toSorted((left, right) => orderOf(left) - orderOf(right));
        merge(half, mixed.slice(0, mixed.length / 2));
        const whole = createTally();
        merge(whole, mixed.slice(mixed.length / 2));
        merge(whole, deltasOf(half));
        expect(new Map(deltasOf(whole))).toEqual(new Map(deltasOf(straight)));
      }),
    );
  });

  test.each([
    ["a counter", COUNTER_SERIES_MAX, retries, "retries", COUNTED.retries.name, 1],
    ["a histogram", HISTOGRAM_SERIES_MAX, queued, "queue", COUNTED.queue.name, WIDTH - 1],
  ] as const)(
    "the series of %s are bounded, and what is beyond is counted as other",
    (_, max, of, id, name, samples) => {
      expect(filled(max, of).series.size).toBe(max);
      const beyond = filled(max + 2, of);
      expect(beyond.series.size).toBe(max + 2);
      expect(beyond.series.get(keyOf(id, OTHER))?.[0]).toBe(2);
      expect(beyond.series.get(keyOf("overflow", name))).toEqual([2 * samples]);
      merge(beyond, [of(0)]);
      expect(beyond.series.get(of(0)[0])?.[0]).toBe(2);
    },
  );

  test("a key that this version cannot read is nobody's", () => {
    expect(readKey(keyOf("retries", "a"))).toMatchObject({ metric: COUNTED.retries, labels: ["a"] });
    expect([readKey("retries"), readKey(keyOf("retries", "a", "b")), readKey("toString")]).toEqual([null, null, null]);
  });
});

describe("the names of metrics", () => {
  const all = Object.values({ ...COUNTED, ...OWN });

  test("are unique, in base units, and end in _total where they only rise", () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { name, kind } of all) {
      expect(name).toMatch(/^(?:warmpath|gen_ai)_[a-z_]+$/);
      expect(name.endsWith("_total")).toBe(kind === "counter");
      if (kind === "histogram") expect(name).toMatch(/_seconds$/);
    }
  });

  test("say what they are in a sentence, and have buckets that rise", () => {
    for (const { help, bucketsS = [] } of all) {
      expect(help).toMatch(/^[A-Z].*[^.]$/);
      expect(bucketsS).toEqual(bucketsS.toSorted((left, right) => left - right));
    }
  });
});
