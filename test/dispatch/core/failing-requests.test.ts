import { describe, expect, test } from "vitest";
import { CUT_ASKED_MS_MAX } from "../../../src/routing/core/endpoint/capacity-cut.ts";
import {
  createFailingRequests,
  noteServed,
  SERVED_LIFE_MS,
  servesOthers,
} from "../../../src/dispatch/core/failing-requests.ts";
import {
  FAILING_MAX,
  FAILING_MS,
  FAILING_TIMES,
  noteAsked,
  noteFailing,
  refusalOf,
} from "../../../src/dispatch/core/failing-rules.ts";
import type { FailingRequests } from "../../../src/dispatch/core/failing-requests.ts";

const fail = (failing: FailingRequests, key: string, times: number, now = 0): void => {
  for (let time = 0; time < times; time++) noteFailing(failing, key, "failed", now);
};

describe("a request that idle endpoints refuse for a time", () => {
  test("waits that long, alone, up to CUT_ASKED_MS_MAX", () => {
    const failing = createFailingRequests();
    noteAsked(failing, "poison", 2 * CUT_ASKED_MS_MAX, 0);
    expect(refusalOf(failing, "poison", 1)).toEqual({ fault: "no_room", forMs: CUT_ASKED_MS_MAX - 1 });
    expect(refusalOf(failing, "poison", CUT_ASKED_MS_MAX)).toBeNull();
    expect(refusalOf(failing, "another", 1)).toBeNull();
  });

  test("is its own fault while others were served within SERVED_LIFE_MS, and not after", () => {
    const failing = createFailingRequests();
    expect(servesOthers(failing, 0)).toBe(false);
    noteServed(failing, "e1", 0);
    expect([servesOthers(failing, SERVED_LIFE_MS - 1), servesOthers(failing, SERVED_LIFE_MS)]).toEqual([true, false]);
  });
});

describe("a request that fails at two endpoints", () => {
  test("is refused from the FAILING_TIMESth time on, and not one sooner", () => {
    const failing = createFailingRequests();
    fail(failing, "poison", FAILING_TIMES - 1);
    failing.served += 1;
    expect(refusalOf(failing, "poison", 0)).toBeNull();
    fail(failing, "poison", 1);
    expect(refusalOf(failing, "poison", 0)).toEqual({ fault: "failed", forMs: FAILING_MS });
    expect(refusalOf(failing, "another", 0)).toBeNull();
  });

  test("is sent again when FAILING_MS are over", () => {
    const failing = createFailingRequests();
    fail(failing, "poison", FAILING_TIMES);
    failing.served += 1;
    expect(refusalOf(failing, "poison", FAILING_MS - 1)?.forMs).toBe(1);
    expect(refusalOf(failing, "poison", FAILING_MS)).toBeNull();
    fail(failing, "poison", 1, FAILING_MS);
    expect(refusalOf(failing, "poison", FAILING_MS), "a new row").toBeNull();
  });

  test("is not held to be at fault while nothing else is served", () => {
    const failing = createFailingRequests();
    fail(failing, "any", 10 * FAILING_TIMES);
    expect(refusalOf(failing, "any", 0)).toBeNull();
  });

  test("is one of FAILING_MAX that are remembered", () => {
    const failing = createFailingRequests();
    for (let one = 0; one <= FAILING_MAX; one++) fail(failing, `r${one}`, FAILING_TIMES);
    failing.served += 1;
    expect(failing.entries.size).toBe(FAILING_MAX);
    expect(refusalOf(failing, "r0", 0)).toBeNull();
    expect(refusalOf(failing, "r1", 0)).not.toBeNull();
  });
});
