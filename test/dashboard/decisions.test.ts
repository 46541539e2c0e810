import { expect, test } from "vitest";
import { lossInWords, outcomeKind, summaryOf, whyInWords } from "../../dashboard/decisions/decision-words.ts";
import { axisMs, barsOf } from "../../dashboard/decisions/timeline.ts";
import type { AttemptRecord } from "../../src/sight/core/record.ts";
import { sampleRecord } from "./sample-frames.ts";

const attempt = (changes: Partial<AttemptRecord>): AttemptRecord => ({
  endpoint: "gpu-1",
  region: "eu-west",
  why: "nearest_warm",
  sentMs: 2,
  firstByteMs: 80,
  endedMs: 900,
  status: 200,
  lost: null,
  hedge: false,
  said: null,
  ...changes,
});

test("a decision is told in a sentence, with what it means", () => {
  expect(summaryOf(sampleRecord({ region: "us-east", endpoint: "gpu-7", why: "spill" }))).toBe(
    "From near eu-west. gpu-7 in us-east answered: spill: every nearer one was full. It took 900 ms.",
  );
  const blocked = sampleRecord({ outcome: "blocked", reason: "rail_blocked", endpoint: null, region: null, why: null });
  expect(summaryOf(blocked)).toBe(
    "From near eu-west. No endpoint was asked. Outcome: blocked (rail blocked). It took 900 ms.",
  );
  expect(summaryOf({ ...blocked, outcome: "upstream_failed", attempts: [attempt({})] })).toContain(
    "No endpoint answered.",
  );
});

test("a word that this page does not know is shown as it is", () => {
  expect(whyInWords("nearest_warm")).toBe("nearest warm");
  expect(whyInWords("cheaper")).toBe("cheaper: a nearer one would answer later");
  expect(whyInWords("some_new_reason")).toBe("some new reason");
  expect(whyInWords(null)).toBe("");
  expect([lossInWords(null), lossInWords("cut")]).toEqual(["answered", "the answer broke off"]);
  expect(["served", "blocked", "upstream_failed", "something_new"].map(outcomeKind)).toEqual([
    "good",
    "meant",
    "bad",
    "bad",
  ]);
});

test("the timing has rails and lease from the arrival, the line at its end, and every attempt", () => {
  const record = sampleRecord({
    ms: { overhead: 12, lease: 10, queue: 6, rails: 3, ttft: 80, total: 400 },
    attempts: [
      attempt({ lost: "server_error", firstByteMs: null, endedMs: 20 }),
      attempt({ endpoint: "gpu-2", sentMs: 21 }),
    ],
  });
  const bars = barsOf(record);
  expect(bars.map(({ name, kind, fromMs, toMs }) => [name, kind, fromMs, toMs])).toEqual([
    ["rails", "rails", 0, 3],
    ["lease", "lease", 0, 4],
    ["in line", "queue", 4, 10],
    ["gpu-1", "lost", 2, 20],
    ["gpu-2", "attempt", 21, 900],
  ]);
  // An attempt that ended after its client had left.
  expect(axisMs(bars, 400)).toBe(900);
  expect(axisMs([], 0)).toBe(1);
});

test("what was not measured has no bar", () => {
  const record = sampleRecord({ ms: { overhead: null, lease: null, queue: null, rails: null, ttft: null, total: 5 } });
  expect(barsOf(record)).toEqual([]);
});
