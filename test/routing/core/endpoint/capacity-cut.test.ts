import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CUT_ASKED_MS_MAX,
  CUT_JITTER,
  CUT_LIFE_MS,
  CUT_MS,
  CUT_MS_MAX,
  cutForMs,
  cutSlots,
  endedCut,
  grantedCut,
  refusedCut,
  TRIAL_MS,
} from "../../../../src/routing/core/endpoint/capacity-cut.ts";
import type { CapacityCut } from "../../../../src/routing/core/endpoint/capacity-cut.ts";

const middle = (): number => 0.5;
const refused = (known: CapacityCut | null, now: number, inFlight = 0, retryAfterMs: number | null = null) =>
  refusedCut(known, { inFlight, retryAfterMs }, now, middle);

describe("a refusal for want of room", () => {
  test.each([0, 1, 7])("beside %i others leaves that many slots", (inFlight) => {
    const cut = refused(null, 0, inFlight);
    expect([cutSlots(cut, 0), cutSlots(cut, CUT_MS - 1)]).toEqual([inFlight, inFlight]);
    expect(cutSlots(cut, CUT_MS), "one more is tried").toBe(inFlight + 1);
  });

  test("counts for as long as it asks, up to the bound and not beyond", () => {
    expect(cutForMs(refused(null, 0, 0, 2_000), 0)).toBe(2_000);
    expect(cutForMs(refused(null, 0, 0, CUT_ASKED_MS_MAX), 0)).toBe(CUT_ASKED_MS_MAX);
    expect(cutForMs(refused(null, 0, 0, CUT_ASKED_MS_MAX + 1), 0)).toBe(CUT_ASKED_MS_MAX);
  });

  test("of each trial doubles the wait, up to the bound", () => {
    const waits: number[] = [];
    let cut: CapacityCut | null = null;
    let now = 0;
    for (let trial = 0; trial < 8; trial++) {
      cut = refused(cut, now);
      waits.push(cutForMs(cut, now));
      now = cut.untilMs;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, CUT_MS_MAX, CUT_MS_MAX, CUT_MS_MAX, CUT_MS_MAX]);
  });

  test.each([0, 1])("waits at most CUT_JITTER shorter or longer (draw %d)", (draw) => {
    const cut = refusedCut(null, { inFlight: 0, retryAfterMs: null }, 0, () => draw);
    expect(cutForMs(cut, 0)).toBe(CUT_MS * (draw === 0 ? 1 - CUT_JITTER : 1 + CUT_JITTER));
  });

  test("of an attempt that was under way lowers the slots, and adds nothing to the wait but what it asks for", () => {
    const first = refused(null, 0, 5);
    const second = refused(first, 10, 2);
    expect([cutSlots(second, 10), second.untilMs, second.refusals]).toEqual([2, first.untilMs, 1]);
    expect(cutSlots(refused(second, 20, 4), 20), "and never raises them").toBe(2);
    expect(refused(second, 20, 2, 9_000).untilMs).toBe(9_020);
  });
});

describe("the trial after the wait", () => {
  const waited = refused(null, 0, 2);
  const trial = grantedCut(waited, 2, CUT_MS);

  test("is the first attempt beyond the slots, and lets no second one through", () => {
    expect(grantedCut(waited, 2, CUT_MS - 1), "not before its time").toBe(waited);
    expect(grantedCut(waited, 1, CUT_MS), "not within the slots").toBe(waited);
    expect(trial.trialAtMs).toBe(CUT_MS);
    expect(cutSlots(trial, CUT_MS + TRIAL_MS - 1)).toBe(3);
  });

  test("ends the cut when it is served", () => {
    expect(endedCut(trial, 2, true, CUT_MS + 50)).toBeNull();
    expect(endedCut(trial, 1, true, CUT_MS + 50), "another attempt's end says nothing").toBe(trial);
  });

  test("is made again when it says nothing of room", () => {
    expect(endedCut(trial, 2, false, CUT_MS + 50)?.trialAtMs).toBeNull();
  });

  test("that still runs has its slot, and from then on the slots double", () => {
    const slots = [1, 2, 3, 4].map((times) => cutSlots(trial, CUT_MS + times * TRIAL_MS));
    expect(slots).toEqual([4, 6, 10, 18]);
    expect(cutSlots(trial, CUT_MS + 100 * TRIAL_MS)).toBe(Number.POSITIVE_INFINITY);
    const later = CUT_MS + 2 * TRIAL_MS;
    expect(refused(trial, later, 5), "a refusal then is the first of a new row").toMatchObject({
      slots: 5,
      refusals: 1,
    });
  });
});

test("a cut that nobody tries is over after a while, and with it its row of refusals", () => {
  const cut = { ...refused(null, 0), refusals: 5 };
  const overMs = cut.untilMs + CUT_LIFE_MS;
  expect(cutSlots(cut, overMs - 1)).toBe(1);
  expect(cutSlots(cut, overMs)).toBe(Number.POSITIVE_INFINITY);
  expect(refused(cut, overMs).refusals).toBe(1);
});

test("whatever is refused and granted, there is never more than one trial beyond the slots before it has passed", () => {
  const step = fc.record({ afterMs: fc.integer({ min: 0, max: 4_000 }), inFlight: fc.integer({ min: 0, max: 6 }) });
  const steps = fc.array(fc.tuple(step, fc.constantFrom("refused", "granted", "ended", "served")));
  fc.assert(
    fc.property(steps, (all) => {
      let cut: CapacityCut | null = null;
      let now = 0;
      for (const [{ afterMs, inFlight }, kind] of all) {
        now += afterMs;
        if (kind === "refused") cut = refused(cut, now, inFlight);
        else if (cut !== null && kind === "granted") cut = grantedCut(cut, inFlight, now);
        else if (cut !== null) cut = endedCut(cut, inFlight, kind === "served", now);
        const slots = cutSlots(cut, now);
        expect(slots).toBeGreaterThanOrEqual(0);
        const isYoung =
          cut !== null && (cut.trialAtMs === null ? now - cut.untilMs < CUT_LIFE_MS : now - cut.trialAtMs < TRIAL_MS);
        if (cut !== null && isYoung) expect(slots).toBeLessThanOrEqual(cut.slots + 1);
      }
    }),
  );
});
