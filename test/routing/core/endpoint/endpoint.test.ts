import { describe, expect, test } from "vitest";
import { EJECT_MS, FAILURES_MAX } from "../../../../src/routing/core/endpoint/breaker.ts";
import {
  claimInherited,
  claimWake,
  endpointView,
  inheritInFlight,
  observeAttempt as observe,
  observeProbe,
  OUTPUT_TOKENS_PRIOR,
  PROBE_FAILURES_MAX,
  SLOW_START_MS,
  WAKE_GAP_MS_MIN,
} from "../../../../src/routing/core/endpoint/endpoint.ts";
import { AHEAD_MS_MAX } from "../../../../src/routing/core/endpoint/endpoint-learn.ts";
import { CUT_MS } from "../../../../src/routing/core/endpoint/capacity-cut.ts";
import type { EndpointState } from "../../../../src/routing/core/endpoint/endpoint-state.ts";
import type { ProbeResult } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { PLACES_MAX } from "../../../../src/routing/core/cost/terms/net.ts";
import { FAILURE_PRIOR } from "../../../../src/routing/core/cost/terms/risk.ts";
import { endpointState, observeAttempt, settlement } from "../shard/shard-fixture.ts";

const READY: ProbeResult = { kind: "ready", warmWorkers: null };
const probe = (state: EndpointState, kind: Exclude<ProbeResult["kind"], "ready">, now: number) =>
  observeProbe(state, { kind }, now);

function fail(state: EndpointState, count: number, now: number): void {
  for (let i = 0; i < count; i++) observeAttempt(state, settlement({ outcome: "failed", heldMs: 3 }), now);
}

/** The numbers of a view that are estimates of a delay. */
function delaysOf(state: EndpointState, now: number) {
  const { occupancyMs, loadCurveMs, prefillTokensPerMs, roundTripMs } = endpointView(state, 0, now);
  return { occupancyMs, loadCurveMs, prefillTokensPerMs, roundTripMs };
}

const failureOf = (state: EndpointState, now = 0) => endpointView(state, 0, now).failureProbability;

