/**
 * `npm run test:prometheus`: Prometheus' own word on what it is given, with Debian's `prometheus` or another one on the PATH.
 * Where `promtool` or `prometheus` is missing it says so, and exits 0.
 *
 * `promtool` checks the text of `/metrics`, the configuration, and the alert rules, and tries these on series of its own
 * (`warmpath-alerts.test.yml`). A real Prometheus then scrapes the built bundle on raw workerd, with OpenMetrics as it asks for
 * it, and answers every query of the Grafana dashboard; those of what the requests here cause must have an answer.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freePort } from "../support/free-port.ts";

const GRAFANA = join(import.meta.dirname, "../../grafana");
const START_MS_MAX = 60_000;
const LOOK_MS = 100;
/** Scrapes over which a rate is taken. */
const RATE = "20s";
/** Between two rounds of requests: a rate needs two scrapes that differ. */
const ROUND_MS = 1_500;

/** Of the panels those that nothing here causes: nothing is late, cold, lost, unread, or waits in a queue of jobs. */
const MAY_BE_EMPTY =
  /hedges_total|cold_starts_total|fail_opens_total|oldest_queued|jobs_ended|series_overflow|prefill_tokens_in_line/;

type Answer = {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
};
type Panel = { readonly title: string; readonly targets?: readonly { readonly expr: string }[] };

function promtool(args: readonly string[], input?: string): void {
  const { status, stdout, stderr } = spawnSync("promtool", args, {
    encoding: "utf8",
    ...(input === undefined ? {} : { input }),
  });
  strictEqual(status, 0, `promtool ${args.join(" ")}:\n${stdout}${stderr}`);
  console.log(`promtool ${args.slice(0, 2).join(" ")}: ok`);
}

