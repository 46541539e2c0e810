/**
 * Every lease that a request is given is settled exactly once, and nothing is left open behind it, whatever its endpoints do
 * and whatever its owner forgets: the life of an attempt (`src/dispatch/upstream.ts`) on a clock of the test's own, over
 * endpoints that do as they are told.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Attempt, OpenAnswer } from "../../src/dispatch/attempt.ts";
import { runAttempts } from "../../src/dispatch/attempts.ts";
import { createFailingRequests } from "../../src/dispatch/core/failing-requests.ts";
import type { Dispatch } from "../../src/dispatch/course.ts";
import { openAnswer } from "../../src/dispatch/open-answer.ts";
import type { Asking, Heard, Upstream } from "../../src/dispatch/upstream.ts";
import { createLeaseCache } from "../../src/routing/core/lease-client/lease-cache.ts";
import type { AcquireReply, AcquireRequest, AttemptOutcome } from "../../src/routing/core/shard-messages.ts";
import type { Clock } from "../../src/routing/host/clock.ts";
import { LeaseClient } from "../../src/routing/host/lease-client.ts";
import { endpointSpec, grantOf, poolSpec, US } from "../routing/core/shard/shard-fixture.ts";

// Loaded when they are needed; here no time may pass meanwhile.
import "../../src/dispatch/attempt-lost.ts";
import "../../src/dispatch/hedge-second.ts";
import "../../src/dispatch/losses.ts";

const IDS = ["e1", "e2", "e3", "e4"];
const EXECUTION_MS = 60_000;

/** What an endpoint does with a request, after `afterMs`. */
type Deed = {
  readonly afterMs: number;
  readonly does:
    | "whole"
    | "refuse_client"
    | "too_long"
    | "stream"
    | "no_room"
    | "fail"
    | "fail_ours"
    | "break"
    | "hang";
};

/** What the owner of an answer does with it. */
type Exit = {
  readonly takes: "run" | "part_then_run" | "part_then_discard" | "part_to_end" | "discard" | "throw" | "nothing";
  readonly runsMs: number;
  readonly ends: AttemptOutcome;
};

type Course = {
  readonly deeds: readonly Deed[];
  readonly exit: Exit;
  readonly leavesAtMs: number | null;
  readonly hedgeAfterMs: number | null;
  readonly unknownEndpoint: boolean;
};

/** Time that passes event by event; whatever hangs on promises is done before the next. */
function createTime() {
  let nowMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly fn: () => void }>();
  const clock: Clock = {
    now: () => nowMs,
    after: (ms, fn) => {
      const timer = { dueMs: nowMs + ms, fn };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  // A part of the code that is loaded when it is needed takes a few turns, the first time.
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const passTo = async (untilMs: number): Promise<void> => {
    for (;;) {
      await settle();
      const next = [...timers].filter(({ dueMs }) => dueMs <= untilMs).toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) return void (nowMs = untilMs);
      timers.delete(next);
      nowMs = Math.max(nowMs, next.dueMs);
      next.fn();
    }
  };
  return { clock, passTo, timers };
}

type Asked = { readonly signal: AbortSignal; isOver: boolean };

