import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createStage,
  endStage,
  insideVerdict,
  looksAt,
  OUTSIDE_AT_ONCE_MAX,
  railEnded,
  railRecords,
  stageVerdict,
  takeStartable,
} from "../../../src/rails/core/engine.ts";
import type { Stage, StageRail } from "../../../src/rails/core/engine.ts";
import type { RailResult, RailStatus, Verdict } from "../../../src/rails/core/verdict.ts";

const rail = (name: string, fields: Partial<StageRail> = {}): StageRail => ({
  rail: name,
  action: "block",
  place: "outside",
  ...fields,
});

const result = (name: string, verdict: Verdict = "allow", fields: Partial<RailResult> = {}): RailResult => ({
  rail: name,
  verdict,
  spans: new Map(),
  reasons: verdict === "allow" ? [] : [`${name}:${verdict}`],
  status: "done",
  tookMs: 1,
  ...fields,
});

describe("a stage", () => {
  test("without rails is over, and allows", () => {
    const stage = createStage([]);
    expect([stage.isOver, stageVerdict(stage).verdict]).toEqual([true, "allow"]);
  });

  test("starts outside rails in their order, and never more than its bound", () => {
    const stage = createStage(["a", "b", "c", "d", "e"].map((name) => rail(name)));
    expect(takeStartable(stage)).toEqual(["a", "b", "c"]);
    expect(OUTSIDE_AT_ONCE_MAX).toBe(3);
    expect(takeStartable(stage)).toEqual([]);
    railEnded(stage, result("b"));
    expect(takeStartable(stage)).toEqual(["d"]);
  });

  test("does not start a rail whose time was up while it waited", () => {
    const stage = createStage([rail("a"), rail("b")], 1);
    expect(takeStartable(stage)).toEqual(["a"]);
    railEnded(stage, result("b", "allow", { status: "timeout" }));
    railEnded(stage, result("a"));
    expect([takeStartable(stage), stage.isOver]).toEqual([[], true]);
  });

  test("is over with the first block: what comes later is skipped and never an allow", () => {
    const stage = createStage([rail("a"), rail("b")]);
    railEnded(stage, result("b", "block"));
    railEnded(stage, result("a", "allow"));
    expect(stage.isOver).toBe(true);
    expect(stageVerdict(stage)).toMatchObject({ verdict: "block", blockedBy: ["b"], skipped: [{ rail: "a" }] });
    expect(railRecords(stage).map(({ verdict, status }) => [verdict, status])).toEqual([
      [null, "skipped"],
      ["block", "done"],
    ]);
  });

  test.each([
    ["a block in shadow", { shadow: true }, result("a", "block")],
    ["a failure, though it fails closed", {}, result("a", "allow", { status: "error" })],
  ])("goes on after %s", (_, fields, first) => {
    const stage = createStage([rail("a", fields), rail("b")]);
    railEnded(stage, first);
    expect(stage.isOver).toBe(false);
    railEnded(stage, result("b"));
    expect(stage.isOver).toBe(true);
  });

  test("judges the rails inside while the others are asked", () => {
    const stage = createStage([rail("in", { place: "inside" }), rail("out")]);
    railEnded(stage, result("in"));
    expect([insideVerdict(stage).verdict, stageVerdict(stage).verdict]).toEqual(["allow", "block"]);
  });

  test("counts a rail once, and nothing after its end", () => {
    const stage = createStage([rail("a"), rail("b")]);
    railEnded(stage, result("a"));
    railEnded(stage, result("a", "block"));
    expect(stage.results.get("a")?.verdict).toBe("allow");
    endStage(stage);
    railEnded(stage, result("b"));
    expect(stage.results.has("b")).toBe(false);
  });
});

type Planned = { readonly rail: StageRail; readonly result: RailResult };