async function until<Seen>(look: () => Promise<Seen>, isSo: (seen: Seen) => boolean): Promise<Seen> {
  const giveUpAtMs = Date.now() + START_MS_MAX;
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    if (Date.now() > giveUpAtMs) throw new Error(`still not so: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Of each kind of request one: streams, attempts that failed, a guardrail's verdicts, a price. */
async function ask(fleet: Fleet): Promise<void> {
  const call = async (wish: object, place: string) => {
    const messages = [{ role: "user", content: "mail me at ada@example.com" }];
    const body = JSON.stringify({ model: fleet.model, max_tokens: 4, messages, ...wish });
    const headers = { "content-type": "application/json" };
    await (await fleet.call("/v1/chat/completions", { method: "POST", place, headers, body })).text();
  };
  await call({ stream: true }, "us-east");
  await call({ stream: true }, "eu-west");
  fleet.simulator("us-a").setFault({ kind: "status", status: 500, times: 1 });
  await call({}, "us-east");
  await call({ model: "no such model" }, "us-east");
}

/** The configuration that is shipped, with the target, the key and the pace of this run. */
function configure(folder: string, fleet: Fleet): string {
  const path = join(folder, "prometheus.yml");
  writeFileSync(join(folder, "warmpath.key"), fleet.key);
  copyFileSync(join(GRAFANA, "warmpath-alerts.yml"), join(folder, "warmpath-alerts.yml"));
  const shipped = readFileSync(join(GRAFANA, "prometheus.yml"), "utf8");
  const own = shipped
    .replace("/etc/prometheus/warmpath.key", join(folder, "warmpath.key"))
    .replace("localhost:8787", `127.0.0.1:${fleet.router.port}`)
    .replace("scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s")
    .replace("scrape_timeout: 10s", "scrape_timeout: 1s");
  writeFileSync(path, own);
  return path;
}

async function startPrometheus(folder: string, config: string) {
  const address = `127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=${address}`,
  ];
  const child = spawn("prometheus", args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (piece: Buffer) => (said += piece.toString()));
  const get = async (path: string): Promise<unknown> => (await fetch(`http://${address}${path}`)).json();
  const isReady = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`prometheus ended:\n${said}`);
    return fetch(`http://${address}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
  };
  await until(isReady, Boolean);
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, "exit");
  };
  return { get, stop };
}

type Prometheus = Awaited<ReturnType<typeof startPrometheus>>;

async function checkTarget({ get }: Prometheus): Promise<void> {
  type Targets = { data: { activeTargets: readonly { health: string; lastError: string }[] } };
  const look = async () => (await get("/api/v1/targets")) as Targets;
  const { data } = await until(
    look,
    ({
      data: {
        activeTargets: [one],
      },
    }) => one !== undefined && one.health !== "unknown",
  );
  deepStrictEqual(
    data.activeTargets.map(({ health, lastError }) => [health, lastError]),
    [["up", ""]],
  );
  type Rules = { data: { groups: readonly { rules: readonly { name: string; health: string }[] }[] } };
  const rules = await until(
    async () => ((await get("/api/v1/rules")) as Rules).data.groups.flatMap((group) => group.rules),
    (all) => all.length > 0 && all.every(({ health }) => health !== "unknown"),
  );
  deepStrictEqual(
    rules.filter(({ health }) => health !== "ok"),
    [],
  );
  console.log(`prometheus scrapes the router, and evaluates ${rules.length} rules`);
}

async function checkQueries({ get }: Prometheus, fleet: Fleet): Promise<void> {
  const { panels } = JSON.parse(readFileSync(join(GRAFANA, "warmpath.json"), "utf8")) as { panels: readonly Panel[] };
  const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));
  // Those of Grafana are numbers and durations to Prometheus only once it has put them in.
  const put = (expr: string): string => expr.replaceAll("$__rate_interval", RATE).replaceAll("$pool", ".*");
  const answerTo = async (expr: string) =>
    (await get(`/api/v1/query?query=${encodeURIComponent(put(expr))}`)) as Answer;
  const emptyAmong = async (): Promise<readonly string[]> => {
    await ask(fleet);
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
    const answers = await Promise.all(
      queries.map(async ([title, expr]) => ({ title, expr, ...(await answerTo(expr)) })),
    );
    deepStrictEqual(
      answers.filter(({ status }) => status !== "success"),
      [],
    );
    const told = (answer: Answer) => answer.data.result.some(({ value: [, value] }) => value !== "NaN");
    return answers.filter((one) => !told(one)).map(({ title, expr }) => `${title}: ${expr}`);
  };
  const empty = await until(emptyAmong, (all) => all.every((query) => MAY_BE_EMPTY.test(query)));
  console.log(
    `prometheus answers ${queries.length} queries of the dashboard; ${empty.length} with nothing, as nothing of it happened`,
  );
  const pools = (await get("/api/v1/label/pool/values?match[]=warmpath_shard_reachable")) as {
    data: readonly string[];
  };
  ok(pools.data.includes("main"), "the dashboard's list of pools has the pool");
}

async function check(folder: string): Promise<void> {
  const fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east" },
      { id: "eu-a", region: "eu-west" },
    ],
    pool: {
      patienceMs: 5_000,
      streamUsage: true,
      prices: { inputPerMTok: 1, outputPerMTok: 10 },
      rails: { input: [{ use: "pii", action: "flag" }] },
    },
  });
  let prometheus: Prometheus | null = null;
  try {
    await ask(fleet);
    const metrics = async () => (await fleet.call("/metrics")).text();
    promtool(["check", "metrics"], await until(metrics, (text) => text.includes("warmpath_requests_total{")));
    const config = configure(folder, fleet);
    promtool(["check", "config", config]);
    prometheus = await startPrometheus(folder, config);
    await checkTarget(prometheus);
    await checkQueries(prometheus, fleet);
  } finally {
    await prometheus?.stop();
    await fleet.close();
  }
}

const isHere = (program: string): boolean => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
const missing = ["promtool", "prometheus"].filter((program) => !isHere(program));
if (missing.length > 0) {
  console.log(`skipped: there is no ${missing.join(" and no ")} on the PATH (Debian: apt-get install prometheus)`);
} else {
  const folder = mkdtempSync(join(tmpdir(), "warmpath-prometheus-"));
  try {
    promtool(["check", "rules", join(GRAFANA, "warmpath-alerts.yml")]);
    promtool(["test", "rules", join(import.meta.dirname, "warmpath-alerts.test.yml")]);
    await check(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
