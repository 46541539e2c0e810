import { describe, expect, test } from "vitest";
import { endpointView, inheritInFlight, observeProbe } from "../../../../src/routing/core/endpoint/endpoint.ts";
import {
  ENGINE_LIFE_MS,
  freshWords,
  heardEngine,
  READ_BUSY_MS_MIN,
  READ_TOKENS_MIN,
} from "../../../../src/routing/core/endpoint/engine-report.ts";
import type { EngineReport, EngineWords } from "../../../../src/routing/core/endpoint/engine-report.ts";
import { endpointState } from "../shard/shard-fixture.ts";

/** An endpoint whose engine told this at 0, while `leased` requests of ours were there. */
function toldAt(engine: EngineReport, leased: number) {
  const state = endpointState();
  observeProbe(state, { kind: "ready", warmWorkers: null, engine }, 0, leased);
  return (live: number, now: number) => endpointView(state, live, now).inFlight;
}

describe("requests of others", () => {
  test("are what the engine has beyond our own when it tells, running and waiting", () => {
    expect(toldAt({ runningRequests: 3, waitingRequests: 2 }, 1)(1, 0)).toBe(5);
    expect(toldAt({ runningRequests: 3 }, 3)(3, 0)).toBe(3);
    expect(toldAt({ runningRequests: 1 }, 4)(4, 0), "leases whose requests are still on their way").toBe(4);
  });

  test("stay beside what we send and what ends of it after it has told", () => {
    const inFlight = toldAt({ runningRequests: 3 }, 1);
    expect([0, 1, 5].map((live) => inFlight(live, 10))).toEqual([2, 3, 7]);
  });

  test("are forgotten when the word is older than ENGINE_LIFE_MS", () => {
    const inFlight = toldAt({ runningRequests: 3 }, 1);
    expect(inFlight(1, ENGINE_LIFE_MS)).toBe(3);
    expect(inFlight(1, ENGINE_LIFE_MS + 1)).toBe(1);
  });

  test("are none where the engine does not tell what it runs", () => {
    expect(toldAt({ waitingRequests: 7, kvTokensMax: 1_000 }, 0)(2, 0)).toBe(2);
  });

  test("are not those of an earlier incarnation, which are counted already", () => {
    const state = endpointState();
    inheritInFlight(state, 4, 10_000, 0);
    observeProbe(state, { kind: "ready", warmWorkers: null, engine: { runningRequests: 4 } }, 0, 0);
    expect(endpointView(state, 0, 0).inFlight).toBe(4);
  });
});

describe("words", () => {
  const hear = (...reports: EngineReport[]) =>
    reports.reduce<EngineWords | null>((before, report, at) => heardEngine(before, report, at, 0), null);

  test("are worth something for a second, and nothing after it", () => {
    const words = hear({ runningRequests: 3 });
    expect(freshWords(words, ENGINE_LIFE_MS)).toBe(words);
    expect(freshWords(words, ENGINE_LIFE_MS + 1)).toBeNull();
    expect(freshWords(null, 0)).toBeNull();
  });

  test("that were old when they came are of when they were true", () => {
    expect(freshWords(hear({ ageMs: ENGINE_LIFE_MS }), 1)).toBeNull();
  });

  test("keep the size of the KV memory where a later report does not tell it", () => {
    const first = { kvTokensMax: 50_000, waitingTokens: 10 };
    expect(hear(first, { runningRequests: 1 })?.report).toEqual({ kvTokensMax: 50_000, runningRequests: 1 });
    expect(hear(first, { kvTokensMax: 60_000 })?.report.kvTokensMax).toBe(60_000);
  });

  const at = (readTokensTotal: number, readBusyMsTotal: number) => ({ readTokensTotal, readBusyMsTotal });

  test("have what was read between two looks", () => {
    expect(hear(at(1_000, 100))?.readSince).toBeNull();
    expect(hear(at(1_000, 100), at(3_000, 300))?.readSince).toEqual({ tokens: 2_000, busyMs: 200 });
    expect(hear(at(1_000, 100), {}, at(3_000, 300))?.readSince, "one look told nothing").not.toBeNull();
  });

  test("wait until the counters have grown by READ_TOKENS_MIN and READ_BUSY_MS_MIN, and lose nothing of it", () => {
    expect(hear(at(0, 0), at(READ_TOKENS_MIN, READ_BUSY_MS_MIN))?.readSince).not.toBeNull();
    expect(hear(at(0, 0), at(READ_TOKENS_MIN - 1, 100))?.readSince).toBeNull();
    expect(hear(at(0, 0), at(5_000, READ_BUSY_MS_MIN - 1))?.readSince).toBeNull();
    const half = at(READ_TOKENS_MIN / 2, READ_BUSY_MS_MIN / 2);
    const whole = hear(at(0, 0), half, at(READ_TOKENS_MIN, READ_BUSY_MS_MIN));
    expect(whole?.readSince).toEqual({ tokens: READ_TOKENS_MIN, busyMs: READ_BUSY_MS_MIN });
  });

  test("of an engine that has started again begin anew", () => {
    expect(hear(at(9_000, 900), at(1_000, 100))?.readSince).toBeNull();
    expect(hear(at(9_000, 900), at(1_000, 100), at(2_000, 300))?.readSince).toEqual({ tokens: 1_000, busyMs: 200 });
  });
});