describe("an attempt", () => {
  const telling = { ttftMs: 900, headersMs: 60, inputTokens: 2_000, heldMs: 5_000 };

  test.each([
    { outcome: "failed", probes: true, risk: "up", learns: false },
    { outcome: "capacity", probes: true, risk: "same", learns: false },
    { outcome: "cut", probes: true, risk: "up", learns: false },
    { outcome: "disputed", probes: true, risk: "same", learns: false },
    { outcome: "cancelled", probes: false, risk: "same", learns: false },
    { outcome: "late", probes: true, risk: "same", learns: false },
    { outcome: "unused", probes: false, risk: "same", learns: false },
    { outcome: "client_fault", probes: false, risk: "down", learns: false },
    { outcome: "served", probes: false, risk: "down", learns: true },
  ] as const)("that was $outcome: risk $risk, learns delays $learns", ({ outcome, probes, risk, learns }) => {
    const state = endpointState();
    const before = delaysOf(state, 0);
    expect(observeAttempt(state, settlement({ ...telling, outcome }), 0)).toBe(probes);
    expect(Math.sign(failureOf(state) - FAILURE_PRIOR)).toBe({ up: 1, same: 0, down: -1 }[risk]);
    if (learns) expect(delaysOf(state, 0)).not.toEqual(before);
    else expect(delaysOf(state, 0)).toEqual(before);
  });

  test("that is served teaches occupancy, round trip and load by worked numbers", () => {
    const state = endpointState({ prefillTokensPerMs: 10 });
    observeAttempt(state, settlement({ ...telling, inFlightAtGrant: 1 }), 0);
    const { occupancyMs, roundTripMs, loadCurveMs } = delaysOf(state, 0);
    expect(occupancyMs).toBe((2_000 + 5_000) / 2);
    expect(roundTripMs).toEqual({ here: 60 });
    // The residual beyond network and prefill: one sample among the 64 zeros of its bucket and of all fuller ones.
    expect(loadCurveMs[1]).toBeCloseTo((900 - 60 - 2_000 / 10) / 65, 9);
  });

  test.each([
    { name: "takes what was ahead of it in line off the load", aheadMs: AHEAD_MS_MAX - 1, residualMs: 640 - 49 },
    { name: "teaches no load behind a line of AHEAD_MS_MAX", aheadMs: AHEAD_MS_MAX, residualMs: 0 },
  ])("$name", ({ aheadMs, residualMs }) => {
    const state = endpointState({ prefillTokensPerMs: 10 });
    const seen = settlement({ ...telling, inFlightAtGrant: 1 });
    observe(state, seen, 0, () => 0.5, { aheadMs, cachedTokens: 0 });
    expect(state.load.meanMs[1]).toBeCloseTo(residualMs / 9, 9);
  });

  test("whose lease nobody knows teaches no load: what was ahead of it is not known", () => {
    const state = endpointState();
    observe(state, settlement({ ...telling, inFlightAtGrant: 1 }), 0, () => 0.5, null);
    expect(state.load.meanMs[1]).toBe(0);
  });

  test("teaches how long answers are, where the endpoint counts them", () => {
    const state = endpointState();
    observeAttempt(state, settlement({ outputTokens: 400 }), 0);
    expect(state.outputTokens.value).toBe((OUTPUT_TOKENS_PRIOR + 400) / 2);
  });

  test("teaches the round trip of PLACES_MAX places and no more", () => {
    const state = endpointState();
    for (let i = 0; i <= PLACES_MAX; i++) {
      observeAttempt(state, settlement({ headersMs: 10, clientKey: `place ${i}` }), 0);
    }
    expect(Object.keys(delaysOf(state, 0).roundTripMs)).toHaveLength(PLACES_MAX);
    observeAttempt(state, settlement({ headersMs: 30, clientKey: "place 0" }), 0);
    expect(delaysOf(state, 0).roundTripMs["place 0"]).toBe(30);
  });

  test("whose headers waited for a slot of the engine teaches load, and no distance", () => {
    const state = endpointState({ concurrencyPerWorker: 8 });
    for (let i = 0; i < 3; i++) observeAttempt(state, settlement({ ttftMs: 12, headersMs: 2 }), 0);
    observeAttempt(state, settlement({ ttftMs: 412, headersMs: 402, inFlightAtGrant: 4 }), 0);
    expect(delaysOf(state, 0).roundTripMs).toEqual({ here: 2 });
    expect(state.load.meanMs[3]).toBeCloseTo(410 / 9, 9);
  });

  test.each([
    // 2,000 tokens take 200 ms, 1,600 of them are thought to be cached: 40 ms are left to read.
    { name: "takes what was thought to be cached off the load", told: {}, residualMs: 20 },
    { name: "takes what the engine says was cached off it", told: { cachedTrue: 1_000 }, residualMs: 0 },
    {
      name: "compares shares where the engine's tokens are others",
      told: { cachedTrue: 800, promptTokens: 1_000 },
      residualMs: 20,
    },
  ])("$name", ({ told, residualMs }) => {
    const state = endpointState({ prefillTokensPerMs: 10 });
    const cached = { ttftMs: 120, headersMs: 60, inputTokens: 2_000, cachedTokens: 1_600, ...told };
    observeAttempt(state, settlement({ ...cached, inFlightAtGrant: 1 }), 0);
    expect(state.load.meanMs[1]).toBeCloseTo(residualMs / 9, 9);
  });

  test("that failed weighs less as time passes", () => {
    const state = endpointState();
    fail(state, 3, 0);
    expect(failureOf(state, 0)).toBeCloseTo(3.5 / 23, 9);
    expect(failureOf(state, 10_000)).toBeCloseTo((3 / Math.E + 0.5) / (3 / Math.E + 20), 9);
  });
});

