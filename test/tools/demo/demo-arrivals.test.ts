import { describe, expect, test } from "vitest";
import { ARRIVALS_MAX, createArrivals } from "../../../tools/demo/demo-arrivals.ts";

/** Longer than any test: whoever waits so long waits for an event. */
const NEVER_MS = 600_000;

describe("arrivals", () => {
  test("of one request are kept in order, each with its endpoint", () => {
    const arrivals = createArrivals<string>();
    for (const where of ["near", "far"]) arrivals.note(where, "job-1");
    arrivals.note("near", "job-2");
    expect(arrivals.of("job-1").map(({ where }) => where)).toEqual(["near", "far"]);
    expect(arrivals.of("job-3")).toEqual([]);
  });

  test("end a wait when there are enough, and not before", async () => {
    const arrivals = createArrivals<string>();
    let isOver = false;
    const waiting = arrivals.wait("job", 2, NEVER_MS).then((seen) => {
      isOver = true;
      return seen;
    });
    arrivals.note("near", "job");
    arrivals.note("near", "another");
    await Promise.resolve();
    expect(isOver).toBe(false);
    arrivals.note("far", "job");
    expect((await waiting).map(({ where }) => where)).toEqual(["near", "far"]);
  });

  test("that are there already are not waited for; a limit ends a wait with what there is", async () => {
    const arrivals = createArrivals<string>();
    arrivals.note("near", "job");
    expect(await arrivals.wait("job", 1, NEVER_MS)).toHaveLength(1);
    expect(await arrivals.wait("job", 2, 1)).toHaveLength(1);
  });

  test.each([
    ["at the bound nothing is forgotten", ARRIVALS_MAX, 1],
    ["one request beyond it, the oldest is", ARRIVALS_MAX + 1, 0],
  ])("%s", (_, count, kept) => {
    const arrivals = createArrivals<string>();
    for (let index = 0; index < count; index++) arrivals.note("near", `job-${index}`);
    expect(arrivals.of("job-0")).toHaveLength(kept);
    expect(arrivals.of(`job-${count - 1}`)).toHaveLength(1);
  });
});
