import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterLoss,
  afterNoLease,
  askedOfIt,
  BREAKS_FREE,
  COME_BACK_MS,
  comeBackMs,
  createAttemptPlan,
  isRefusedAnywhere,
  REFUSALS_MAX,
  STALE_MS,
  TOO_LONG_MAX,
} from "../../../src/dispatch/core/attempt-plan.ts";
import type { AttemptPlan, Loss } from "../../../src/dispatch/core/attempt-plan.ts";

const RULE = { attemptsMax: 2, repeatable: true };
const loss = (endpointId: string, changes: Partial<Loss> = {}): Loss => ({
  endpointId,
  region: "us",
  why: "failed",
  maybeProcessed: true,
  silent: false,
  cutOff: false,
  undecided: false,
  retryAfterMs: null,
  heldMs: 5,
  wasIdle: false,
  withHedge: false,
  ...changes,
});
const refusal = (endpointId: string, retryAfterMs: number | null = null): Loss =>
  loss(endpointId, { why: "capacity", maybeProcessed: false, retryAfterMs });
const tooLong = (endpointId: string): Loss => loss(endpointId, { why: "too_long", maybeProcessed: false });
const fault = (endpointId: string): Loss => loss(endpointId, { undecided: true });

/** Dispatches to the loss's endpoint and loses it. */
function lose(plan: AttemptPlan, lost: Loss, rule = RULE) {
  plan.tried.push(lost.endpointId);
  return afterLoss(plan, lost, rule);
}

describe("a failed attempt", () => {
  test("is repeated elsewhere, and whoever grants it pays", () => {
    const next = lose(createAttemptPlan(), loss("a"));
    expect(next).toEqual({ excluded: ["a"], purpose: "retry", avoidRegion: null });
  });

  test.each([
    { name: "silent", changes: { silent: true, cutOff: true }, avoids: "us" },
    { name: "silent until it was too late", changes: { silent: true, cutOff: true, why: "timeout" }, avoids: "us" },
    { name: "cut off after its headers", changes: { cutOff: true }, avoids: "us" },
    { name: "answered with an error", changes: { undecided: true }, avoids: null },
  ] as const)("that was $name keeps the next one out of its region: $avoids", ({ changes, avoids }) => {
    expect(lose(createAttemptPlan(), loss("a", changes))?.avoidRegion).toBe(avoids);
  });

  test.each([1, 2, 5])("is the last one when %i have failed", (attemptsMax) => {
    const plan = createAttemptPlan();
    for (let failed = 1; failed < attemptsMax; failed++) {
      expect(lose(plan, loss(`e${failed}`), { ...RULE, attemptsMax })).not.toBeNull();
    }
    expect(lose(plan, loss("last"), { ...RULE, attemptsMax })).toBeNull();
  });

  test("counts with the hedge that was lost beside it", () => {
    expect(lose(createAttemptPlan(), loss("a", { withHedge: true }))).toBeNull();
  });

  test("is not repeated where it may have been processed and must not be twice", () => {
    const rule = { ...RULE, repeatable: false };
    expect(lose(createAttemptPlan(), loss("a"), rule)).toBeNull();
    expect(lose(createAttemptPlan(), refusal("a"), rule)).not.toBeNull();
  });
});

describe("a break before anything can have come of it", () => {
  const broken = (endpointId: string, changes: Partial<Loss> = {}): Loss =>
    loss(endpointId, { silent: true, cutOff: true, heldMs: STALE_MS, ...changes });

  test(`is no failure, BREAKS_FREE times, and whoever grants the next attempt pays for it`, () => {
    const plan = createAttemptPlan();
    for (let free = 1; free <= BREAKS_FREE; free++)
      expect(lose(plan, broken(`free${free}`))).toMatchObject({ purpose: "retry" });
    expect(lose(plan, broken("first")), "the first that failed").not.toBeNull();
    expect(lose(plan, broken("second")), "the second that failed").toBeNull();
  });

  test.each([
    { name: "where nothing is repeated", rule: { attemptsMax: 1, repeatable: true }, changes: {} },
    {
      name: "where it may have been processed and must not be twice",
      rule: { ...RULE, repeatable: false },
      changes: {},
    },
  ])("is the end $name", ({ rule, changes }) => {
    expect(lose(createAttemptPlan(), broken("a", changes), rule)).toBeNull();
  });

  test.each([
    { name: "later than STALE_MS", changes: { heldMs: STALE_MS + 1 } },
    { name: "after its headers", changes: { silent: false } },
    { name: "by our own deadline", changes: { why: "timeout" } },
    { name: "with the hedge beside it", changes: { withHedge: true } },
  ] as const)("is a failure as any other where it came $name", ({ changes }) => {
    const plan = createAttemptPlan();
    lose(plan, broken("a", changes));
    expect(plan.failures).toBe("withHedge" in changes ? 2 : 1);
  });
});

