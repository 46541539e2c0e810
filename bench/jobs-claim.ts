/**
 * `npm run bench:claim`: what a claim costs with 10, 1,000, 100,000 and 1,000,000 jobs in the queue, and what
 * such a queue costs at its start.
 *
 * Model. Raw workerd with the built sources and a pulling GPU worker, which claims ten jobs a call; the pool's endpoint
 * is drained, so nothing else does. A million submissions would take an hour: one job is submitted, workerd is stopped,
 * and the rows are copied in the queue's own SQLite file, under random ids, as real ones have. Then workerd starts on
 * it: its first answer contains the pass over the waiting jobs. Plans and bare statements are those of `job-store.ts`,
 * run by Node's SQLite on the same file. How many rows a claim reads and writes is counted in
 * `test/objects/job-queue-storage`.
 */
import { randomBytes } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { buildWorker } from "../tools/cli/build.ts";
import { startWorkerd } from "../tools/cli/workerd.ts";
import type { Workerd } from "../tools/cli/workerd.ts";
import { HEAD_SQL, LANES_SQL } from "../src/jobs/object/job-sql.ts";
import { formatKey, keyHmac, toHex } from "../src/wire/api-keys.ts";
import { percentile } from "./stats.ts";

const usage = `npm run bench:claim -- [options]
  --quick         up to 100,000 jobs instead of 1,000,000
  --json <file>   also write the figures there
  --help          this text`;

const LENGTHS = [10, 1_000, 100_000, 1_000_000] as const;
const CLAIMS_PER_CALL = 10;
/** Calls before those that count: a cold isolate compiles. */
const WARM_UP_CALLS = 20;
const CALLS = 60;
/** Bare statements that are timed. */
const LOOKUPS = 10_000;
const TENANT = "bench";

export type ClaimFigures = {
  readonly waiting: number;
  /** One claim of a pulling worker: tenth part of a call that brings ten, HTTP included, µs. */
  readonly claimUsMin: number;
  readonly claimUsP50: number;
  /** The lookup of the first job alone, µs. */
  readonly headUs: number;
  /** From the start of workerd, which has no object yet, to the queue's first answer, ms. */
  readonly firstAnswerMs: number;
  /** The pass over the waiting jobs at the start, the file not in any cache of SQLite's, ms. */
  readonly lanesMs: number;
  /** Memory of workerd after the claims, MB. */
  readonly rssMb: number;
  readonly fileMb: number;
  readonly plan: readonly string[];
};

type Site = {
  readonly bundlePath: string;
  readonly bindings: Record<string, string>;
  readonly key: string;
  readonly stateDir: string;
};

async function siteOf(bundlePath: string): Promise<Site> {
  const pepper = randomBytes(24).toString("base64");
  const key = formatKey("bench", randomBytes(32));
  const hmac = toHex(await keyHmac(key, pepper));
  const config = {
    regions: { here: { lat: 50.1, lon: 8.7, hint: "weur" } },
    keys: [{ id: "bench", tenant: TENANT, hmac, scopes: ["infer", "admin", "worker"] }],
    // Nobody is there; it is drained before anything is asked of it.
    pools: { main: { endpoints: [{ id: "one", region: "here", backend: "openai", url: "http://127.0.0.1:9" }] } },
  };
  const bindings = { WARMPATH_CONFIG: JSON.stringify(config), WARMPATH_KEY_PEPPER: pepper };
  return { bundlePath, bindings, key, stateDir: mkdtempSync(join(tmpdir(), "warmpath-claim-")) };
}

