/**
 * Runs a plan of jobs against a whole Warmpath on raw workerd that is killed again and again, and says which promises
 * broke. Clients submit over HTTP and repeat what nobody answered; endpoints and pulling GPU workers fail meanwhile; a
 * reader and a receiver of webhooks note every end that they are told. What is judged is in `jobs-judge.ts`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { runClients } from "./jobs-clients.ts";
import { judge } from "./jobs-judge.ts";
import type { SeenJob } from "./jobs-judge.ts";
import { JOB_ENDPOINTS, planJobs, TENANTS } from "./jobs-plan.ts";
import type { JobDisturbance, Planned } from "./jobs-plan.ts";
import { startWebhookReceiver } from "./jobs-receiver.ts";
import type { JobsChaosOptions, JobsRun } from "./jobs-run.ts";
import { runWorkers } from "./jobs-workers.ts";

export type JobsChaosReport = {
  readonly statuses: ReadonlyMap<string, number>;
  readonly kills: number;
  readonly dispatched: number;
  readonly pulled: number;
  readonly repeated: number;
  readonly webhooks: number;
  readonly tookMs: number;
  readonly violations: readonly string[];
};

const LEASE_TTL_MS = 3_000;
const LOOK_MS = 500;
/** An attempt that hangs is given up after this, ms. */
const EXECUTION_TIMEOUT_MS = 2_000;
/** Violations beyond these say nothing new. */
const VIOLATIONS_MAX = 20;
const PAGE = 100;

