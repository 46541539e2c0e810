import { describe, expect, test } from "vitest";
import {
  claimWake,
  endpointView,
  noteGranted,
  observeProbe,
  READY_TRUST_MS,
} from "../../../../src/routing/core/endpoint/endpoint.ts";
import type { EndpointState } from "../../../../src/routing/core/endpoint/endpoint-state.ts";
import type { ProbeResult } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { endpointState, observeAttempt, settlement } from "../shard/shard-fixture.ts";

const READY: ProbeResult = { kind: "ready", warmWorkers: null };

describe("scale-in", () => {
  const IDLE_MS = 60_000;
  const scaling = () => {
    const state = endpointState({ workersMin: 0, idleTimeoutMs: IDLE_MS });
    observeAttempt(state, settlement(), 0);
    return state;
  };
  const warmthAt = (state: EndpointState, now: number, live = 0) => endpointView(state, live, now).warmth;

  test("is presumed of an endpoint that was idle for longer than its time-out", () => {
    const state = scaling();
    expect(warmthAt(state, IDLE_MS)).toBe("warm");
    expect(endpointView(state, 0, IDLE_MS + 1)).toMatchObject({ warmth: "cold", coldMs: 20_000 });
  });

  test.each([
    { name: "one that runs something", live: 1, changes: {} },
    { name: "one that keeps a GPU worker", live: 0, changes: { workersMin: 1 } },
  ])("is not presumed of $name", ({ live, changes }) => {
    const state = endpointState({ workersMin: 0, idleTimeoutMs: IDLE_MS, ...changes });
    observeAttempt(state, settlement(), 0);
    expect(warmthAt(state, 100 * IDLE_MS, live)).toBe("warm");
  });

  test("is not presumed for READY_TRUST_MS after a probe that found it ready", () => {
    const state = scaling();
    observeProbe(state, READY, 2 * IDLE_MS);
    expect(warmthAt(state, 2 * IDLE_MS + READY_TRUST_MS)).toBe("warm");
    expect(warmthAt(state, 2 * IDLE_MS + READY_TRUST_MS + 1)).toBe("cold");
  });

  test("is put off by every attempt, whatever came of it, and by every grant", () => {
    const state = scaling();
    observeAttempt(state, settlement({ outcome: "cancelled" }), IDLE_MS);
    expect(warmthAt(state, 2 * IDLE_MS)).toBe("warm");
    noteGranted(state, { client: null, clientKey: "" }, 0, 2 * IDLE_MS);
    expect(warmthAt(state, 3 * IDLE_MS)).toBe("warm");
    expect(warmthAt(state, 3 * IDLE_MS + 1)).toBe("cold");
  });

  test("allows one wake-up, and an endpoint that was warm after all teaches no cold start", () => {
    const state = scaling();
    const now = 2 * IDLE_MS;
    expect([claimWake(state, 1, now), claimWake(state, 0, now), claimWake(state, 0, now + 1)]).toEqual([
      false,
      true,
      false,
    ]);
    observeProbe(state, READY, now + 5);
    expect(state.coldStartMs.value).toBe(20_000);
  });
});
