import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JobEffect, JobEvent } from "../../../src/jobs/core/events.ts";
import { type JobState } from "../../../src/jobs/core/job-state.ts";
import { createJob, type Job, nextToken, nextWakeMs } from "../../../src/jobs/core/job.ts";
import { DEFAULT_POLICY, type JobPolicy } from "../../../src/jobs/core/policy.ts";
import { RESTARTS_MAX, RETURNS_MAX, UNREACHED_MAX } from "../../../src/jobs/core/reasons.ts";
import { RETRY_AFTER_MAX_MS } from "../../../src/jobs/core/retry.ts";
import { ERROR_CHARS_MAX, step } from "../../../src/jobs/core/step.ts";
import { checkStep } from "./model.ts";

const T0 = 1_000_000;
const rng = (): number => 0.5;
const output = { kind: "inline", json: '"o"' } as const;

function submitted(policy: Partial<JobPolicy> = {}, notBeforeMs?: number): Job {
  const spec = { id: "j", tenant: "t", seq: 1, policy: { ...DEFAULT_POLICY, ...policy } };
  return createJob(notBeforeMs === undefined ? spec : { ...spec, notBeforeMs }, T0).job;
}

const claimOf = (job: Job, now = T0): JobEvent => ({
  kind: "claimed",
  token: nextToken(job),
  leaseUntilMs: now + 30_000,
  endpointId: "e",
  workerId: "w",
});

const after = (job: Job, events: readonly JobEvent[], now = T0): Job =>
  events.reduce((current, event) => step(current, event, now, rng).job, job);

const running = (policy: Partial<JobPolicy> = {}): Job => {
  const job = submitted(policy);
  return after(job, [claimOf(job)]);
};

const failure = (reason: Extract<JobEvent, { kind: "failed" }>["reason"], token = 1): JobEvent => ({
  kind: "failed",
  token,
  reason,
});

const AT: Readonly<Record<JobState, () => Job>> = {
  queued: () => submitted(),
  running: () => running(),
  retrying: () => after(running(), [failure("upstream_5xx")]),
  completed: () => after(running(), [{ kind: "finished", token: 1, output }]),
  failed: () => after(running(), [failure("handler_error")]),
  cancelled: () => after(running(), [{ kind: "cancel" }]),
  timed_out: () => after(running(), [{ kind: "timer" }], T0 + DEFAULT_POLICY.executionTimeoutMs),
  expired: () => after(submitted({ startWithinMs: 1_000 }), [{ kind: "timer" }], T0 + 1_000),
};

/** One of each, under the newest token the job has had. */
const EVENTS: Readonly<Record<JobEvent["kind"], (job: Job) => JobEvent>> = {
  submitted: () => ({ kind: "submitted" }),
  claimed: (job) => claimOf(job),
  started: ({ token }) => ({ kind: "started", token }),
  progress: ({ token }) => ({ kind: "progress", token, output }),
  chunk: ({ token }) => ({ kind: "chunk", token }),
  shown: ({ token }) => ({ kind: "shown", token }),
  heartbeat: ({ token }) => ({ kind: "heartbeat", token, leaseUntilMs: T0 + 40_000 }),
  finished: ({ token }) => ({ kind: "finished", token, output }),
  failed: ({ token }) => ({ kind: "failed", token, reason: "upstream_5xx" }),
  lease_lost: ({ token }) => ({ kind: "lease_lost", token, reason: "worker_lost" }),
  recovered: () => ({ kind: "recovered", leaseUntilMs: T0 + 40_000 }),
  cancel: () => ({ kind: "cancel" }),
  timer: () => ({ kind: "timer" }),
  retried: () => ({ kind: "retried" }),
  expired: () => ({ kind: "expired", reason: "purged" }),
};

/** Where each event leads from each state; what is not named stays where it is. The table of docs/explanation/jobs.md. */
const MOVES: Partial<Record<JobState, Partial<Record<JobEvent["kind"], JobState>>>> = {
  queued: { claimed: "running", cancel: "cancelled", expired: "expired" },
  running: {
    finished: "completed",
    failed: "retrying",
    lease_lost: "retrying",
    cancel: "cancelled",
    expired: "expired",
  },
  retrying: { cancel: "cancelled", expired: "expired" },
  failed: { retried: "queued" },
  timed_out: { retried: "queued" },
};

const JOB_STATES = Object.keys(AT) as JobState[];

