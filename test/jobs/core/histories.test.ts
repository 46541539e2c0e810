/** Random lives of a queue: crashes at every point, doubled and missing alarms, repeats, stale tokens, races. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isTerminal, terminalNotice } from "../../../src/jobs/core/job.ts";
import { DEFAULT_POLICY, type JobPolicy } from "../../../src/jobs/core/policy.ts";
import { webhookId } from "../../../src/jobs/core/webhook.ts";
import { type Rng, seededRng } from "../../../src/lib/rng.ts";
import { type Attempt, type CrashPoint, JOB_STATES, JobWorld, LEASE_MS } from "./model.ts";

const DEEDS = [
  "start",
  "beat",
  "chunk",
  "progress",
  "finish",
  "finish_twice",
  "fail",
  "refuse",
  "no_room",
  "die",
  "lost",
  "restarted",
  "unreached",
] as const;

type Op =
  | { kind: "submit"; tenant: string; key: string | null; priority: number; aheadMs: number; tight: boolean }
  | { kind: "pass"; ms: number }
  | { kind: "alarm"; times: number; early: boolean }
  | { kind: "attempt"; which: number; deed: (typeof DEEDS)[number] }
  | { kind: "zombie"; which: number }
  | { kind: "cancel" | "redrive" | "purge" | "reclaim"; which: number }
  | { kind: "crash"; at: CrashPoint | "now" | "renewed" }
  | { kind: "webhooks"; up: boolean };

const which = fc.nat(1_000);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("submit"),
      tenant: fc.constantFrom("a", "b"),
      key: fc.constantFrom(null, "k1", "k2", "k3"),
      priority: fc.constantFrom(0, 5, 9),
      aheadMs: fc.constantFrom(0, 0, 0, 700),
      tight: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("pass"), ms: fc.constantFrom(1, 20, 500, 1_000, 2_500, 3_000, 20_000) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("alarm"), times: fc.constantFrom(1, 2), early: fc.boolean() }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("attempt"), which, deed: fc.constantFrom(...DEEDS) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("zombie"), which }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("cancel", "redrive", "purge", "reclaim"), which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("crash"),
      at: fc.constantFrom("now", "before_write", "after_write", "renewed"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("webhooks"), up: fc.boolean() }) },
) as fc.Arbitrary<Op>;

const LOOSE: JobPolicy = { ...DEFAULT_POLICY, lateAfterMs: 1_000, backoff: { baseMs: 10, capMs: 20 } };
const TIGHT: JobPolicy = { ...LOOSE, ttlMs: 40_000, executionTimeoutMs: 1_500, startWithinMs: 4_000, attemptsMax: 2 };

function perform(world: JobWorld, wish: Op): void {
  switch (wish.kind) {
    case "submit": {
      const { tenant, key, priority, aheadMs, tight } = wish;
      const policy = { ...(tight ? TIGHT : LOOSE), priority };
      return world.submit({ tenant, key, bodyHash: `${tight}`, policy, notBeforeMs: world.now + aheadMs });
    }
    case "pass":
      world.now += wish.ms;
      return undefined;
    case "alarm":
      for (let left = wish.times; left > 0; left -= 1) world.alarm(wish.early);
      return undefined;
    case "attempt": {
      const attempt = pick(
        world.attempts.filter(({ alive }) => alive),
        wish.which,
      );
      return attempt === undefined ? undefined : act(world, attempt, wish.deed);
    }
    case "zombie": {
      const attempt = pick(world.attempts, wish.which);
      if (attempt !== undefined) world.turn(attempt.jobId, { kind: "finished", token: attempt.token, output: null });
      if (attempt !== undefined) attempt.alive = false;
      return undefined;
    }
    case "crash":
      if (wish.at === "renewed") renewAll(world);
      return wish.at === "now" || wish.at === "renewed" ? world.crash() : world.crashAt(wish.at);
    case "webhooks":
      return world.deliver(wish.up);
    default: {
      const id = pick(world.liveIds, wish.which);
      if (id === undefined) return undefined;
      if (wish.kind === "purge") world.turn(id, { kind: "expired", reason: "purged" });
      // A dispatcher that read the row before someone else's claim.
      else if (wish.kind === "reclaim") world.claim(id, world.job(id).token);
      else world.turn(id, { kind: wish.kind === "cancel" ? "cancel" : "retried" });
      return undefined;
    }
  }
}

/** Renewals are not written, so a crash right after them forgets them. */
function renewAll(world: JobWorld): void {
  world.now += LEASE_MS - 500;
  for (const attempt of world.attempts) if (attempt.alive) act(world, attempt, "beat");
}

function act(world: JobWorld, attempt: Attempt, deed: (typeof DEEDS)[number]): void {
  const { jobId, token } = attempt;
  // The work is over before the message is sent, so a message that is lost leaves nothing running.
  if (!["start", "beat", "chunk", "progress"].includes(deed)) attempt.alive = false;
  const value = { kind: "inline", json: "1" } as const;
  switch (deed) {
    case "start":
      return void world.turn(jobId, { kind: "started", token });
    case "beat": {
      const leaseUntilMs = world.now + LEASE_MS;
      if (world.turn(jobId, { kind: "heartbeat", token, leaseUntilMs })) attempt.believesUntilMs = leaseUntilMs;
      else attempt.alive = false;
      return undefined;
    }
    case "chunk":
      return void world.turn(jobId, { kind: "chunk", token });
    case "progress":
      return void world.turn(jobId, { kind: "progress", token, output: value });
    case "finish":
    case "finish_twice":
      world.turn(jobId, { kind: "finished", token, output: value });
      if (deed === "finish_twice") world.turn(jobId, { kind: "finished", token, output: value });
      return undefined;
    case "fail":
      return void world.turn(jobId, { kind: "failed", token, reason: "upstream_5xx" });
    case "refuse":
      return void world.turn(jobId, { kind: "failed", token, reason: "handler_error" });
    case "no_room":
      return void world.turn(jobId, { kind: "failed", token, reason: "capacity" });
    case "lost":
      return void world.turn(jobId, { kind: "lease_lost", token, reason: "endpoint_lost" });
    case "restarted":
      return void world.turn(jobId, { kind: "lease_lost", token, reason: "router_restarted" });
    case "unreached":
      return void world.turn(jobId, { kind: "failed", token, reason: "unreachable" });
    case "die":
      return undefined;
    default:
      return deed satisfies never;
  }
}

