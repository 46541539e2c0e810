/** What is read off a job, what it may ask for, and what it remembers. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DOUBLINGS_MAX, fullJitterMs } from "../../../src/jobs/core/backoff.ts";
import { HISTORY_ENTRIES_MAX, HISTORY_HEAD, type History, record } from "../../../src/jobs/core/history.ts";
import { createJob, isVisible, TAG_CHARS_MAX, TAGS_MAX } from "../../../src/jobs/core/job.ts";
import { DEFAULT_POLICY, SCHEDULE_AHEAD_MAX_MS } from "../../../src/jobs/core/policy.ts";
import { runpodStatus, runpodTimes } from "../../../src/jobs/core/runpod-status.ts";
import { step } from "../../../src/jobs/core/step.ts";

const spec = { id: "j", tenant: "t", seq: 0, policy: DEFAULT_POLICY };

describe("bounds of a job", () => {
  test("tags are few and short", () => {
    const tags = (count: number, chars: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, "v".repeat(chars)]));
    expect(createJob({ ...spec, tags: tags(TAGS_MAX, TAG_CHARS_MAX) }, 0).job.state).toBe("queued");
    expect(() => createJob({ ...spec, tags: tags(TAGS_MAX + 1, 1) }, 0)).toThrow("tags");
    expect(() => createJob({ ...spec, tags: tags(1, TAG_CHARS_MAX + 1) }, 0)).toThrow("tags");
  });

  test("a start is scheduled a week ahead at most", () => {
    expect(createJob({ ...spec, notBeforeMs: SCHEDULE_AHEAD_MAX_MS }, 0).job.state).toBe("retrying");
    expect(() => createJob({ ...spec, notBeforeMs: SCHEDULE_AHEAD_MAX_MS + 1 }, 0)).toThrow("scheduled");
  });
});

test("full jitter fills the window that doubles, up to the cap", () => {
  const backoff = { baseMs: 1_000, capMs: 30_000 };
  const widest = (failures: number): number => fullJitterMs(backoff, failures, () => 0.999999);
  expect([1, 2, 5, 6, DOUBLINGS_MAX + 2].map(widest)).toEqual([999, 1_999, 15_999, 29_999, 29_999]);
  expect(fullJitterMs(backoff, 3, () => 0)).toBe(0);
});

test("a full history keeps its beginning and its end, and counts what it dropped", () => {
  let history: History = { entries: [], dropped: 0 };
  for (let atMs = 0; atMs < HISTORY_ENTRIES_MAX; atMs += 1) history = record(history, { mark: "queued", atMs });
  expect([history.entries.length, history.dropped]).toEqual([HISTORY_ENTRIES_MAX, 0]);
  history = record(history, { mark: "failed", atMs: 999 });
  expect([history.entries.length, history.dropped]).toEqual([HISTORY_ENTRIES_MAX, 1]);
  expect(history.entries.slice(0, HISTORY_HEAD).map(({ atMs }) => atMs)).toEqual([0, 1, 2, 3]);
  expect(history.entries.at(-1)?.atMs).toBe(999);
});

test("a clock that steps back does not turn a history back", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1_000, max: 1_000 })), (steps) => {
      let { job } = createJob({ ...spec, policy: { ...DEFAULT_POLICY, attemptsMax: 20 } }, 5_000);
      let now = 5_000;
      for (const stepMs of steps) {
        now += stepMs;
        const claim = { kind: "claimed", token: job.token + 1, leaseUntilMs: now + 1, endpointId: "e", workerId: null };
        job = step(job, job.state === "queued" ? (claim as never) : { kind: "timer" }, now, () => 0).job;
      }
      const times = job.history.entries.map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }),
  );
});

test.each([
  ["queued", "IN_QUEUE"],
  ["retrying", "IN_QUEUE"],
  ["running", "IN_PROGRESS"],
  ["completed", "COMPLETED"],
  ["failed", "FAILED"],
  ["cancelled", "CANCELLED"],
  ["timed_out", "TIMED_OUT"],
  ["expired", "TIMED_OUT"],
] as const)("%s is %s to Runpod's clients", (state, status) => {
  expect(runpodStatus(state)).toBe(status);
});

test("Runpod's times are the wait and the run", () => {
  const waiting = createJob(spec, 1_000).job;
  const claim = { kind: "claimed", token: 1, leaseUntilMs: 9_000, endpointId: "e", workerId: null } as const;
  const runs = step(waiting, claim, 1_824, () => 0).job;
  const done = step(runs, { kind: "finished", token: 1, output: null }, 5_215, () => 0).job;
  expect(runpodTimes(waiting, 1_500)).toEqual({ delayTime: 500 });
  expect(runpodTimes(runs, 2_000)).toEqual({ delayTime: 824, executionTime: 176 });
  expect(runpodTimes(done, 9_999)).toEqual({ delayTime: 824, executionTime: 3_391 });
});

test("a job is not to be seen once its ttl or its retention is over", () => {
  const { job } = createJob({ ...spec, policy: { ...DEFAULT_POLICY, ttlMs: 10_000 } }, 0);
  expect([isVisible(job, 9_999), isVisible(job, 10_000)]).toEqual([true, false]);
  const ended = step(job, { kind: "cancel" }, 1, () => 0).job;
  expect(isVisible({ ...ended, deleteAtMs: 5_000 }, 5_000)).toBe(false);
});
