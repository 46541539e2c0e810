import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Span } from "../../../src/rails/core/spans.ts";
import { fanIn, joinVerdicts } from "../../../src/rails/core/verdict.ts";
import type { RailPolicy, RailResult, RailStatus, Verdict } from "../../../src/rails/core/verdict.ts";

const VERDICTS = ["allow", "flag", "redact", "block"] as const;
const verdict: fc.Arbitrary<Verdict> = fc.constantFrom(...VERDICTS);

const span = (start: number, end: number): Span => ({ start, end, rail: "r", type: "t", action: "redact" });

const result = (rail: string, more: Partial<RailResult> = {}): RailResult => ({
  rail,
  verdict: "allow",
  spans: new Map(),
  reasons: [],
  status: "done",
  tookMs: 1,
  ...more,
});

const size: RailPolicy = { rail: "size", action: "block" };
const pii: RailPolicy = { rail: "pii", action: "redact" };
const topics: RailPolicy = { rail: "topics", action: "flag" };

describe("joining verdicts", () => {
  test("takes the higher of every pair", () => {
    for (const [low, one] of VERDICTS.entries()) {
      for (const [high, other] of VERDICTS.entries()) {
        expect(joinVerdicts(one, other)).toBe(VERDICTS[Math.max(low, high)]);
      }
    }
  });

  test("is associative, commutative and idempotent, with allow as neutral element", () => {
    fc.assert(
      fc.property(verdict, verdict, verdict, (a, b, c) => {
        expect(joinVerdicts(joinVerdicts(a, b), c)).toBe(joinVerdicts(a, joinVerdicts(b, c)));
        expect(joinVerdicts(a, b)).toBe(joinVerdicts(b, a));
        expect(joinVerdicts(a, a)).toBe(a);
        expect(joinVerdicts(a, "allow")).toBe(a);
      }),
    );
  });
});