export async function runJobsChaos(options: JobsChaosOptions): Promise<JobsChaosReport> {
  const startedAtMs = Date.now();
  const stateDir = mkdtempSync(join(tmpdir(), "warmpath-jobs-chaos-"));
  const receiver = await startWebhookReceiver();
  const fleet = await startJobsFleet(options, stateDir);
  const run: JobsRun = {
    fleet,
    options,
    receiver,
    violations: [],
    told: [],
    ends: [],
    pulled: [],
    giveUpAtMs: startedAtMs + options.limitMs,
    kills: 0,
    deadly: 0,
    over: false,
    away: null,
  };
  const { wishes, disturbances } = planJobs(options);
  try {
    const workers = runWorkers(run);
    await Promise.all([disturbAll(run, disturbances), runClients(run, wishes)]);
    run.over = true;
    await workers;
    return await conclude(run, startedAtMs);
  } finally {
    run.over = true;
    await fleet.close();
    receiver.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function startJobsFleet({ seed, bundlePath }: JobsChaosOptions, stateDir: string): Promise<Fleet> {
  const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 1 };
  return startFleet({
    endpoints: JOB_ENDPOINTS.map((id, index) => ({
      id,
      region: id.startsWith("us") ? "us-east" : "eu-west",
      simulator: { engine, seed: seed + index },
      config: { executionTimeoutMs: EXECUTION_TIMEOUT_MS, concurrencyPerWorker: 2 },
    })),
    keys: [
      ...TENANTS.map((tenant) => ({ id: tenant, tenant })),
      { id: "gpu", tenant: "operators", scopes: ["worker"] as const },
    ],
    pool: { leaseTtlMs: LEASE_TTL_MS, ttfbTimeoutMs: 1_000, queueWaitMsMax: 5_000 },
    stateDir,
    ...(bundlePath === undefined ? {} : { bundlePath }),
  });
}

/** On the clock of begun attempts; what the clock does not reach happens at the end. */
async function disturbAll(run: JobsRun, disturbances: readonly Planned[]): Promise<void> {
  for (const { at, what } of disturbances) {
    await run.fleet
      .until(
        async () => begun(run),
        (attempts) => attempts >= at || run.over || Date.now() >= run.giveUpAtMs,
        run.options.limitMs,
      )
      .catch(() => undefined);
    await disturb(run, what);
  }
  for (const simulator of run.fleet.simulators.values()) {
    simulator.setFault({ kind: "none" });
    await simulator.listenAgain();
  }
}

const dispatchedBy = ({ fleet }: JobsRun): number =>
  [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);

const begun = (run: JobsRun): number => dispatchedBy(run) + run.pulled.length;

async function disturb(run: JobsRun, what: JobDisturbance): Promise<void> {
  const { fleet } = run;
  switch (what.kind) {
    case "fault":
      fleet.simulator(what.endpointId).setFault(what.fault);
      return;
    case "shard":
      // A shard that is away is no less than one that restarts.
      await fleet.call(`/admin/shards/main/${what.region}/restart`, { method: "POST" }).catch(() => null);
      return;
    case "worker":
      run.deadly += 1;
      return;
    case "kill":
      await new Promise((resolve) => setTimeout(resolve, what.afterMs));
      run.kills += 1;
      run.away = fleet.crash();
      await run.away;
      run.away = null;
  }
}

async function conclude(run: JobsRun, startedAtMs: number): Promise<JobsChaosReport> {
  const { fleet, receiver, violations, told } = run;
  await fleet
    .until(fleet.liveLeases, (leases) => leases === 0, LEASE_TTL_MS + LOOK_MS + 5_000)
    .catch((error: unknown) => violations.push(`leases are left: ${String(error)}`));
  const wanted = told.filter(({ wish }) => wish.hook).flatMap(({ ids }) => [...ids]);
  await fleet
    .until(
      async () => wanted.filter((id) => !receiver.ends.has(id)).length,
      (missing) => missing === 0,
    )
    // The judge names them.
    .catch(() => undefined);
  const jobs = await everyJob(run);
  const runs = new Map<string, number>();
  for (const id of run.pulled) runs.set(id, (runs.get(id) ?? 0) + 1);
  for (const { stats } of fleet.simulators.values()) {
    for (const id of stats.dispatchedIds) runs.set(id, (runs.get(id) ?? 0) + 1);
  }
  const hookEnds = [...receiver.ends].flatMap(([id, seen]) => [...seen].map((status) => ({ id, status })));
  const ends = [...run.ends, ...hookEnds];
  const hooked = new Set(receiver.ends.keys());
  violations.push(...judge({ told, jobs, ends, runs, hooked }));
  await checkCounts(run, jobs);
  const statuses = new Map<string, number>();
  for (const { status } of jobs) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  return {
    statuses,
    kills: run.kills,
    dispatched: dispatchedBy(run),
    pulled: run.pulled.length,
    repeated: told.reduce((sum, { sent }) => sum + sent, 0) - told.length,
    webhooks: receiver.received(),
    tookMs: Date.now() - startedAtMs,
    violations: violations.slice(0, VIOLATIONS_MAX),
  };
}

/** All that the queue lists, tenant by tenant; and beside it what was accepted, should the list not have it. */
async function everyJob(run: JobsRun): Promise<SeenJob[]> {
  const { fleet, told } = run;
  const found = new Map<string, SeenJob>();
  for (const tenant of TENANTS) {
    const headers = { authorization: `Bearer ${fleet.keyOf(tenant)}` };
    for (let offset = 0; ; offset += PAGE) {
      const answer = await patiently(() =>
        fleet.call(`/v1/jobs?pool=main&limit=${PAGE}&offset=${offset}`, { headers }),
      );
      const { data, hasMore } = (await answer.json()) as { data: SeenJob[]; hasMore: boolean };
      for (const job of data) found.set(idOf(job), { ...job, id: idOf(job) });
      if (!hasMore) break;
    }
  }
  let unlisted = 0;
  for (const { wish, ids } of told) {
    const headers = { authorization: `Bearer ${fleet.keyOf(wish.tenant)}` };
    for (const id of ids) {
      if (found.has(id)) continue;
      const answer = await patiently(() => fleet.call(`/v1/jobs/${id}~main`, { headers }));
      if (answer.status !== 200) continue;
      unlisted += 1;
      found.set(id, { ...((await answer.json()) as SeenJob), id });
    }
  }
  if (unlisted > 0) run.violations.push(`${unlisted} jobs are known and not listed`);
  return [...found.values()];
}

const idOf = ({ id }: { readonly id: string }): string => id.slice(0, id.indexOf("~"));

/** Rates are a rule of the surface, and no fault. */
async function patiently(call: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const answer = await call();
    if (answer.status !== 429) return answer;
    await answer.arrayBuffer();
    const ms = Number(answer.headers.get("retry-after-ms") ?? 1_000);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

/** What the queue counts in memory is what its rows say. */
async function checkCounts(run: JobsRun, jobs: readonly SeenJob[]): Promise<void> {
  for (const tenant of TENANTS) {
    const headers = { authorization: `Bearer ${run.fleet.keyOf(tenant)}` };
    const answer = await patiently(() => run.fleet.call("/v2/main/health", { headers }));
    const { jobs: counts } = (await answer.json()) as { jobs: { inProgress: number; inQueue: number } };
    if (counts.inProgress !== 0 || counts.inQueue !== 0) {
      run.violations.push(`${tenant}: ${counts.inProgress} run and ${counts.inQueue} wait after the end`);
    }
  }
  if (jobs.length === 0) run.violations.push("no job is known");
}