/** One request through all of its attempts, and its answer through the given exit, to the end of all time limits. */
async function live({ deeds, exit, leavesAtMs, hedgeAfterMs, unknownEndpoint }: Course) {
  const { clock, passTo, timers } = createTime();
  const leaseCache = createLeaseCache("edge");
  const granted: string[] = [];
  const settled: string[] = [];
  const spawned: Promise<unknown>[] = [];
  const asked: Asked[] = [];
  const heard = (ends: readonly { readonly leaseId: string }[]) => settled.push(...ends.map(({ leaseId }) => leaseId));
  const shard = {
    async acquire({ leaseId, excluded, carry }: AcquireRequest): Promise<AcquireReply> {
      heard(carry.settled);
      const free = [...IDS, ...(unknownEndpoint ? ["of another version"] : [])].filter((id) => !excluded.includes(id));
      const [endpointId] = unknownEndpoint ? free.toReversed() : free;
      const reply = { tight: true, snapshot: null, candidates: null } as const;
      if (endpointId === undefined) return { outcome: { kind: "shed", retryAfterMs: 1 }, ...reply };
      granted.push(leaseId);
      const grant = grantOf(leaseId, { endpointId, hedgeAfterMs, prefillTokensPerMs: 10 });
      return { outcome: { kind: "granted", grant }, ...reply };
    },
    report: async ({ settled: ends }: { settled: readonly { leaseId: string }[] }) => void heard(ends),
    awaitGrant: async () => Promise.reject(new Error("nothing is queued")),
  };
  const leases = new LeaseClient(
    { leaseCache, flushUntilMs: 0 },
    { clock, rng: () => 0.5, spawn: (work) => void spawned.push(work), shardOf: () => shard },
  );
  let count = 0;
  const upstream: Upstream<null> = {
    to: (endpointId) =>
      IDS.includes(endpointId)
        ? {
            endpointId,
            executionTimeoutMs: EXECUTION_MS,
            reach: null,
            askHealth: async () => undefined,
            noteTokens: () => undefined,
            ask: async (asking) => ask(clock, asking, deeds[count++ % deeds.length] ?? HANG, asked),
          }
        : null,
    hash: async (of) => `the request ${of}`,
  };
  const client = new AbortController();
  if (leavesAtMs !== null) clock.after(leavesAtMs, () => client.abort());
  const leaseRequest = {
    pool: poolSpec(IDS.map((id) => endpointSpec({ id }))),
    client: US,
    clientKey: "here",
    inputTokens: 0,
    excluded: [],
    explain: false,
  };
  const dispatch: Dispatch<null> = {
    leases,
    pool: {
      config: { attemptsMax: 3, patienceMs: 1_000, queueWaitMsMax: 1_000 },
      failing: createFailingRequests(),
    },
    leaseRequest,
    upstream,
    bounds: {
      stream: true,
      firstByteTimeoutMs: 5_000,
      connectTimeoutMs: 1_000,
      stallTimeoutMs: 10_000,
      mayLeave: true,
      clientGone: client.signal,
    },
    repeatable: true,
    tenant: "somebody",
  };
  const running = runAttempts(dispatch, leases.take(leaseRequest, 1_000)).then(async (outcome) => {
    if (outcome.kind === "begun" && outcome.result.open !== null)
      await leave({ clock, asked }, outcome.result.open, exit);
  });
  await passTo(10 * EXECUTION_MS);
  await running;
  await leases.flush();
  await Promise.all(spawned);
  return {
    granted: granted.toSorted(),
    settled: settled.toSorted(),
    held: [...leaseCache.heldLeases.keys()],
    open: asked.filter(({ signal, isOver }) => !isOver && !signal.aborted).length,
    timers: timers.size,
  };
}

const HANG: Deed = { afterMs: 0, does: "hang" };

/** An endpoint's answer. Its signal must be aborted unless it has come to its end. */
async function ask(clock: Clock, { signal, onHeaders }: Asking, { afterMs, does }: Deed, asked: Asked[]) {
  const one: Asked = { signal, isOver: false };
  asked.push(one);
  return new Promise<Heard<null>>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")));
    clock.after(afterMs, () => {
      if (does === "hang") return;
      onHeaders(undefined);
      one.isOver = does !== "stream";
      const begun = {
        kind: "begun",
        reply: null,
        status: 200,
        isTooLong: false,
        isOver: true,
        hasToken: false,
        usage: null,
      } as const;
      if (does === "break") reject(new Error("it broke off"));
      if (does === "whole") resolve(begun);
      if (does === "refuse_client") resolve({ ...begun, status: 400 });
      if (does === "too_long") resolve({ ...begun, status: 400, isTooLong: true });
      if (does === "stream") resolve({ ...begun, isOver: false, hasToken: true });
      if (does === "fail") resolve({ kind: "failed", status: 500, shown: "" });
      if (does === "fail_ours") resolve({ kind: "failed", status: 401, shown: "" });
      if (does === "no_room") {
        resolve({ kind: "no_room", status: 429, shown: "", retryAfterMs: null, isNobodys: false });
      }
    });
  });
}