describe("a refusal for want of room", () => {
  test("is repeated as a first attempt, and takes nothing from what failures may have", () => {
    const plan = createAttemptPlan();
    expect(lose(plan, refusal("a"))).toEqual({ excluded: ["a"], purpose: "first", avoidRegion: null });
    expect(lose(plan, loss("b"))?.excluded).toEqual(["a", "b"]);
    expect(lose(plan, refusal("c"))?.purpose).toBe("first");
    expect(lose(plan, loss("d")), "the second that failed").toBeNull();
  });

  test(`ends with REFUSALS_MAX of them`, () => {
    const plan = createAttemptPlan();
    for (let refused = 1; refused < REFUSALS_MAX; refused++) expect(lose(plan, refusal(`e${refused}`))).not.toBeNull();
    expect(lose(plan, refusal("last"))).toBeNull();
  });

  test("tells the client the longest wait that was asked for", () => {
    const plan = createAttemptPlan();
    expect(comeBackMs(plan, null)).toBeUndefined();
    expect(comeBackMs(plan, 700)).toBe(700);
    lose(plan, refusal("a", 5_000));
    lose(plan, refusal("b", 2_000));
    expect([comeBackMs(plan, null), comeBackMs(plan, 9_000)]).toEqual([5_000, 9_000]);
  });
});

describe("a request that is too long for an endpoint's context", () => {
  test("is asked of another as a first attempt, and takes nothing from what failures may have", () => {
    const plan = createAttemptPlan();
    expect(lose(plan, tooLong("a"), { ...RULE, repeatable: false })).toEqual({
      excluded: ["a"],
      purpose: "first",
      avoidRegion: null,
    });
    expect(lose(plan, loss("b"))?.excluded).toEqual(["a", "b"]);
    expect(plan.disputed).toBe(false);
  });

  test("ends at the word of TOO_LONG_MAX of them", () => {
    const plan = createAttemptPlan();
    for (let said = 1; said < TOO_LONG_MAX; said++) expect(lose(plan, tooLong(`e${said}`))).not.toBeNull();
    expect(lose(plan, tooLong("last"))).toBeNull();
  });

  test("never comes back to one that said so, but to one that had no room", () => {
    const plan = createAttemptPlan();
    lose(plan, tooLong("short"));
    expect(afterNoLease(plan)).toBeNull();
    lose(plan, refusal("full"));
    expect(afterNoLease(plan)?.excluded).toEqual(["short"]);
  });
});

describe("a refused request beside endpoints that have just refused such requests", () => {
  const idle = (endpointId: string): Loss => ({ ...refusal(endpointId), wasIdle: true });

  test("is not tried there, nor again where it was refused, and may itself be the reason", () => {
    const plan = createAttemptPlan();
    plan.tried.push("a");
    expect(afterLoss(plan, idle("a"), RULE, ["a", "b"])?.excluded).toEqual(["a", "b"]);
    expect(afterNoLease(plan, ["a", "b"])).toBeNull();
    expect([plan.spared, isRefusedAnywhere(plan)]).toEqual([1, true]);
  });

  test("comes back to those that are not among them alone", () => {
    const plan = createAttemptPlan();
    plan.tried.push("a");
    afterLoss(plan, idle("a"), RULE, ["b"]);
    expect(afterNoLease(plan, ["b"])?.excluded).toEqual(["b"]);
  });

  test("is no reason by itself where the one that refused it was busy, or nobody else would have", () => {
    const busy = createAttemptPlan();
    busy.tried.push("a");
    afterLoss(busy, refusal("a"), RULE, ["b"]);
    const alone = createAttemptPlan();
    alone.tried.push("a");
    afterLoss(alone, idle("a"), RULE, ["a"]);
    expect([isRefusedAnywhere(busy), isRefusedAnywhere(alone)]).toEqual([false, false]);
  });
});