describe("the fan-in of a stage", () => {
  test("allows when there are no rails", () => {
    expect(fanIn([], [])).toEqual({
      verdict: "allow",
      blockedBy: [],
      spans: new Map(),
      reasons: [],
      skipped: [],
      shadow: [],
    });
  });

  test("takes the highest verdict and merges spans and reasons", () => {
    const stage = fanIn(
      [size, pii, topics],
      [
        result("topics", { verdict: "flag", reasons: ["topics:news"] }),
        result("pii", {
          verdict: "redact",
          reasons: ["pii:email"],
          spans: new Map([["prompt", [span(3, 6), span(0, 4)]]]),
        }),
        result("size"),
      ],
    );
    expect(stage.verdict).toBe("redact");
    expect(stage.blockedBy).toEqual([]);
    expect(stage.spans).toEqual(new Map([["prompt", [span(0, 6)]]]));
    expect(stage.reasons).toEqual(["pii:email", "topics:news"]);
  });

  test("names the rails that said block and not the ones that were cancelled because of it", () => {
    const stage = fanIn(
      [size, pii, { ...topics, onError: "closed" }],
      [
        result("size", { verdict: "block", reasons: ["size:chars"] }),
        result("topics", { status: "skipped" }),
        result("pii", { status: "skipped" }),
      ],
    );
    expect(stage.verdict).toBe("block");
    expect(stage.blockedBy).toEqual(["size"]);
    expect(stage.skipped).toEqual([
      { rail: "pii", status: "skipped", applied: "open" },
      { rail: "topics", status: "skipped", applied: "closed" },
    ]);
  });

  const unfinished: readonly {
    action: RailPolicy["action"];
    onError?: "open" | "closed";
    verdict: Verdict;
    applied: "open" | "closed";
  }[] = [
    { action: "block", verdict: "block", applied: "closed" },
    { action: "redact", verdict: "allow", applied: "open" },
    { action: "flag", verdict: "allow", applied: "open" },
    { action: "block", onError: "open", verdict: "allow", applied: "open" },
    { action: "redact", onError: "closed", verdict: "block", applied: "closed" },
    { action: "flag", onError: "closed", verdict: "block", applied: "closed" },
  ];
  const statuses: readonly RailStatus[] = ["error", "timeout", "skipped"];

  test.each(unfinished.flatMap((row) => statuses.map((status) => ({ ...row, status }))))(
    "records $status of a $action rail (onError $onError) as skipped, and fails $applied",
    ({ verdict: expected, applied, status, ...policy }) => {
      const stage = fanIn([{ rail: "r", ...policy }], [result("r", { status, verdict: "allow", reasons: ["half"] })]);
      expect(stage.verdict).toBe(expected);
      expect(stage.skipped).toEqual([{ rail: "r", status, applied }]);
      expect(stage.blockedBy).toEqual(expected === "block" ? ["r"] : []);
      expect(stage.reasons).toEqual([]);
    },
  );

  test("takes a rail without any result as skipped", () => {
    const stage = fanIn([size, pii], [result("pii")]);
    expect(stage.verdict).toBe("block");
    expect(stage.skipped).toEqual([{ rail: "size", status: "skipped", applied: "closed" }]);
  });

  test("takes nothing that an unfinished rail found", () => {
    const stage = fanIn(
      [pii],
      [result("pii", { status: "timeout", verdict: "block", spans: new Map([["a", [span(0, 1)]]]) })],
    );
    expect(stage.verdict).toBe("allow");
    expect(stage.spans.size).toBe(0);
  });

  test("takes what a rail found in the part that it could read, and lets it fail for the rest", () => {
    const found = { status: "unread", verdict: "redact", spans: new Map([["a", [span(0, 1)]]]) } as const;
    const open = fanIn([pii], [result("pii", found)]);
    expect(open).toMatchObject({ verdict: "redact", skipped: [{ rail: "pii", status: "unread", applied: "open" }] });
    expect(open.spans.size).toBe(1);
    const closed = fanIn([{ ...pii, onError: "closed" }], [result("pii", found)]);
    expect(closed).toMatchObject({ verdict: "block", blockedBy: ["pii"] });
  });

  test("ignores the result of a rail that is not configured", () => {
    expect(fanIn([pii], [result("pii"), result("other", { verdict: "block" })]).verdict).toBe("allow");
  });

  test("records what a rail in shadow would have said, and acts on nothing of it", () => {
    const stage = fanIn(
      [{ ...size, shadow: true }, { ...topics, rail: "late", action: "block", shadow: true }, pii],
      [
        result("size", { verdict: "block", reasons: ["size:chars"], spans: new Map([["a", [span(0, 1)]]]) }),
        result("pii"),
      ],
    );
    expect(stage).toEqual({
      verdict: "allow",
      blockedBy: [],
      spans: new Map(),
      reasons: [],
      skipped: [],
      shadow: [
        { rail: "late", verdict: null },
        { rail: "size", verdict: "block" },
      ],
    });
  });

  const rails = ["a", "b", "c", "d"] as const;
  const policies = fc.subarray([...rails]).chain((names) =>
    fc.tuple(
      ...names.map((rail) =>
        fc.record({
          rail: fc.constant(rail),
          action: fc.constantFrom("flag", "redact", "block"),
          onError: fc.constantFrom("open", "closed"),
          shadow: fc.boolean(),
        }),
      ),
    ),
  ) as fc.Arbitrary<RailPolicy[]>;
  const results = fc.array(
    fc.record({
      rail: fc.constantFrom(...rails),
      verdict,
      spans: fc.constantFrom(
        new Map(),
        new Map([["p", [span(0, 3)]]]),
        new Map([
          ["p", [span(2, 5)]],
          ["o", [span(1, 2)]],
        ]),
      ),
      reasons: fc.subarray(["x", "y"]),
      status: fc.constantFrom<RailStatus>("done", "done", "unread", "skipped", "error", "timeout"),
      tookMs: fc.nat(100),
    }),
    { maxLength: 6 },
  );

  test("is the same for every order of rails and results", () => {
    const cases = fc.tuple(policies, results).chain(([specs, list]) =>
      fc.record({
        specs: fc.constant(specs),
        list: fc.constant(list),
        otherSpecs: fc.shuffledSubarray(specs, { minLength: specs.length }),
        otherList: fc.shuffledSubarray(list, { minLength: list.length }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ specs, list, otherSpecs, otherList }) => {
        expect(fanIn(otherSpecs, otherList)).toEqual(fanIn(specs, list));
      }),
      { numRuns: 500 },
    );
  });

  test("blocks if and only if it names a rail, and never allows where an acting rail that fails closed did not finish", () => {
    fc.assert(
      fc.property(policies, results, (specs, list) => {
        const stage = fanIn(specs, list);
        expect(stage.blockedBy.length > 0).toBe(stage.verdict === "block");
        if (stage.skipped.some(({ applied }) => applied === "closed")) expect(stage.verdict).toBe("block");
      }),
      { numRuns: 500 },
    );
  });
});
