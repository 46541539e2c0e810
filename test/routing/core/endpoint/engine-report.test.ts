import { expect, test } from "vitest";
import { endpointView, observeProbe } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { ENGINE_LIFE_MS, freshWords, heardEngine } from "../../../../src/routing/core/endpoint/engine-report.ts";
import { endpointState } from "../shard/shard-fixture.ts";

const ready = { kind: "ready", warmWorkers: null, running: null } as const;

test("what an engine runs and what waits there count as in flight, where that is more than the live leases", () => {
  const state = endpointState();
  observeProbe(state, { ...ready, engine: { runningRequests: 3, waitingRequests: 4 } }, 0);
  expect(endpointView(state, 2, 0).inFlight).toBe(7);
  expect(endpointView(state, 9, 0).inFlight).toBe(9);
});

test("words are worth something for a second, and nothing after it", () => {
  const words = heardEngine(null, { runningRequests: 3 }, 0);
  expect(freshWords(words, ENGINE_LIFE_MS)).toBe(words);
  expect(freshWords(words, ENGINE_LIFE_MS + 1)).toBeNull();
  expect(freshWords(null, 0)).toBeNull();
});

test("words that were old when they came are of when they were true", () => {
  expect(freshWords(heardEngine(null, { ageMs: ENGINE_LIFE_MS }, 0), 1)).toBeNull();
});

test("the size of the KV memory stays where a later report does not tell it", () => {
  const first = heardEngine(null, { kvTokensMax: 50_000, waitingTokens: 10 }, 0);
  expect(heardEngine(first, { runningRequests: 1 }, 500).report).toEqual({ kvTokensMax: 50_000, runningRequests: 1 });
  expect(heardEngine(first, { kvTokensMax: 60_000 }, 500).report.kvTokensMax).toBe(60_000);
});