/** Takes an answer by the exit. A pump sees its end, or hears that it was given up. */
async function leave(
  { clock, asked }: { readonly clock: Clock; readonly asked: readonly Asked[] },
  open: OpenAnswer,
  { takes, runsMs, ends }: Exit,
): Promise<void> {
  const pump = async ({ controller: { signal } }: Attempt) =>
    new Promise<AttemptOutcome>((resolve) => {
      signal.addEventListener("abort", () => resolve("cut"));
      clock.after(runsMs, () => {
        for (const one of asked) one.isOver ||= one.signal === signal && ends === "served";
        resolve(ends);
      });
    });
  if (takes === "run") await open.run(pump);
  if (takes === "throw") {
    await open.run(async () => Promise.reject(new Error("a pump with a bug"))).catch(() => undefined);
  }
  if (takes === "discard") open.discard(ends);
  if (takes === "part_to_end") await open.part(pump);
  if (takes !== "part_then_run" && takes !== "part_then_discard") return;
  const rest = await open.part(async () => null);
  if (takes === "part_then_run") await rest?.run(pump);
  else rest?.discard(ends);
}

const deed = fc.record({
  afterMs: fc.constantFrom(0, 10, 400, 4_000, 6_000),
  does: fc.constantFrom<Deed["does"]>(
    "whole",
    "refuse_client",
    "too_long",
    "stream",
    "stream",
    "no_room",
    "fail",
    "fail_ours",
    "break",
    "hang",
  ),
});
const exitOf = fc.record({
  takes: fc.constantFrom<Exit["takes"]>(
    "run",
    "run",
    "part_then_run",
    "part_then_discard",
    "part_to_end",
    "discard",
    "throw",
    "nothing",
  ),
  runsMs: fc.constantFrom(0, 50, 20_000, 2 * EXECUTION_MS),
  ends: fc.constantFrom<AttemptOutcome>("served", "cut", "cancelled"),
});
const course = fc.record({
  deeds: fc.array(deed, { minLength: 1, maxLength: 6 }),
  exit: exitOf,
  leavesAtMs: fc.constantFrom(null, null, 0, 5, 300, 700, 30_000),
  hedgeAfterMs: fc.constantFrom(null, 100, 300),
  unknownEndpoint: fc.constantFrom(false, false, false, true),
});

const clean = (course_: Course) => live(course_).then(({ granted, ...left }) => ({ granted, left }));

describe("the leases of a request", () => {
  test("are settled once each, with nothing left open, whatever endpoints, client and owner do", async () => {
    await fc.assert(
      fc.asyncProperty(course, async (one) => {
        const { granted, left } = await clean(one);
        expect(left).toMatchObject({ settled: granted, held: [], open: 0 });
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(["run", "part_then_run", "part_then_discard", "part_to_end", "discard", "throw", "nothing"] as const)(
    "are settled once when the owner of an answer does this: %s",
    async (takes) => {
      for (const ends of ["served", "cut", "cancelled"] as const) {
        const { granted, left } = await clean({
          deeds: [{ afterMs: 10, does: "stream" }],
          exit: { takes, runsMs: 50, ends },
          leavesAtMs: null,
          hedgeAfterMs: null,
          unknownEndpoint: false,
        });
        expect(granted).toHaveLength(1);
        expect(left).toMatchObject({ settled: granted, held: [], open: 0 });
      }
    },
  );
});

describe("an answer that has begun", () => {
  const given = (): OpenAnswer => {
    const leases = { ports: { clock: { now: () => 0 } } };
    const attempt = { leases, isEnded: true, isTaken: false, cancelTimer: null, controller: new AbortController() };
    return openAnswer(attempt as unknown as Attempt);
  };
  const once = async () => "served" as const;

  test("is taken once: a second exit is a bug, and says so", async () => {
    for (const first of ["run", "discard"] as const) {
      const open = given();
      if (first === "run") await open.run(once);
      else open.discard("cancelled");
      await expect(open.run(once)).rejects.toThrow("taken once");
      await expect(open.part(once)).rejects.toThrow("taken once");
      expect(() => open.discard("cancelled")).toThrow("taken once");
    }
  });

  test("of which a part was taken is another one: the first is spent", async () => {
    const open = given();
    const rest = await open.part(async () => null);
    await expect(open.run(once)).rejects.toThrow("taken once");
    expect(await rest?.run(once)).toBe("served");
  });
});