describe("every state and event", () => {
  const cases = JOB_STATES.flatMap((state) =>
    (Object.keys(EVENTS) as JobEvent["kind"][]).map((kind) => ({ state, kind, to: MOVES[state]?.[kind] ?? state })),
  );
  test.each(cases)("$state and $kind: $to", ({ state, kind, to }) => {
    const job = AT[state]();
    expect(job.state).toBe(state);
    const event = EVENTS[kind](job);
    const next = step(job, event, T0, rng);
    checkStep(job, event, next.job, next.effects);
    expect(next.job.state).toBe(to);
    if (to === state && state !== "running" && kind !== "timer") expect(next.job).toBe(job);
  });

  test("a step never throws and always keeps its promises, at any instant and token", () => {
    const kinds = fc.constantFrom(...(Object.keys(EVENTS) as JobEvent["kind"][]));
    const moments = fc.array(fc.tuple(kinds, fc.nat(60_000), fc.integer({ min: -2, max: 2 })), {
      maxLength: 40,
      size: "max",
    });
    fc.assert(
      fc.property(moments, (events) => {
        let job = submitted({ ttlMs: 600_000, executionTimeoutMs: 100_000, startWithinMs: 50_000 });
        let now = T0;
        for (const [kind, passedMs, tokenOff] of events) {
          now += passedMs;
          const sample = EVENTS[kind](job);
          const event = "token" in sample ? { ...sample, token: sample.token + tokenOff } : sample;
          const next = step(job, event, now, rng);
          checkStep(job, event, next.job, next.effects);
          job = next.job;
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a job survives its columns", () => {
    for (const state of JOB_STATES) expect(JSON.parse(JSON.stringify(AT[state]()))).toEqual(AT[state]());
  });
});

const kindsOf = (effects: readonly JobEffect[]): readonly string[] => effects.map(({ kind }) => kind);

describe("deadlines", () => {
  test.each([
    { name: "to start", policy: { startWithinMs: 5_000 }, atMs: 5_000, state: "expired", reason: "start_deadline" },
    { name: "in total", policy: { ttlMs: 10_000 }, atMs: 10_000, state: "expired", reason: "ttl" },
  ])("the deadline $name ends a waiting job at its instant and not before", ({ policy, atMs, state, reason }) => {
    const job = submitted(policy);
    expect(step(job, { kind: "timer" }, T0 + atMs - 1, rng).job.state).toBe("queued");
    const ended = step(job, { kind: "timer" }, T0 + atMs, rng).job;
    expect([ended.state, ended.error?.reason]).toEqual([state, reason]);
  });

  test("the deadline to run counts from when the attempt began, and aborts it", () => {
    const job = step(running({ executionTimeoutMs: 5_000 }), { kind: "started", token: 1 }, T0 + 2_000, rng).job;
    expect(step(job, { kind: "timer" }, T0 + 6_999, rng).job.state).toBe("running");
    const { job: ended, effects } = step(job, { kind: "timer" }, T0 + 7_000, rng);
    expect(ended.state).toBe("timed_out");
    expect(effects).toContainEqual({
      kind: "abort_attempt",
      token: 1,
      endpointId: "e",
      workerId: "w",
      reason: "run_deadline",
    });
  });

  test("a result after the deadline is refused even where no alarm came", () => {
    const { job, effects } = step(running({ executionTimeoutMs: 5_000 }), EVENTS.finished(running()), T0 + 5_000, rng);
    expect(job.state).toBe("timed_out");
    expect(effects).toContainEqual({ kind: "refused_stale", token: 1, liveToken: null });
  });

  test("of two deadlines that have passed the earlier one decides", () => {
    const job = running({ executionTimeoutMs: 5_000, ttlMs: 10_000 });
    const { job: ended, effects } = step(job, { kind: "timer" }, T0 + 60_000, rng);
    expect(ended.state).toBe("timed_out");
    expect(kindsOf(effects), "its ttl has passed too").toContain("delete");
  });

  test("a job that came back without having run still has its deadline to start", () => {
    const job = after(running({ startWithinMs: 5_000 }), [failure("released")]);
    expect(job.state).toBe("queued");
    expect(step(job, { kind: "timer" }, T0 + 5_000, rng).job.state).toBe("expired");
  });

  test("a ttl deletes at once, also what is running", () => {
    const { effects } = step(running({ ttlMs: 10_000 }), { kind: "timer" }, T0 + 10_000, rng);
    expect(kindsOf(effects)).toEqual(["abort_attempt", "record_history", "notify", "delete"]);
  });

  test("a result is kept for its retention, never beyond the ttl", () => {
    const long = after(running({ retentionMs: 60_000 }), [EVENTS.finished(running())]);
    const short = after(running({ retentionMs: 60_000, ttlMs: 20_000 }), [EVENTS.finished(running())]);
    expect([long.deleteAtMs, short.deleteAtMs]).toEqual([T0 + 60_000, T0 + 20_000]);
    expect(kindsOf(step(long, { kind: "timer" }, T0 + 59_999, rng).effects)).toEqual(["schedule"]);
    expect(kindsOf(step(long, { kind: "timer" }, T0 + 60_000, rng).effects)).toEqual(["delete"]);
  });

  test("a job that waits too long is late once, also where only its claim notices", () => {
    const job = submitted();
    const late = step(job, { kind: "timer" }, T0 + 15_000, rng);
    expect(late.effects).toContainEqual({ kind: "late", waitedMs: 15_000 });
    expect(kindsOf(step(late.job, { kind: "timer" }, T0 + 20_000, rng).effects)).not.toContain("late");
    expect(kindsOf(step(job, claimOf(job), T0 + 15_000, rng).effects)).toEqual(
      expect.arrayContaining(["late", "start_attempt"]),
    );
  });

  test("a scheduled start waits for its instant, and its deadlines count from there", () => {
    const job = submitted({ startWithinMs: 5_000 }, T0 + 60_000);
    expect([job.state, nextWakeMs(job)]).toEqual(["retrying", T0 + 60_000]);
    const due = step(job, { kind: "timer" }, T0 + 60_000, rng);
    expect([due.job.state, kindsOf(due.effects).includes("ready")]).toEqual(["queued", true]);
    expect(step(due.job, { kind: "timer" }, T0 + 64_999, rng).job.state).toBe("queued");
  });
});

describe("attempts", () => {
  test("failures are retried up to the bound, then the job is a dead letter", () => {
    let job = submitted({ attemptsMax: 3 });
    for (const expected of ["retrying", "retrying", "failed"]) {
      const now = nextWakeMs(job) === Number.POSITIVE_INFINITY ? T0 : (job.waitUntilMs ?? T0);
      job = after(job, [{ kind: "timer" }, claimOf(job, now)], now);
      job = step(job, failure("worker_lost", job.token), now, rng).job;
      expect(job.state).toBe(expected);
    }
    expect([job.attempts, job.token, job.error?.reason]).toEqual([3, 3, "worker_lost"]);
  });

  test.each([
    ["upstream_5xx", false, "retrying"],
    ["timeout_first_byte", false, "retrying"],
    ["endpoint_lost", false, "retrying"],
    ["capacity", false, "retrying"],
    ["released", false, "queued"],
    ["upstream_5xx", true, "failed"],
    ["upstream_4xx", false, "failed"],
    ["handler_error", false, "failed"],
    ["output_too_large", false, "failed"],
    ["blocked", false, "failed"],
  ] as const)("%s with no-retry %s: %s", (reason, noRetry, state) => {
    expect(step(running(), { kind: "failed", token: 1, reason, noRetry }, T0, rng).job.state).toBe(state);
  });

  test("a claim that never ran uses up no attempt, and comes back a bounded number of times", () => {
    const job = after(running({ attemptsMax: 1 }), [failure("capacity")]);
    expect([job.state, job.attempts, job.returns]).toEqual(["retrying", 0, 1]);
    const worn = { ...running(), returns: RETURNS_MAX - 1 };
    expect(after(worn, [failure("released")]).state).toBe("queued");
    expect(after({ ...worn, returns: RETURNS_MAX }, [failure("released")]).state).toBe("failed");
  });

  test.each([
    ["unreachable", "unreached", UNREACHED_MAX],
    ["router_restarted", "restarts", RESTARTS_MAX],
  ] as const)("an attempt that ended with %s is not counted, %s up to its bound; then it is", (reason, tally, max) => {
    const excused = after(running(), [failure(reason)]);
    expect([excused.state, excused.attempts, excused[tally]]).toEqual(["retrying", 0, 1]);
    const last = after({ ...running(), [tally]: max - 1 }, [failure(reason)]);
    expect([last.attempts, last[tally]]).toEqual([0, max]);
    const beyond = after({ ...running(), [tally]: max }, [failure(reason)]);
    expect([beyond.state, beyond.attempts, beyond[tally]]).toEqual(["retrying", 1, max]);
    const worn = { ...running({ attemptsMax: 3 }), [tally]: max, attempts: 3 };
    expect(after(worn, [failure(reason)]).state).toBe("failed");
  });

  test.each(["router_restarted", "unreachable"] as const)(
    "a job with one attempt is not repeated for %s, in which it may have run",
    (reason) => {
      expect(after(running({ attemptsMax: 1 }), [failure(reason)]).state).toBe("failed");
    },
  );

  test("a job that ran when the router restarted has started: its start deadline is over", () => {
    const job = after(running({ startWithinMs: 1_000 }), [failure("router_restarted")]);
    expect(after(job, [{ kind: "timer" }], T0 + 2_000).state).toBe("queued");
  });

  test("what a result had of numbers that JSON has not is said in its history", () => {
    const job = after(running(), [{ kind: "finished", token: 1, output, note: "non_finite_numbers" }]);
    expect(job.history.entries.at(-1)).toMatchObject({ mark: "completed", reason: "non_finite_numbers" });
  });

  test("the wait is the longer of the backoff and what the endpoint asked for, within a bound", () => {
    const waitOf = (retryAfterMs: number): number => {
      const event: JobEvent = { kind: "failed", token: 1, reason: "upstream_5xx", retryAfterMs };
      return (step(running(), event, T0, rng).job.waitUntilMs ?? 0) - T0;
    };
    expect([waitOf(0), waitOf(2_000), waitOf(1e12), waitOf(-5)]).toEqual([500, 2_000, RETRY_AFTER_MAX_MS, 500]);
  });

  test("an attempt whose lease ran out is aborted and the job requeued, once, however often the alarm comes", () => {
    const job = running();
    expect(step(job, { kind: "timer" }, T0 + 29_999, rng).job.state).toBe("running");
    const first = step(job, { kind: "timer" }, T0 + 30_000, rng);
    expect(kindsOf(first.effects)).toContain("abort_attempt");
    expect(step(first.job, { kind: "timer" }, T0 + 30_000, rng).job).toBe(first.job);
    expect(step(first.job, EVENTS.finished(job), T0 + 30_001, rng).effects).toContainEqual({
      kind: "refused_stale",
      token: 1,
      liveToken: null,
    });
  });

  test("an answer after the lease is good while nobody took the lease away", () => {
    expect(step(running(), EVENTS.finished(running()), T0 + 45_000, rng).job.state).toBe("completed");
  });

  test("a heartbeat prolongs the lease, never shortens it, and is not written", () => {
    const beat = (leaseUntilMs: number): JobEvent => ({ kind: "heartbeat", token: 1, leaseUntilMs });
    const { job, effects } = step(running(), beat(T0 + 50_000), T0 + 10_000, rng);
    expect([job.lease?.leaseUntilMs, kindsOf(effects)]).toEqual([T0 + 50_000, ["schedule"]]);
    expect(step(job, beat(T0 + 1), T0 + 10_000, rng).job.lease?.leaseUntilMs).toBe(T0 + 50_000);
  });

  test("the message of the end, sent again, is told that it was heard", () => {
    const done = AT.completed();
    expect(step(done, EVENTS.finished(done), T0, rng).effects).toEqual([
      { kind: "ignored", event: "finished", why: "repeat" },
    ]);
  });

  test("an error's message is cut", () => {
    const event: JobEvent = { kind: "failed", token: 1, reason: "handler_error", message: "x".repeat(5_000) };
    expect(step(running(), event, T0, rng).job.error?.message).toHaveLength(ERROR_CHARS_MAX);
  });
});

describe("redrive", () => {
  test("makes the next generation under the same id, with a fresh start and a token that goes on", () => {
    const { job, effects } = step(AT.failed(), { kind: "retried" }, T0 + 1_000, rng);
    expect(job).toMatchObject({
      id: "j",
      generation: 2,
      state: "queued",
      attempts: 0,
      token: 1,
      output: null,
      error: null,
    });
    expect([job.submittedAtMs, job.dueAtMs]).toEqual([T0 + 1_000, T0 + 1_000]);
    expect(kindsOf(effects)).toContain("discard_results");
  });

  test("waits while the attempt that was taken away may still run", () => {
    const timedOut = step(running({ executionTimeoutMs: 5_000 }), { kind: "timer" }, T0 + 5_000, rng).job;
    const { job } = step(timedOut, { kind: "retried" }, T0 + 6_000, rng);
    expect([job.state, job.waitUntilMs]).toEqual(["retrying", T0 + 30_000]);
  });

  test.each(["completed", "cancelled", "expired", "queued", "running", "retrying"] as const)(
    "is not for %s",
    (state) => {
      const { job, effects } = step(AT[state](), { kind: "retried" }, T0, rng);
      expect([job.state, effects]).toEqual([state, [{ kind: "ignored", event: "retried", why: "not_redrivable" }]]);
    },
  );

  test("is not for a job whose retention is over", () => {
    const { effects } = step(AT.failed(), { kind: "retried" }, T0 + DEFAULT_POLICY.retentionMs, rng);
    expect(kindsOf(effects)).toEqual(["ignored", "delete"]);
  });
});