describe("when no other endpoint can serve it", () => {
  test("those that had no room are asked once more, without those that failed", () => {
    const plan = createAttemptPlan();
    lose(plan, loss("broken"));
    lose(plan, refusal("full"));
    expect(afterNoLease(plan)).toEqual({ excluded: ["broken"], purpose: "first", avoidRegion: null });
    expect(afterNoLease(plan), "once").toBeNull();
  });

  test.each([
    { name: "at once", changes: { silent: true, heldMs: STALE_MS }, comesBack: true },
    { name: "later", changes: { silent: true, heldMs: STALE_MS + 1 }, comesBack: false },
    { name: "after its headers", changes: { silent: false, cutOff: true }, comesBack: false },
    { name: "by our own deadline", changes: { silent: true, why: "timeout" }, comesBack: false },
  ] as const)("one whose connection broke $name is asked once more: $comesBack", ({ changes, comesBack }) => {
    const plan = createAttemptPlan();
    lose(plan, loss("only", changes));
    expect(afterNoLease(plan)).toEqual(comesBack ? { excluded: [], purpose: "retry", avoidRegion: null } : null);
  });
});

describe("an error that may be the request's fault", () => {
  test("ends it when a second endpoint gives one too", () => {
    const plan = createAttemptPlan();
    const rule = { ...RULE, attemptsMax: 5 };
    expect(lose(plan, fault("a"), rule)).not.toBeNull();
    expect(lose(plan, fault("b"), rule)).toBeNull();
    expect(plan.disputed).toBe(true);
  });

  test("is the endpoint's where the second one fails in another way", () => {
    const plan = createAttemptPlan();
    lose(plan, fault("a"));
    lose(plan, loss("b", { silent: true }));
    expect(plan.disputed).toBe(false);
  });
});

test("whatever is lost, it ends within attemptsMax failures, BREAKS_FREE breaks, REFUSALS_MAX refusals, TOO_LONG_MAX that are too short and one return", () => {
  const losses = fc.constantFrom(refusal("x"), tooLong("x"), fault("x"), loss("x", { silent: true }), loss("x"));
  fc.assert(
    fc.property(
      fc.array(losses, { minLength: 40, maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      (all, attemptsMax) => {
        const plan = createAttemptPlan();
        const ended = all.findIndex(
          (one, index) =>
            lose(plan, { ...one, endpointId: `e${index}` }, { ...RULE, attemptsMax }) === null &&
            afterNoLease(plan) === null,
        );
        expect(ended).toBeGreaterThanOrEqual(0);
        expect(plan.tried.length).toBeLessThanOrEqual(attemptsMax + BREAKS_FREE + REFUSALS_MAX + TOO_LONG_MAX + 1);
      },
    ),
  );
});

describe("how long a refused request stays away", () => {
  const idle = (endpointId: string, retryAfterMs: number | null): Loss => ({
    ...refusal(endpointId, retryAfterMs),
    wasIdle: true,
  });

  test("is the shortest time that was asked for, and COME_BACK_MS where one asked for none", () => {
    const plan = createAttemptPlan();
    lose(plan, idle("a", 60_000));
    lose(plan, idle("b", 9_000));
    expect([plan.roomAfterMs, askedOfIt(plan)]).toEqual([9_000, 9_000]);
    lose(plan, idle("c", null));
    expect([plan.roomAfterMs, askedOfIt(plan)]).toEqual([COME_BACK_MS, null]);
  });

  test("is held against it only where all that refused it were idle", () => {
    const plan = createAttemptPlan();
    lose(plan, idle("a", 60_000));
    lose(plan, refusal("b", 60_000));
    expect(askedOfIt(plan)).toBeNull();
  });
});