describe("probes", () => {
  test("make it suspect, then down, then up again", () => {
    const state = endpointState();
    const seen = [1, 2, 3].map((now) => {
      probe(state, "failed", now);
      return [state.health, endpointView(state, 0, now).standing];
    });
    expect(seen).toEqual([
      ["suspect", "admitting"],
      ["down", "down"],
      ["down", "down"],
    ]);
    expect(PROBE_FAILURES_MAX).toBe(2);
    observeProbe(state, READY, 4);
    expect([state.health, endpointView(state, 0, 4).standing]).toEqual(["up", "admitting"]);
    probe(state, "failed", 5);
    expect(state.health).toBe("suspect");
  });

  test("that fail do not let a draining endpoint take traffic again", () => {
    const state = endpointState();
    probe(state, "draining", 0);
    expect(endpointView(state, 0, 0).standing).toBe("draining");
    probe(state, "failed", 1);
    expect(endpointView(state, 0, 1).standing).toBe("draining");
    probe(state, "failed", 2);
    expect(endpointView(state, 0, 2).standing).toBe("down");
  });

  test("that tell of GPU workers set the slots; without a count it is what the config keeps", () => {
    const state = endpointState();
    observeProbe(state, { kind: "ready", warmWorkers: 3 }, 0);
    expect(endpointView(state, 0, 0).capacity).toBe(12);
    observeProbe(state, READY, 1);
    expect(endpointView(state, 0, 1).capacity).toBe(4);
    observeProbe(state, { kind: "ready", warmWorkers: 0 }, 2);
    expect(endpointView(state, 0, 2).capacity).toBe(4);
  });
});

