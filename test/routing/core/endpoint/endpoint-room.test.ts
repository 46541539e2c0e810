/** What an endpoint's own refusals for want of room leave of its slots. */
import { describe, expect, test } from "vitest";
import { EJECT_MS, FAILURES_MAX } from "../../../../src/routing/core/endpoint/breaker.ts";
import { CUT_MS } from "../../../../src/routing/core/endpoint/capacity-cut.ts";
import { endpointView, noteGranted, SLOW_START_MS } from "../../../../src/routing/core/endpoint/endpoint.ts";
import type { EndpointState } from "../../../../src/routing/core/endpoint/endpoint-state.ts";
import { FAILURE_PRIOR } from "../../../../src/routing/core/cost/terms/risk.ts";
import { endpointState, observeAttempt, settlement, US } from "../shard/shard-fixture.ts";

describe("a capacity answer", () => {
  const full = (state: EndpointState, inFlightAtGrant: number, now: number) =>
    observeAttempt(state, settlement({ outcome: "capacity", inFlightAtGrant }), now);

  test.each([
    { inFlightAtGrant: 3, capacity: 3 },
    { inFlightAtGrant: 0, capacity: 0 },
    { inFlightAtGrant: 99, capacity: 4 },
  ])("at $inFlightAtGrant in flight leaves $capacity of 4 slots, then one more", ({ inFlightAtGrant, capacity }) => {
    const state = endpointState();
    full(state, inFlightAtGrant, 0);
    expect(endpointView(state, 0, CUT_MS - 1)).toMatchObject({ capacity, refusesForMs: 1 });
    expect(endpointView(state, 0, CUT_MS)).toMatchObject({ capacity: Math.min(4, capacity + 1), refusesForMs: 0 });
  });

  test("counts as long as the endpoint asks, whatever else is in force", () => {
    const state = endpointState();
    const asks = { outcome: "capacity", retryAfterMs: 7_000 } as const;
    for (let failed = 0; failed < FAILURES_MAX; failed++) observeAttempt(state, settlement({ outcome: "failed" }), 0);
    observeAttempt(state, settlement(asks), EJECT_MS);
    expect(endpointView(state, 0, EJECT_MS + 6_999)).toMatchObject({ capacity: 0, refusesForMs: 1 });
    expect(endpointView(state, 0, EJECT_MS + 7_000).capacity).toBe(1);
  });

  test("is over with a slow start when the trial is served", () => {
    const state = endpointState();
    full(state, 0, 0);
    noteGranted(state, { client: US, clientKey: "here" }, 0, CUT_MS);
    expect(endpointView(state, 1, CUT_MS + 1), "one trial at a time").toMatchObject({ inFlight: 1, capacity: 1 });
    observeAttempt(state, settlement(), CUT_MS + 100);
    expect(endpointView(state, 0, CUT_MS + 100 + SLOW_START_MS / 2).capacity).toBe(2);
    expect(endpointView(state, 0, CUT_MS + 100 + SLOW_START_MS).capacity).toBe(4);
  });

  test("is no failure, however often it comes", () => {
    const state = endpointState();
    for (let i = 0; i < 50; i++) full(state, 2, i);
    expect(endpointView(state, 0, 50)).toMatchObject({ standing: "admitting", failureProbability: FAILURE_PRIOR });
    expect(state.health).toBe("up");
  });
});