const planned = (index: number): fc.Arbitrary<Planned> =>
  fc
    .record({
      place: fc.constantFrom("inside", "outside"),
      action: fc.constantFrom("flag", "redact", "block"),
      onError: fc.constantFrom("open", "closed", undefined),
      shadow: fc.boolean(),
      status: fc.constantFrom<RailStatus>("done", "done", "done", "unread", "error", "timeout"),
      finds: fc.boolean(),
      at: fc.nat({ max: 20 }),
      length: fc.nat({ max: 10 }),
    })
    .map(({ place, action, onError, shadow, status, finds, at, length }) => {
      const name = `r${index}`;
      const spans = finds ? [{ start: at, end: at + length, rail: name, type: "x", action } as const] : [];
      const verdict = finds && status === "done" ? (action as Verdict) : "allow";
      return {
        rail: { rail: name, place, action, shadow, ...(onError === undefined ? {} : { onError }) } as StageRail,
        result: result(name, verdict, { status, spans: new Map([["p", spans]]) }),
      };
    });

const sets = fc
  .integer({ min: 0, max: 10 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => planned(index))));

/** Runs the set with its outside rails ending in an order that `dice` chooses among those that run. */
function run(set: readonly Planned[], dice: readonly number[], atOnceMax: number): Stage {
  const stage = createStage(
    set.map((one) => one.rail),
    atOnceMax,
  );
  for (const one of set) if (one.rail.place === "inside") railEnded(stage, one.result);
  for (let turn = 0; !stage.isOver; turn += 1) {
    takeStartable(stage);
    expect(stage.running.size).toBeLessThanOrEqual(atOnceMax);
    const running = [...stage.running];
    const name = running[(dice[turn % Math.max(1, dice.length)] ?? 0) % running.length];
    const ended = set.find((one) => one.rail.rail === name);
    if (ended === undefined) throw new Error("a stage that is not over has a rail that runs");
    railEnded(stage, ended.result);
  }
  return stage;
}

const dice = fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 10 });
const atOnce = fc.integer({ min: 1, max: 4 });

test("whatever the order and the bound, the verdict is the one of all rails in turn", () => {
  fc.assert(
    fc.property(sets, dice, atOnce, (set, order, bound) => {
      const stage = run(set, order, bound);
      const verdict = stageVerdict(stage);
      const inTurn = createStage(set.map((one) => one.rail));
      for (const one of set) inTurn.results.set(one.rail.rail, one.result);
      const whole = stageVerdict(inTurn);
      expect(verdict.verdict).toBe(whole.verdict);
      // Why it is refused is the same as well: a rail that blocks, or else those that failed.
      const said = set.filter((one) => !(one.rail.shadow ?? false) && one.result.verdict === "block");
      if (said.length === 0) {
        expect({ ...verdict }).toEqual({ ...whole });
        return;
      }
      const names = said.map((one) => one.rail.rail);
      const inside = said.filter((one) => one.rail.place === "inside");
      expect(verdict.blockedBy.length).toBeGreaterThan(0);
      for (const name of verdict.blockedBy) expect(names).toContain(name);
      // The rails inside run in the order of the config, so there is nothing to choose.
      const first = inside[0];
      if (first !== undefined) expect(verdict.blockedBy).toEqual([first.rail.rail]);
    }),
    { numRuns: 3_000 },
  );
});

describe("a rail looks at", () => {
  const scope = { name: "pii", sample: 1, tenants: null };
  test.each([
    ["all requests", scope, true],
    ["none of a tenant that it is not for", { ...scope, tenants: ["other"] }, false],
    ["those of its tenants", { ...scope, tenants: ["other", "acme"] }, true],
    ["none with a share of 0", { ...scope, sample: 0 }, false],
  ])("%s", (_, one, expected) => {
    expect(looksAt(one, "req_1", "acme")).toBe(expected);
  });

  test("its share of the requests, always the same ones, and others than another rail", () => {
    const ids = Array.from({ length: 4_000 }, (_, index) => `req_${index}`);
    const of = (name: string, sample: number) => ids.filter((id) => looksAt({ ...scope, name, sample }, id, "acme"));
    const tenth = of("pii", 0.1);
    expect(tenth.length).toBeGreaterThan(320);
    expect(tenth.length).toBeLessThan(480);
    expect(of("pii", 0.1)).toEqual(tenth);
    const fifth = new Set(of("pii", 0.2));
    expect(tenth.every((id) => fifth.has(id))).toBe(true);
    expect(of("links", 0.1)).not.toEqual(tenth);
  });
});
