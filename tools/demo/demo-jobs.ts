/**
 * The act of the jobs: how soon one starts, and what becomes of one whose endpoint is killed while it runs.
 *
 * Jobs go in through Runpod's API and are read back through the router's own. That each ran as often as it should is
 * not asked of the router but counted where they ran: every endpoint tells what reaches it, and a job's attempts carry
 * its id. So the delay is from the client's submission until the endpoint has the request, by one clock. Rejected: the
 * queue's own `delayTime`, which begins after the submission has come in and ends before the dispatch goes out.
 */
import { type Job, JOB_WAIT_SECONDS, listJobs, readJob, seeOutput, submitJob } from "./demo-jobs-client.ts";
import { ENDPOINTS, POOL, type Role } from "./demo-fleet.ts";
import type { Column } from "./demo-print.ts";
import { check, ms, type Stage, until, viewOf } from "./demo-stage.ts";

/** Jobs whose start is measured, one after the other. */
const SHORT_JOBS = 5;

/** About 0.1 s at an endpoint. */
const SHORT_JOB_TOKENS = 8;

/** About 2 s: its endpoint is killed as soon as its first words have come. */
const LONG_JOB_TOKENS = 160;

/** For a job to reach an endpoint, ms: milliseconds as a rule, a backoff of up to a second for a second attempt. */
const START_MS_MAX = JOB_WAIT_SECONDS * 1_000;

/** Until the killed endpoint, started again, takes traffic, ms: the router's probes run every 1 to 5 s. */
const RESTART_MS_MAX = 15_000;

/** Of an id, as a person reads it. */
const ID_CHARS = 8;

const START_COLUMNS: readonly Column[] = [
  { title: "job", width: ID_CHARS },
  { title: "started after", width: -13 },
  { title: "at", width: 13 },
  { title: "ran for", width: -7 },
  { title: "became", width: 1 },
];

const HISTORY_COLUMNS: readonly Column[] = [
  { title: "after", width: -7 },
  { title: "became", width: 9 },
  { title: "", width: 1 },
];

export async function showJobs(stage: Stage): Promise<void> {
  stage.print.heading("8. Jobs, and an endpoint that is killed under one");
  const submitted = [...(await showStarts(stage)), await showKill(stage)];
  await checkNoneLost(stage, submitted);
}

/** The jobs' ids. */
async function showStarts(stage: Stage): Promise<readonly string[]> {
  const { fleet, print } = stage;
  print.line(`  POST /v2/${POOL}/run, ${SHORT_JOBS} times: Runpod's API\n`);
  print.head(START_COLUMNS);
  const delays: number[] = [];
  const ids: string[] = [];
  for (let count = 1; count <= SHORT_JOBS; count++) {
    const sentAtMs = performance.now();
    const id = await submitJob(fleet.client, POOL, inputOf(SHORT_JOB_TOKENS));
    ids.push(id);
    const [arrival] = await fleet.arrivals.wait(id, 1, START_MS_MAX);
    const delayMs = arrival === undefined ? null : arrival.atMs - sentAtMs;
    if (delayMs !== null) delays.push(delayMs);
    const { endpoint, executionMs, status } = await readJob(fleet.client, POOL, id);
    print.row(START_COLUMNS, [
      id.slice(0, ID_CHARS),
      delayMs === null ? "-" : ms(delayMs),
      endpoint ?? "-",
      executionMs === null ? "-" : ms(executionMs),
      status,
    ]);
  }
  print.note("(from the submission until the endpoint had it; the first one also starts the queue. Prefect 3,");
  print.note(" a workflow engine, publishes 1.6 to 2.9 s, and 2.4 to 4.9 s through its workers, asking every second)");
  const range = `${ms(Math.min(...delays))} to ${ms(Math.max(...delays))}`;
  const text = `a job starts at once: ${delays.length} of ${SHORT_JOBS} reached an endpoint`;
  check(stage, delays.length === SHORT_JOBS, delays.length === 0 ? text : `${text}, after ${range}`);
  return ids;
}

