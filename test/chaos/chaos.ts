/**
 * Runs a chaos plan against a whole Warmpath on raw workerd and says what broke its promises: each request has exactly
 * one outcome, nothing is sent again after its first byte, and in the end no lease is left.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { BREAKS_FREE } from "../../src/dispatch/core/attempt-plan.ts";
import { startFleet } from "../support/fleet.ts";
import type { EndpointPlan, Fleet } from "../support/fleet.ts";
import { rawCall } from "../support/raw-client.ts";
import type { RawExchange } from "../support/raw-client.ts";
import { classify } from "./classify.ts";
import type { Outcome, Seen } from "./classify.ts";
import { CHAOS_REGIONS, planChaos } from "./plan.ts";
import type { ChaosStep, Disturbance, Leave } from "./plan.ts";

export type ChaosOptions = {
  readonly requests: number;
  readonly seed: number;
  readonly concurrency: number;
  /** Times the router is killed. */
  readonly crashes: number;
};

export type ChaosReport = {
  /** Outcomes by name, such as `ok` or `refused saturated`. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Disturbances by name. */
  readonly disturbances: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
  readonly dispatched: number;
  readonly tookMs: number;
  /** From the last attempt's end until no shard held a lease, ms. */
  readonly drainMs: number;
};

const LEASE_TTL_MS = 3_000;
const EXECUTION_TIMEOUT_MS = 3_000;
const ATTEMPTS_MAX = 2;
/** What it takes to look, beyond the one lease lifetime that is allowed, ms. */
const LOOK_MS = 500;
/** Violations beyond these say nothing new. */
const VIOLATIONS_MAX = 20;

type Run = {
  readonly fleet: Fleet;
  readonly outcomes: Map<string, number>;
  readonly disturbances: Map<string, number>;
  readonly violations: string[];
  /** Attempts that the answer itself told, by request id. */
  readonly attemptsTold: Map<string, number>;
  /** How often the router was killed so far; while it is away requests wait. */
  crashes: number;
  away: Promise<void> | null;
};

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const startedAtMs = Date.now();
  const stateDir = mkdtempSync(join(tmpdir(), "warmpath-chaos-"));
  const fleet = await startChaosFleet(options.seed, stateDir);
  const run: Run = {
    fleet,
    outcomes: new Map(),
    disturbances: new Map(),
    violations: [],
    attemptsTold: new Map(),
    crashes: 0,
    away: null,
  };
  try {
    const steps = planChaos(options)[Symbol.iterator]();
    await Promise.all(Array.from({ length: options.concurrency }, () => workOff(run, steps)));
    const drainMs = await drain(run);
    checkDispatches(run);
    await checkWell(run);
    const dispatched = [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);
    const { outcomes, disturbances, violations } = run;
    return { outcomes, disturbances, violations, dispatched, drainMs, tookMs: Date.now() - startedAtMs };
  } finally {
    await fleet.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function startChaosFleet(seed: number, stateDir: string): Promise<Fleet> {
  const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 2 };
  const endpoints = CHAOS_REGIONS.flatMap((region, index): EndpointPlan[] => {
    const config = { executionTimeoutMs: EXECUTION_TIMEOUT_MS };
    const simulator = { engine, seed: seed + index };
    return [
      { id: `${region}-vllm`, region, simulator, config },
      {
        id: `${region}-lb`,
        region,
        simulator,
        config: { ...config, backend: "runpod-lb", health: { path: "/health" } },
      },
    ];
  });
  const pool = { leaseTtlMs: LEASE_TTL_MS, ttfbTimeoutMs: 1_000, queueWaitMsMax: 5_000, attemptsMax: ATTEMPTS_MAX };
  return startFleet({ endpoints, pool, stateDir });
}

/** One of the clients: takes the next step until none is left. */
async function workOff(run: Run, steps: Iterator<ChaosStep>): Promise<void> {
  for (let next = steps.next(); next.done !== true; next = steps.next()) {
    for (const disturbance of next.value.before) await disturb(run, disturbance);
    await run.away;
    const seen = await request(run, next.value);
    count(run, classify(seen), seen);
  }
}

async function disturb(run: Run, disturbance: Disturbance): Promise<void> {
  const { fleet } = run;
  switch (disturbance.kind) {
    case "fault":
      fleet.simulator(disturbance.endpointId).setFault(disturbance.fault);
      add(run.disturbances, disturbance.fault.kind);
      return;
    case "restart": {
      await run.away;
      const crashes = run.crashes;
      const path = `/admin/shards/main/${disturbance.region}/restart`;
      const restarted = await fleet.call(path, { method: "POST" }).catch(() => null);
      if (restarted?.status !== 200 && run.crashes === crashes) violate(run, `a shard could not be restarted`);
      add(run.disturbances, "shard restart");
      return;
    }
    case "crash":
      run.crashes += 1;
      run.away = fleet.crash();
      await run.away;
      run.away = null;
      add(run.disturbances, "router killed");
  }
}