async function call(workerd: Workerd, { key }: Site, method: string, path: string, body?: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(workerd.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
  if (response.status !== 200) throw new Error(`${path} answers ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Leaves a paused queue of `count` waiting jobs on disk; its file. */
async function fill(site: Site, count: number): Promise<string> {
  const workerd = await startWorkerd(site);
  await call(workerd, site, "POST", "/admin/endpoints/one/drain");
  await call(workerd, site, "POST", "/admin/jobs/main/pause");
  await call(workerd, site, "POST", "/v2/main/run", '{"input":{"messages":[{"role":"user","content":"hello"}]}}');
  await workerd.kill();
  const file = queueFile(site.stateDir);
  const db = new DatabaseSync(file);
  db.exec("PRAGMA synchronous = OFF");
  const { id } = db.prepare("SELECT id FROM job").get() as { id: string };
  db.exec("CREATE TEMP TABLE name (id TEXT, n INTEGER)");
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO name SELECT lower(hex(randomblob(16))) || '-u1', i FROM n`,
  ).run(count - 1);
  // In the order of the ids a million rows are inserted in seconds.
  db.prepare(
    `INSERT INTO job (id, tenant, state, order_key, wake_ms, ttl_ms, delete_ms, batch, job, extra, spec, output)
     SELECT name.id, tenant, state, order_key || printf('%07d', n), wake_ms, ttl_ms, delete_ms, batch,
            REPLACE(job, ?, name.id), extra, spec, output
     FROM (SELECT id, n FROM name ORDER BY id) AS name CROSS JOIN (SELECT * FROM job WHERE id = ?) AS one`,
  ).run(id, id);
  db.close();
  return file;
}

function queueFile(stateDir: string): string {
  const files = globSync("**/*.sqlite", { cwd: stateDir }).map((name) => join(stateDir, name));
  const found = files.find((file) => {
    const db = new DatabaseSync(file);
    const has = db.prepare("SELECT COUNT(*) AS n FROM sqlite_schema WHERE name = 'job'").get() as { n: number };
    db.close();
    return has.n === 1;
  });
  if (found === undefined) throw new Error(`no queue among ${files.length} files`);
  return found;
}

async function measure(bundlePath: string, waiting: number): Promise<ClaimFigures> {
  const site = await siteOf(bundlePath);
  try {
    // What is claimed comes on top, so that in the end as many wait as it says.
    const file = await fill(site, waiting + (WARM_UP_CALLS + CALLS) * CLAIMS_PER_CALL);
    const bare = bareFigures(file);
    const workerd = await startWorkerd(site);
    try {
      const beganMs = performance.now();
      await call(workerd, site, "GET", "/v2/main/health");
      const firstAnswerMs = performance.now() - beganMs;
      const claims = await claim(workerd, site);
      const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${workerd.pid}/status`, "utf8"))?.[1];
      const rssMb = Number(rss ?? Number.NaN) / 1_024;
      return { waiting, ...claims, ...bare, firstAnswerMs, rssMb, fileMb: statSync(file).size / 2 ** 20 };
    } finally {
      await workerd.kill();
    }
  } finally {
    rmSync(site.stateDir, { recursive: true, force: true });
  }
}

async function claim(workerd: Workerd, site: Site): Promise<Pick<ClaimFigures, "claimUsMin" | "claimUsP50">> {
  await call(workerd, site, "POST", "/admin/jobs/main/resume");
  const tookUs: number[] = [];
  for (let index = 0; index < WARM_UP_CALLS + CALLS; index++) {
    const beganMs = performance.now();
    const path = `/v2/main/job-take-batch/worker-1?batch_size=${CLAIMS_PER_CALL}&job_in_progress=0`;
    const jobs = (await call(workerd, site, "GET", path)) as unknown[];
    const perClaimUs = ((performance.now() - beganMs) * 1_000) / CLAIMS_PER_CALL;
    if (jobs.length !== CLAIMS_PER_CALL) throw new Error(`${jobs.length} jobs were taken, not ${CLAIMS_PER_CALL}`);
    if (index >= WARM_UP_CALLS) tookUs.push(perClaimUs);
  }
  return { claimUsMin: Math.min(...tookUs), claimUsP50: percentile(tookUs, 0.5) };
}

function bareFigures(file: string): Pick<ClaimFigures, "headUs" | "lanesMs" | "plan"> {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const lanesMs = timed(() => db.prepare(LANES_SQL).all());
    const head = db.prepare(HEAD_SQL);
    const headMs = timed(() => {
      for (let lookup = 0; lookup < LOOKUPS; lookup++) head.get(TENANT);
    });
    const plan = [...plans(db, HEAD_SQL, [TENANT]), ...plans(db, LANES_SQL, [])];
    return { headUs: (headMs * 1_000) / LOOKUPS, lanesMs, plan };
  } finally {
    db.close();
  }
}

function plans(db: DatabaseSync, sql: string, bindings: readonly string[]): string[] {
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...bindings) as { detail: string }[];
  return rows.map(({ detail }) => detail);
}

function timed(work: () => void): number {
  const beganMs = performance.now();
  work();
  return performance.now() - beganMs;
}

function reportText(figures: readonly ClaimFigures[]): string {
  const columns = ["waiting", "claim least", "claim p50", "head alone", "first answer", "pass", "memory", "file"];
  const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(13)).join("");
  const rows = figures.map((one) =>
    line([
      one.waiting.toLocaleString("en"),
      `${one.claimUsMin.toFixed(0)} µs`,
      `${one.claimUsP50.toFixed(0)} µs`,
      `${one.headUs.toFixed(1)} µs`,
      `${one.firstAnswerMs.toFixed(0)} ms`,
      `${one.lanesMs.toFixed(1)} ms`,
      `${one.rssMb.toFixed(0)} MB`,
      `${one.fileMb.toFixed(0)} MB`,
    ]),
  );
  return [line(columns), ...rows, "", ...new Set(figures.flatMap(({ plan }) => plan))].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const buildDir = mkdtempSync(join(tmpdir(), "warmpath-bench-"));
  try {
    const bundlePath = join(buildDir, "worker.js");
    await buildWorker({ outfile: bundlePath });
    const figures: ClaimFigures[] = [];
    for (const waiting of LENGTHS) {
      if (values.quick && waiting > 100_000) continue;
      figures.push(await measure(bundlePath, waiting));
    }
    console.log(reportText(figures));
    if (values.json !== undefined) writeFileSync(resolve(values.json), `${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    rmSync(buildDir, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