const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];

/** Peace: everything that runs finishes, every alarm comes, every receiver is up. */
function settle(world: JobWorld): void {
  for (let round = 0; world.hasWork; round += 1) {
    expect(round, "a queue left in peace comes to rest").toBeLessThan(100_000);
    world.guarded(() => {
      world.dispatch();
      for (const attempt of world.attempts) if (attempt.alive) act(world, attempt, "finish");
      world.alarm();
      world.deliver(true);
    });
    const due = world.nextMs;
    const idle = world.attempts.every(({ alive }) => !alive);
    if (world.hasWork && idle && Number.isFinite(due)) world.now = Math.max(world.now + 1, due);
  }
}

function checkEnd(world: JobWorld): void {
  const told = new Map<string, string[]>();
  for (const id of world.received.keys()) {
    const life = id.split(".").slice(0, 2).join(".");
    told.set(life, [...(told.get(life) ?? []), id]);
  }
  for (const id of world.submitted) {
    const job = world.lastSeen.get(id);
    expect(job !== undefined && isTerminal(job.state), `${id} came to an end`).toBe(true);
    if (job === undefined || !isTerminal(job.state)) continue;
    const life = `${id}.${job.generation}`;
    expect(told.get(life), "one effect for each end").toEqual([webhookId(job, terminalNotice(job.state))]);
  }
}

test("no history of crashes, repeats and races loses a job, runs it twice at once or ends it twice", () => {
  const states = new Set<string>();
  fc.assert(
    fc.property(fc.array(op, { minLength: 10, maxLength: 80, size: "max" }), fc.nat(), (ops, seed) => {
      const world = new JobWorld(seededRng(seed), { globalLimit: 3, tenantLimit: 2 });
      for (const wish of ops) {
        world.guarded(() => perform(world, wish));
        world.guarded(() => world.dispatch());
      }
      for (const { history } of world.lastSeen.values()) for (const { mark } of history.entries) states.add(mark);
      settle(world);
      checkEnd(world);
    }),
    { numRuns: 2_000 },
  );
  expect(
    JOB_STATES.filter((state) => !states.has(state)),
    "the histories reach every state",
  ).toEqual([]);
}, 60_000);

function crashSomewhere(world: JobWorld, rng: Rng): void {
  const draw = rng();
  if (draw < 0.2) world.crash();
  else world.crashAt(draw < 0.6 ? "before_write" : "after_write");
}

/** Draws one of the deeds of a busy day. */
function busyMoment(world: JobWorld, rng: Rng): void {
  const draw = rng();
  const at = Math.floor(rng() * 1_000);
  if (draw < 0.02) world.alarm();
  if (draw < 0.04) return world.alarm();
  if (draw < 0.06) return world.deliver(draw < 0.055);
  if (draw < 0.08) return perform(world, { kind: "cancel", which: at });
  if (draw < 0.11) return perform(world, { kind: "zombie", which: at });
  if (draw < 0.14) return perform(world, { kind: "attempt", which: at, deed: "die" });
  if (draw < 0.2) return perform(world, { kind: "attempt", which: at, deed: "fail" });
  return perform(world, { kind: "attempt", which: at, deed: draw < 0.3 ? "beat" : draw < 0.35 ? "chunk" : "finish" });
}

test("10,000 jobs survive 200 crashes, doubled alarms and repeated submissions: none lost, none twice", () => {
  const rng = seededRng(20_261);
  const world = new JobWorld(rng, { globalLimit: 50, tenantLimit: 20 });
  const policy = { ...LOOSE, retentionMs: 2_000 };
  for (let sent = 0; sent < 10_000; sent += 1) {
    world.now += Math.floor(rng() * 60);
    if (sent % 50 === 25) crashSomewhere(world, rng);
    const wish = { tenant: `t${sent % 4}`, key: `k${sent}`, bodyHash: "h", policy: { ...policy, priority: sent % 10 } };
    // A client that got no answer sends the same again; so does one that did, now and then.
    world.guarded(() => world.submit(wish));
    if (world.submitted.length === sent || rng() < 0.1) world.guarded(() => world.submit(wish));
    expect(world.submitted, "a key makes one job").toHaveLength(sent + 1);
    for (let moment = 0; moment < 3; moment += 1) world.guarded(() => busyMoment(world, rng));
    world.guarded(() => world.dispatch());
  }
  settle(world);
  checkEnd(world);
  expect(world.crashes).toBe(200);
}, 60_000);

test("the life of a job that nothing befalls is four writes of its row", () => {
  const world = new JobWorld(seededRng(1));
  world.submit({ tenant: "a", key: null, bodyHash: "h", policy: LOOSE });
  world.dispatch();
  const [attempt] = world.attempts;
  if (attempt !== undefined)
    for (const deed of ["start", "beat", "progress", "chunk", "finish"] as const) act(world, attempt, deed);
  world.deliver(true);
  expect([world.lastSeen.get("job0")?.state, world.rowsWritten]).toEqual(["completed", 4]);
});
