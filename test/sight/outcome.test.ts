import { describe, expect, test } from "vitest";
import { outcomeOf } from "../../src/sight/outcome.ts";
import type { Ending } from "../../src/sight/outcome.ts";
import { ERRORS } from "../../src/wire/errors.ts";
import type { ErrorReason } from "../../src/wire/errors.ts";

const ANSWERED: Ending = {
  refused: null,
  failed: null,
  status: 200,
  clientLeft: false,
  stoppedBy: null,
  answered: { outcome: "served", timedOut: false },
};

const REASONS = Object.keys(ERRORS) as ErrorReason[];

describe("what became of a request", () => {
  test.each(REASONS)("that was refused for %s has one outcome, and is not served", (refused) => {
    const { outcome, reason } = outcomeOf({ ...ANSWERED, refused, status: ERRORS[refused].status });
    expect(reason).toBe(refused);
    expect(outcome).not.toBe("served");
    // What is the client's own fault is no 5xx, and nobody's failure is a policy.
    const { status, isPolicy } = ERRORS[refused];
    if (outcome === "refused") expect(status).toBeLessThan(500);
    if (outcome === "upstream_failed") expect(isPolicy).toBe(false);
    if (outcome === "blocked" || outcome === "shed") expect([400, 415, 429, 503, 507]).toContain(status);
  });

  test.each<[string, Partial<Ending>, string, string | null]>([
    ["answered to its end", {}, "served", null],
    ["answered without an endpoint", { answered: null }, "served", null],
    ["its stream broke off", { answered: { outcome: "cut", timedOut: false } }, "upstream_failed", "upstream_cut"],
    ["its stream fell silent", { answered: { outcome: "cut", timedOut: true } }, "upstream_failed", "upstream_timeout"],
    [
      "its stream ran out of time",
      { answered: { outcome: "cancelled", timedOut: true } },
      "expired",
      "upstream_timeout",
    ],
    [
      "the client left in mid-stream",
      { answered: { outcome: "cancelled", timedOut: false } },
      "cancelled",
      "client_left",
    ],
    ["the client left before", { refused: "upstream_failed", clientLeft: true }, "cancelled", "client_left"],
    ["a rail ended its stream", { stoppedBy: "blocked_by_guardrail" }, "blocked", "blocked_by_guardrail"],
    [
      "a rail blocked it, and the client left",
      { refused: "blocked_by_guardrail", clientLeft: true },
      "blocked",
      "blocked_by_guardrail",
    ],
    ["the endpoint said 404", { status: 404 }, "refused", "endpoint_4xx"],
    ["the endpoint said 500 on a path of the client's", { status: 500 }, "upstream_failed", "endpoint_5xx"],
    ["a job found no room", { failed: "capacity", status: 0, answered: null }, "shed", "capacity"],
    ["a job's endpoint failed", { failed: "upstream_5xx", status: 500 }, "upstream_failed", "upstream_5xx"],
  ])("%s", (_, ending, outcome, reason) => {
    expect(outcomeOf({ ...ANSWERED, ...ending })).toEqual({ outcome, reason });
  });
});