async function request(run: Run, step: ChaosStep): Promise<Seen> {
  const { fleet } = run;
  const { stream, maxTokens } = step;
  const crashes = run.crashes;
  let hasLeft = false;
  const leave = (exchange: RawExchange, { how }: Leave): void => {
    hasLeft = true;
    exchange.leave(how);
  };
  const timers = new AbortController();
  const exchange = rawCall(`${fleet.router.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${fleet.key}`,
      "content-type": "application/json",
      "x-warmpath-place": step.place,
    },
    body: JSON.stringify({
      model: fleet.model,
      stream,
      max_tokens: maxTokens,
      messages: [{ role: "user", content: "x" }],
    }),
    onProgress: (bytes) => {
      if (step.leave !== null && "afterBytes" in step.leave && bytes >= step.leave.afterBytes)
        leave(exchange, step.leave);
    },
  });
  if (step.leave !== null && "afterMs" in step.leave) {
    const leaving = step.leave;
    sleep(leaving.afterMs, undefined, { signal: timers.signal }).then(
      () => leave(exchange, leaving),
      // The answer was faster than the client's impatience.
      () => {},
    );
  }
  const answer = await exchange.answer.catch(() => null);
  timers.abort();
  const requestId = headerOf(answer?.headers["x-request-id"]);
  const attempts = headerOf(answer?.headers["x-warmpath-attempts"]);
  if (requestId !== null && attempts !== null) run.attemptsTold.set(requestId, Number(attempts));
  return {
    stream,
    maxTokens,
    status: answer?.status ?? 0,
    requestId,
    body: answer?.body.toString() ?? "",
    whole: answer?.whole ?? false,
    hasLeft,
    hasCrashed: run.crashes > crashes,
  };
}

/** Everything that still runs ends by its own deadline; then no lease may outlive one lease lifetime. */
async function drain(run: Run): Promise<number> {
  const { fleet } = run;
  for (const simulator of fleet.simulators.values()) {
    simulator.setFault({ kind: "none" });
    await simulator.listenAgain();
  }
  const active = async (): Promise<number> =>
    [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.activeRequests, 0);
  await fleet
    .until(active, (requests) => requests === 0, ATTEMPTS_MAX * EXECUTION_TIMEOUT_MS + 5_000)
    .catch((error) => {
      violate(run, `an endpoint still works for nobody: ${String(error)}`);
    });
  const endedAtMs = Date.now();
  await fleet
    .until(fleet.liveLeases, (leases) => leases === 0, LEASE_TTL_MS + LOOK_MS)
    .catch((error) => {
      violate(run, `leases are left: ${String(error)}`);
    });
  return Date.now() - endedAtMs;
}

/**
 * At most the attempts that were told, and never more than allowed: none was sent again after its first byte. What
 * found no room, what broke before anything came of it, or was taken away before it began because its endpoint was down,
 * is no attempt that counts.
 */
function checkDispatches(run: Run): void {
  const dispatches = new Map<string, number>();
  const unbegun = new Map<string, number>();
  for (const { stats } of run.fleet.simulators.values()) {
    for (const id of stats.dispatchedIds) add(dispatches, id);
    for (const id of stats.unbegunIds) add(unbegun, id);
  }
  for (const [id, times] of dispatches) {
    const most = ATTEMPTS_MAX + BREAKS_FREE + (unbegun.get(id) ?? 0);
    const allowed = Math.min(most, run.attemptsTold.get(id) ?? most);
    if (times > allowed) violate(run, `${id} was dispatched ${times} times, ${allowed} allowed`);
  }
}

/** After all that, every region serves. */
async function checkWell(run: Run): Promise<void> {
  for (const place of CHAOS_REGIONS) {
    const answers = async (): Promise<number> => (await run.fleet.chat({ place, maxTokens: 1 })).status;
    await run.fleet
      .until(answers, (status) => status === 200)
      .catch((error) => {
        violate(run, `${place} is not served any more: ${String(error)}`);
      });
  }
}

function count(run: Run, outcome: Outcome, seen: Seen): void {
  add(run.outcomes, "code" in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind);
  if (outcome.kind === "violation") violate(run, `${seen.requestId ?? "no request id"}: ${outcome.what}`);
}

function violate(run: Run, what: string): void {
  if (run.violations.length < VIOLATIONS_MAX) run.violations.push(what);
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

const headerOf = (value: string | string[] | undefined): string | null => (typeof value === "string" ? value : null);
