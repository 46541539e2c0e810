import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRace, raceBegun, raceLate, raceLeased, raceLost } from "../../../src/dispatch/core/hedge-race.ts";
import type { HedgeRace, Side } from "../../../src/dispatch/core/hedge-race.ts";

/** A race whose second attempt runs. */
function running(): HedgeRace {
  const race = createRace();
  raceLate(race);
  raceLeased(race, true);
  return race;
}

describe("the first byte wins", () => {
  test.each<{ side: Side; other: Side }>([
    { side: "first", other: "second" },
    { side: "second", other: "first" },
  ])("$side: the other one is cancelled, and its own first byte comes too late", ({ side, other }) => {
    const race = running();
    expect(raceBegun(race, side)).toEqual({ wins: true, cancels: other });
    expect(raceBegun(race, other)).toEqual({ wins: false, cancels: null });
    expect(race[other]).toBe("cancelled");
  });

  test("and one that has failed is not cancelled as well", () => {
    const race = running();
    raceLost(race, "first");
    expect(raceBegun(race, "second")).toEqual({ wins: true, cancels: null });
    expect(race).toEqual({ first: "lost", second: "won" });
  });
});

describe("a second attempt", () => {
  test("is asked for once", () => {
    const race = createRace();
    expect([raceLate(race), raceLate(race)]).toEqual([true, false]);
  });

  test.each(["won", "lost"] as const)("is not asked for when the first one has %s", (how) => {
    const race = createRace();
    if (how === "won") raceBegun(race, "first");
    else raceLost(race, "first");
    expect(raceLate(race)).toBe(false);
  });

  test("is not dispatched when the first byte came while its lease was on the way", () => {
    const race = createRace();
    raceLate(race);
    expect(raceBegun(race, "first")).toEqual({ wins: true, cancels: null });
    expect(raceLeased(race, true)).toBe("return");
  });

  test("is dispatched when the first one failed meanwhile", () => {
    const race = createRace();
    raceLate(race);
    raceLost(race, "first");
    expect(raceLeased(race, true)).toBe("dispatch");
  });

  test("that is refused leaves the first one as it was", () => {
    const race = createRace();
    raceLate(race);
    expect(raceLeased(race, false)).toBe("none");
    expect(raceBegun(race, "first")).toEqual({ wins: true, cancels: null });
  });

  test("cannot be leased without having been asked for", () => {
    expect(() => raceLeased(createRace(), true)).toThrow("only when it was asked for");
  });
});

/** What can happen, whether or not it makes sense now: what cannot is skipped, as no shell would say it. */
type Event = "late" | "granted" | "refused" | `${"begun" | "lost"} ${Side}`;
const EVENTS: readonly Event[] = [
  "late",
  "granted",
  "refused",
  "begun first",
  "begun second",
  "lost first",
  "lost second",
];

test("whatever the order: one winner at most, no dispatch after the first byte, every loser ended once", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 20 }), (events) => {
      const race = createRace();
      const dispatched = new Set<Side>(["first"]);
      const winners: Side[] = [];
      const ends: Side[] = [];
      // An attempt answers once, also one that was aborted: its shell sees a failure, or a first byte that was on the
      // way.
      const answered = new Set<Side>();
      for (const event of events) {
        if (event === "late") raceLate(race);
        else if (event === "granted" || event === "refused") {
          if (race.second !== "asked") continue;
          if (raceLeased(race, event === "granted") !== "dispatch") continue;
          expect(winners).toEqual([]);
          dispatched.add("second");
        } else {
          const [what, side] = event.split(" ") as ["begun" | "lost", Side];
          if (!dispatched.has(side) || answered.has(side)) continue;
          answered.add(side);
          if (what === "lost") {
            if (race[side] === "running") ends.push(side);
            raceLost(race, side);
            continue;
          }
          const { wins, cancels } = raceBegun(race, side);
          if (wins) winners.push(side);
          if (cancels !== null) ends.push(cancels);
        }
      }
      expect(winners.length).toBeLessThanOrEqual(1);
      expect(new Set(ends).size).toBe(ends.length);
      expect(ends).not.toContain(winners[0]);
      // With a winner nobody goes on running.
      if (winners.length === 1) expect(new Set([...winners, ...ends])).toEqual(dispatched);
    }),
    { numRuns: 500 },
  );
});
