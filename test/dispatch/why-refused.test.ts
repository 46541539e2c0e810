import { expect, test } from "vitest";
import { createAttemptPlan } from "../../src/dispatch/core/attempt-plan.ts";
import { refusalOf } from "../../src/dispatch/why-refused.ts";

test("a request that was put back, and then waited in vain, is told that there is no room, and when there may be", () => {
  const losses = { last: null, undecided: [], refusals: [], credentialRefused: false, poolDown: false };
  const shed = { kind: "shed", retryAfterMs: 1_500 } as const;
  expect(refusalOf("put_back", losses, createAttemptPlan(), shed)).toMatchObject({
    reason: "saturated",
    retryAfterMs: 1_500,
  });
});
