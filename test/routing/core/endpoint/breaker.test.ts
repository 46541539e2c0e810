import { describe, expect, test } from "vitest";
import {
  breakerDisputed,
  breakerFailed,
  breakerServed,
  breakerStanding,
  CLOSED,
  DISPUTES_MAX,
  EJECT_MS,
  EJECT_MS_MAX,
  FAILURES_MAX,
} from "../../../../src/routing/core/endpoint/breaker.ts";
import type { Breaker } from "../../../../src/routing/core/endpoint/breaker.ts";

/** Fails `count` times at `now`. */
function failing(breaker: Breaker, count: number, now: number): Breaker {
  let next = breaker;
  for (let i = 0; i < count; i++) next = breakerFailed(next, now);
  return next;
}

const opened = failing(CLOSED, FAILURES_MAX, 0);

test("opens at FAILURES_MAX failures in a row and not one earlier", () => {
  expect(breakerStanding(failing(CLOSED, FAILURES_MAX - 1, 0), 0)).toBe("closed");
  expect(opened).toEqual({ state: "open", untilMs: EJECT_MS, openings: 1 });
});

test("opens at DISPUTES_MAX disputed failures in a row and not one earlier", () => {
  let breaker: Breaker = CLOSED;
  for (let dispute = 1; dispute < DISPUTES_MAX; dispute++) breaker = breakerDisputed(breaker, 0);
  expect(breaker).toEqual({ ...CLOSED, disputes: DISPUTES_MAX - 1 });
  expect(breakerServed(breaker, 0), "one answer, and they count from the start").toEqual(CLOSED);
  const beyond = breakerDisputed(breaker, 0);
  expect(beyond).toEqual(opened);
  expect(breakerDisputed(beyond, 0), "more of them while it is open are no news").toEqual(opened);
});

describe("one transition for each state and event", () => {
  const oneFailure = failing(CLOSED, 1, 0);
  const BEFORE = EJECT_MS - 1;
  const AFTER = EJECT_MS;

  test.each([
    { state: "closed", from: CLOSED, event: "served", now: 5, to: CLOSED },
    { state: "closed", from: CLOSED, event: "failed", now: 5, to: { ...CLOSED, failures: 1 } },
    { state: "closed with a failure", from: oneFailure, event: "served", now: 5, to: CLOSED },
    { state: "open", from: opened, event: "served", now: BEFORE, to: opened },
    { state: "open", from: opened, event: "failed", now: BEFORE, to: opened },
    { state: "half_open", from: opened, event: "served", now: AFTER, to: CLOSED },
    {
      state: "half_open",
      from: opened,
      event: "failed",
      now: AFTER,
      to: { state: "open", untilMs: AFTER + 2 * EJECT_MS, openings: 2 },
    },
  ] as const)("$state, $event", ({ from, event, now, to }) => {
    const step = { served: breakerServed, failed: breakerFailed }[event];
    expect(step(from, now)).toEqual(to);
  });

  test("open becomes half_open at its instant", () => {
    expect(breakerStanding(opened, BEFORE)).toBe("open");
    expect(breakerStanding(opened, AFTER)).toBe("half_open");
  });
});

test("each opening that follows a failed half-open attempt lasts twice as long, up to the cap", () => {
  let breaker = opened;
  const lengths: number[] = [];
  for (let i = 0; i < 1_100 && breaker.state === "open"; i++) {
    const halfOpenAtMs = breaker.untilMs;
    breaker = breakerFailed(breaker, halfOpenAtMs);
    if (breaker.state === "open") lengths.push(breaker.untilMs - halfOpenAtMs);
  }
  expect(lengths.slice(0, 6)).toEqual([2_000, 4_000, 8_000, 16_000, EJECT_MS_MAX, EJECT_MS_MAX]);
  expect(lengths.every((ms) => ms <= EJECT_MS_MAX)).toBe(true);
});

test("starts from the first ejection again once it was closed", () => {
  const twice = breakerFailed(opened, EJECT_MS);
  const closed = breakerServed(twice, EJECT_MS_MAX);
  expect(failing(closed, FAILURES_MAX, EJECT_MS_MAX)).toMatchObject({ untilMs: EJECT_MS_MAX + EJECT_MS, openings: 1 });
});
