import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ALERTS_MAX, lookAtAlerts } from "../../../src/sight/core/alerts.ts";
import type { Alerts, AlertEvent, Level, Measure } from "../../../src/sight/core/alerts.ts";

const REPEAT_MS = 1_000;
const measure = (level: Level, wish: Partial<Measure> = {}): Measure => ({
  kind: "error_share",
  subject: "llama",
  level,
  forMs: 0,
  value: 0.1,
  limit: 0.05,
  text: "10 % were not served.",
  ...wish,
});

/** Looks one after another; what each told. */
function looks(...steps: readonly (readonly [atMs: number, ...measures: readonly Measure[]])[]) {
  let alerts: Alerts = new Map();
  return steps.map(([now, ...measures]) => {
    const look = lookAtAlerts(alerts, measures, { repeatMs: REPEAT_MS }, now);
    alerts = look.alerts;
    return look.events.map(({ phase }) => phase);
  });
}

describe("an alert", () => {
  test("is raised once, and resolved once", () => {
    const told = looks([0, measure("bad")], [1, measure("bad")], [2, measure("well")], [3, measure("well")]);
    expect(told).toEqual([["raised"], [], ["resolved"], []]);
  });

  test("waits until it has lasted as long as its rule says", () => {
    const slow = { forMs: 10 };
    const told = looks([0, measure("bad", slow)], [9, measure("bad", slow)], [10, measure("bad", slow)]);
    expect(told).toEqual([[], [], ["raised"]]);
  });

  test("that was about to be and is well for a look begins anew", () => {
    const slow = { forMs: 10 };
    const told = looks(
      [0, measure("bad", slow)],
      [5, measure("well", slow)],
      [10, measure("bad", slow)],
      [15, measure("bad", slow)],
    );
    expect(told.flat()).toEqual([]);
  });

  test.each(["between", "unknown"] as const)("stays as it is while its measure is %s", (level) => {
    const told = looks([0, measure(level)], [1, measure("bad")], [2, measure(level)], [5_000, measure(level)]);
    expect(told).toEqual([[], ["raised"], [], []]);
  });

  test("is told again no more often than the config says, and only while it is bad for certain", () => {
    const told = looks(
      [0, measure("bad")],
      [REPEAT_MS - 1, measure("bad")],
      [REPEAT_MS, measure("bad")],
      [REPEAT_MS * 2 - 1, measure("bad")],
      [REPEAT_MS * 2, measure("unknown")],
      [REPEAT_MS * 2 + 1, measure("bad")],
    );
    expect(told).toEqual([["raised"], [], ["reminded"], [], [], ["reminded"]]);
  });

  test("of a subject that is not there any more is over", () => {
    expect(looks([0, measure("bad")], [1])).toEqual([["raised"], ["resolved"]]);
  });

  test("of one pool says nothing of another", () => {
    const other = { subject: "other" };
    const told = looks([0, measure("bad"), measure("well", other)], [1, measure("bad"), measure("bad", other)]);
    expect(told).toEqual([["raised"], ["raised"]]);
  });
});

test("so many alerts are kept and no more: what finds no room is not told", () => {
  const bad = (count: number) => Array.from({ length: count }, (_, at) => measure("bad", { subject: `pool-${at}` }));
  const full = lookAtAlerts(new Map(), bad(ALERTS_MAX), { repeatMs: REPEAT_MS }, 0);
  expect(full.events).toHaveLength(ALERTS_MAX);
  const more = lookAtAlerts(full.alerts, bad(ALERTS_MAX + 1), { repeatMs: REPEAT_MS }, 1);
  expect([more.alerts.size, more.events.length]).toEqual([ALERTS_MAX, 0]);
});

test("ids name the occurrence: the same at every look, another the next time", () => {
  let alerts: Alerts = new Map();
  const events: AlertEvent[] = [];
  for (const [now, level] of [
    [0, "bad"],
    [5, "well"],
    [7, "bad"],
    [REPEAT_MS + 7, "bad"],
  ] as const) {
    const look = lookAtAlerts(alerts, [measure(level)], { repeatMs: REPEAT_MS }, now);
    alerts = look.alerts;
    events.push(...look.events);
  }
  expect(events.map(({ id }) => id)).toEqual([
    "alert.error_share.llama.0.raised",
    "alert.error_share.llama.0.resolved",
    "alert.error_share.llama.7.raised",
    "alert.error_share.llama.7.reminded-1",
  ]);
});

test("whatever comes, raised and resolved take turns and no id comes twice", () => {
  const levels = fc.constantFrom<Level>("bad", "well", "between", "unknown");
  fc.assert(
    fc.property(fc.array(fc.tuple(levels, fc.integer({ min: 1, max: 900 })), { maxLength: 60 }), (steps) => {
      let alerts: Alerts = new Map();
      let now = 0;
      const told: AlertEvent[] = [];
      for (const [level, gapMs] of steps) {
        now += gapMs;
        // As after a restart: only what was told is still known.
        const kept = new Map([...alerts].filter(([, { raisedAtMs }]) => raisedAtMs !== null));
        const look = lookAtAlerts(kept, [measure(level, { forMs: 0 })], { repeatMs: REPEAT_MS }, now);
        alerts = look.alerts;
        told.push(...look.events);
      }
      const turns = told.map(({ phase }) => phase).filter((phase) => phase !== "reminded");
      expect(turns).toEqual(turns.map((_, at) => (at % 2 === 0 ? "raised" : "resolved")));
      expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
    }),
  );
});