describe("a cold start", () => {
  const cold = () => endpointState({ workersMin: 0, coldStartMs: 20_000 });

  test("is waited for less and less, and is learned when it is over", () => {
    const state = cold();
    expect(endpointView(state, 0, 0)).toMatchObject({ warmth: "cold", coldMs: 20_000 });
    probe(state, "warming", 1_000);
    expect(endpointView(state, 0, 6_000)).toMatchObject({ warmth: "warming", coldMs: 15_000 });
    expect(endpointView(state, 0, 21_000).coldMs, "due now").toBe(0);
    expect(endpointView(state, 0, 60_000).coldMs, "overdue").toBe(39_000);
    observeProbe(state, READY, 11_000);
    expect(endpointView(state, 0, 11_000)).toMatchObject({ warmth: "warm", coldMs: 0 });
    expect(state.coldStartMs.value).toBe((20_000 + 10_000) / 2);
  });

  test("is not learned from a warm endpoint that seemed to warm for a moment", () => {
    const state = endpointState();
    probe(state, "warming", 0);
    observeAttempt(state, settlement(), 5);
    expect(endpointView(state, 0, 5).warmth).toBe("warm");
    expect(state.coldStartMs.value).toBe(20_000);
  });

  test("is begun by one wake-up, and by another only when it should be over", () => {
    const state = cold();
    expect([0, 1, 19_999].map((now) => claimWake(state, 0, now))).toEqual([true, false, false]);
    expect(endpointView(state, 0, 5_000)).toMatchObject({ warmth: "warming", coldMs: 15_000 });
    expect(claimWake(state, 0, 20_000)).toBe(true);
  });

  test("is still under way when a probe sees no GPU worker yet", () => {
    const state = cold();
    claimWake(state, 0, 0);
    probe(state, "cold", 1_000);
    expect(endpointView(state, 0, 1_000)).toMatchObject({ warmth: "warming", coldMs: 19_000 });
    observeProbe(state, READY, 12_000);
    expect(state.coldStartMs.value).toBe(16_000);
  });

  test("that never came to pass leaves the endpoint cold", () => {
    const state = cold();
    claimWake(state, 0, 0);
    probe(state, "cold", 20_000);
    expect(endpointView(state, 0, 20_000)).toMatchObject({ warmth: "cold", coldMs: 20_000 });
  });

  test("may be begun at once by the next need after the last one had ended well", () => {
    const state = cold();
    claimWake(state, 0, 0);
    observeProbe(state, READY, 5_000);
    probe(state, "cold", 6_000);
    expect(endpointView(state, 0, 6_000).warmth).toBe("cold");
    expect(claimWake(state, 0, 6_001)).toBe(true);
  });

  test("of an endpoint that claims to need none is not begun for every request", () => {
    const state = endpointState({ workersMin: 0, coldStartMs: 0 });
    expect([0, 1, WAKE_GAP_MS_MIN - 1, WAKE_GAP_MS_MIN].map((now) => claimWake(state, 0, now))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  test("is not begun for a warm endpoint", () => {
    expect(claimWake(endpointState(), 0, 0)).toBe(false);
  });
});

describe("slow start", () => {
  test("gives an endpoint that became warm its slots over SLOW_START_MS, one at least", () => {
    const state = endpointState({ workersMin: 0, concurrencyPerWorker: 20 });
    probe(state, "warming", 0);
    observeProbe(state, READY, 0);
    const slots = [0, 0.05, 0.25, 0.5, 1, 2].map((share) => endpointView(state, 0, share * SLOW_START_MS).capacity);
    expect(slots).toEqual([2, 2, 5, 10, 20, 20]);
  });

  test("begins when an endpoint that was down is up again after its ejection, however long the first answer takes", () => {
    const state = endpointState({ concurrencyPerWorker: 8 });
    for (let failure = 0; failure < FAILURES_MAX; failure++)
      observeAttempt(state, settlement({ outcome: "failed" }), 0);
    for (let time = 0; time < PROBE_FAILURES_MAX; time++) probe(state, "failed", 0);
    observeProbe(state, { kind: "ready", warmWorkers: null }, EJECT_MS);
    const capacityAt = (now: number) => endpointView(state, 1, now).capacity;
    expect([capacityAt(EJECT_MS), capacityAt(EJECT_MS + SLOW_START_MS)]).toEqual([1, 8]);
  });

  test.each(["down", "draining"] as const)("begins when an endpoint that was %s is up again", (from) => {
    const state = endpointState();
    if (from === "draining") probe(state, "draining", 0);
    else for (let i = 0; i < PROBE_FAILURES_MAX; i++) probe(state, "failed", 0);
    observeProbe(state, READY, 100_000);
    expect(endpointView(state, 0, 100_000).capacity).toBe(1);
    expect(endpointView(state, 0, 100_000 + SLOW_START_MS).capacity).toBe(4);
  });

  test("is not begun by a single failed probe", () => {
    const state = endpointState();
    probe(state, "failed", 0);
    observeProbe(state, READY, 1);
    expect(endpointView(state, 0, 1).capacity).toBe(4);
  });
});

describe("the breaker", () => {
  test("ejects after failures in a row and then lets one request of the whole fleet through", () => {
    const state = endpointState();
    fail(state, FAILURES_MAX - 1, 0);
    expect(endpointView(state, 0, 0).standing).toBe("admitting");
    fail(state, 1, 0);
    expect(endpointView(state, 0, EJECT_MS - 1).standing).toBe("ejected");
    expect(endpointView(state, 0, EJECT_MS)).toMatchObject({ standing: "admitting", capacity: 1 });
  });

  test.each(["served", "client_fault"] as const)("closes with a slow start when that one is %s", (outcome) => {
    const state = endpointState();
    fail(state, FAILURES_MAX, 0);
    observeAttempt(state, settlement({ outcome }), EJECT_MS);
    expect(endpointView(state, 0, EJECT_MS).capacity).toBe(1);
    expect(endpointView(state, 0, EJECT_MS + SLOW_START_MS / 2).capacity).toBe(2);
    expect(endpointView(state, 0, EJECT_MS + SLOW_START_MS).capacity).toBe(4);
  });

  test("ejects again for twice as long when that one fails", () => {
    const state = endpointState();
    fail(state, FAILURES_MAX, 0);
    fail(state, 1, EJECT_MS);
    expect(endpointView(state, 0, 3 * EJECT_MS - 1).standing).toBe("ejected");
    expect(endpointView(state, 0, 3 * EJECT_MS).standing).toBe("admitting");
  });

  test("stays closed by first tokens that are late: they raise the wait", () => {
    const state = endpointState();
    for (let late = 0; late < 2 * FAILURES_MAX; late++) {
      observeAttempt(state, settlement({ outcome: "late", heldMs: 10_000 }), 0);
    }
    const view = endpointView(state, 0, 0);
    expect(view.standing).toBe("admitting");
    expect(view.lateMs).toBeGreaterThan(9_000);
    observeAttempt(state, settlement({ firstByteMs: 50 }), 0);
    expect(endpointView(state, 0, 0).lateMs).toBeLessThan(8_000);
  });

  test("is opened by answers that break off, as by those that never begin", () => {
    const state = endpointState();
    for (let cut = 0; cut < FAILURES_MAX; cut++) observeAttempt(state, settlement({ outcome: "cut" }), 0);
    expect(endpointView(state, 0, 0).standing).toBe("ejected");
  });

  test.each(["capacity", "cancelled", "unused"] as const)("stays half open when that one was %s", (outcome) => {
    const state = endpointState();
    fail(state, FAILURES_MAX, 0);
    observeAttempt(state, settlement({ outcome }), EJECT_MS);
    expect(endpointView(state, 0, EJECT_MS + CUT_MS)).toMatchObject({ standing: "admitting", capacity: 1 });
  });

  test("is not moved, and no slow start begun, by an attempt that was under way when it opened", () => {
    const state = endpointState();
    fail(state, FAILURES_MAX, 0);
    observeAttempt(state, settlement(), EJECT_MS - 1);
    expect(endpointView(state, 0, EJECT_MS - 1)).toMatchObject({ standing: "ejected", capacity: 4 });
  });

  test("is not closed by a good probe: an endpoint may answer every probe and fail every request", () => {
    const state = endpointState();
    fail(state, FAILURES_MAX, 0);
    observeProbe(state, READY, EJECT_MS - 1);
    expect(endpointView(state, 0, EJECT_MS - 1).standing).toBe("ejected");
    observeProbe(state, READY, EJECT_MS);
    expect(endpointView(state, 0, EJECT_MS)).toMatchObject({ standing: "admitting", capacity: 1 });
  });
});

describe("in-flight of an earlier incarnation", () => {
  test("fades to 0 over its time and is claimed one by one", () => {
    const state = endpointState();
    inheritInFlight(state, 10, 1_000, 0);
    const at = (now: number) => endpointView(state, 2, now).inFlight;
    expect([0, 250, 500, 1_000, 9_000].map(at)).toEqual([12, 10, 7, 2, 2]);
    for (let i = 0; i < 4; i++) claimInherited(state);
    expect([0, 500].map(at)).toEqual([8, 5]);
    for (let i = 0; i < 20; i++) claimInherited(state);
    expect(at(0)).toBe(2);
  });

  test.each([
    { count: 0, fadeMs: 1_000 },
    { count: 5, fadeMs: 0 },
    { count: 5, fadeMs: -1 },
  ])("of $count over $fadeMs ms is nothing", ({ count, fadeMs }) => {
    const state = endpointState();
    inheritInFlight(state, count, fadeMs, 0);
    expect(endpointView(state, 1, 0).inFlight).toBe(1);
  });
});

test("who waited at the endpoint for a slot teaches how long a slot is held, not how long it waited, and no load", () => {
  // Four slots: the eighth request waits for as long as one is served.
  const settled = (inFlightAtGrant: number, heldMs: number) =>
    settlement({ inFlightAtGrant, heldMs, ttftMs: heldMs - 500, headersMs: 10 });
  const alone = endpointState();
  const crowded = endpointState();
  for (let seen = 0; seen < 200; seen++) {
    observeAttempt(alone, settled(3, 2_000), seen);
    observeAttempt(crowded, settled(7, 4_000), seen);
  }
  const [own, other] = [alone, crowded].map((state) => endpointView(state, 0, 200));
  expect(other?.occupancyMs).toBeCloseTo(own?.occupancyMs ?? 0, 6);
  expect(own?.loadCurveMs.at(-1)).toBeGreaterThan(500);
  expect(other?.loadCurveMs.at(-1) ?? 0).toBe(0);
});