/** The long job's id. */
async function showKill(stage: Stage): Promise<string> {
  const { fleet, print } = stage;
  // It streams and has begun to: an endpoint that is gone before it said a word may as well never have had the job, and
  // such an attempt is not counted.
  const id = await submitJob(fleet.client, POOL, { ...inputOf(LONG_JOB_TOKENS), stream: true });
  const [first] = await fleet.arrivals.wait(id, 1, START_MS_MAX);
  if (first === undefined || !(await seeOutput(fleet.client, POOL, id))) throw new Error(`nothing ran the job ${id}`);
  const victim = fleet.endpoints[first.where];
  await victim.kill();
  print.line(`\n  kill -9 ${victim.pid}  (${ENDPOINTS[first.where].id}, which runs the job ${id})\n`);
  const job = await readJob(fleet.client, POOL, id);
  const runs = fleet.arrivals.of(id).map(({ where }) => ENDPOINTS[where].id);
  printHistory(stage, job, runs);
  const requeued = job.history.filter(({ status }) => status === "retrying").length;
  const isMoved = runs.length === 2 && runs[0] !== runs[1] && job.endpoint === runs[1];
  check(
    stage,
    requeued === 1 && job.attempts === 2 && isMoved && job.status === "completed",
    `re-queued ${times(requeued)}, ${job.status} at attempt ${job.attempts}: ${runs.join(", then ")}`,
  );
  await startAgain(stage, first.where);
  return id;
}

/** Each change of state, and at which endpoint it ran then. */
function printHistory({ print }: Stage, { history }: Job, runs: readonly string[]): void {
  print.head(HISTORY_COLUMNS);
  const [begin] = history;
  let attempt = 0;
  for (const { status, at, why } of history) {
    const ranAt = status === "running" ? (runs[attempt++] ?? "?") : "";
    const afterMs = Date.parse(at) - Date.parse(begin?.at ?? at);
    print.row(HISTORY_COLUMNS, [ms(afterMs), status, ranAt === "" ? why : `at ${ranAt}`]);
  }
}

/** By the queue's own list, each job's history, and what reached the endpoints. */
async function checkNoneLost(stage: Stage, ids: readonly string[]): Promise<void> {
  const { client, arrivals } = stage.fleet;
  const jobs = await Promise.all(ids.map(async (id) => readJob(client, POOL, id)));
  const listed = new Map((await listJobs(client, POOL)).map(({ id, status }) => [id, status]));
  const lost = ids.filter((id) => !listed.has(id)).length;
  const once = jobs.filter(({ history }) => history.filter(({ status }) => status === "completed").length === 1).length;
  const completed = ids.filter((id) => listed.get(id) === "COMPLETED").length;
  const attempts = jobs.reduce((sum, job) => sum + job.attempts, 0);
  const runs = ids.reduce((sum, id) => sum + arrivals.of(id).length, 0);
  check(
    stage,
    completed === ids.length && once === ids.length && lost === 0,
    `each job completed exactly once: ${Math.min(once, completed)} of ${ids.length} COMPLETED, ${lost} lost`,
  );
  check(
    stage,
    runs === ids.length + 1 && attempts === runs,
    `and ran once, the killed one twice: ${runs} runs at endpoints for ${ids.length} jobs`,
  );
}

/** For whoever tries the fleet after the show. */
async function startAgain({ fleet, print }: Stage, role: Role): Promise<void> {
  await fleet.restart(role);
  const { ok } = await until(
    async () => viewOf(await fleet.views(true), role)?.standing,
    (standing) => standing === "admitting",
    RESTART_MS_MAX,
  );
  print.note(`    ${ENDPOINTS[role].id} is started again${ok ? "" : ", and takes no traffic yet"}.`);
}

const inputOf = (tokens: number) => ({
  messages: [{ role: "user", content: "Tell me about warm paths." }],
  sampling_params: { max_tokens: tokens },
});

const times = (count: number): string => (count === 1 ? "once" : `${count} times`);
