/** Jobs under kill -9, alarms that throw, and receivers of webhooks that fail. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { buildWorker } from "../../../tools/cli/build.ts";
import { startFleet } from "../../support/fleet.ts";
import type { Fleet } from "../../support/fleet.ts";
import { inParallel, judge, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";
import { runJobsChaos } from "../jobs-chaos.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 1 };

/** R11 */
export const killedQueue: Experiment = {
  id: "R11",
  what: "jobs while workerd is killed (SIGKILL) again and again, with repeated submissions and dying workers",
  threshold: "0 lost, 0 unexpected, one effect a key, at most one live run a job",
  async run({ short, seed }) {
    const [jobs, kills] = short ? [60, 2] : [2_000, 40];
    // It only ends what will never end: a busy machine may take its time.
    const limitMs = 60_000 + kills * 10_000 + jobs * 500;
    const report = await runJobsChaos({
      jobs,
      kills,
      seed,
      workers: 2,
      deadWorkers: short ? 0 : 1,
      concurrency: 50,
      limitMs,
    });
    const { must, finding } = judge();
    must(report.violations.length === 0, report.violations.slice(0, 3).join("; "));
    const statuses = [...report.statuses].map(([status, count]) => `${count} ${status}`).join(", ");
    return finding(`${report.kills} kills, ${report.dispatched + report.pulled} runs: ${statuses}`);
  },
};

/** R12 */
export const throwingAlarms: Experiment = {
  id: "R12",
  what: "the queue's alarm throws ten times in a row",
  threshold: "every job ends",
  async run({ short }) {
    const jobs = short ? 10 : 100;
    const dir = mkdtempSync(join(tmpdir(), "warmpath-alarms-"));
    const bundlePath = join(dir, "worker.js");
    await buildWorker({ entry: join(import.meta.dirname, "../../objects/throwing-alarms.ts"), outfile: bundlePath });
    const fleet = await startFleet({
      endpoints: [{ id: "us-a", region: "us-east", simulator: { engine } }],
      bundlePath,
    });
    const { must, finding } = judge();
    try {
      const ids = await inParallel(jobs, 10, () => submit(fleet, {}));
      const ended = await ends(fleet, ids);
      must(
        ended.every((status) => status === "COMPLETED"),
        tally(ended),
      );
      return finding(`${jobs} jobs: ${tally(ended)}`);
    } finally {
      await fleet.close();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

const SECRET = `whsec_${Buffer.from("the secret of this experiment").toString("base64")}`;

/** R13: each first try meets a fault, by its turn; what is tried again is taken. */
export const failingReceivers: Experiment = {
  id: "R13",
  what: "webhooks to receivers that answer 5xx, hang, hang up, redirect or say 410",
  threshold:
    "each is delivered or given up; one id over its tries, a new time each; every signature verifies; no redirect followed; who says 410 is never called again",
  async run({ short }) {
    const jobs = short ? 20 : 1_000;
    const receiver = await startReceiver();
    const fleet = await startFleet({
      endpoints: [{ id: "us-a", region: "us-east", simulator: { engine } }],
      pool: { jobs: { rates: { run: { callsPer10s: 100_000, concurrentMax: 1_000 } } } },
      bindings: { WARMPATH_WEBHOOK_SECRET: SECRET },
    });
    const { must, finding } = judge();
    // One receiver each: who says 410 speaks for itself alone.
    const hook = (index: number) =>
      submit(fleet, {
        "x-warmpath-webhook": `${receiver.url}/hook/${index}`,
        "x-warmpath-webhook-events": "job.completed",
      });
    try {
      await inParallel(jobs, 20, hook);
      await fleet.until(
        async () => receiver.settled(),
        (count) => count === jobs,
        short ? 120_000 : 600_000,
      );
      // Again to all that said 410, and last to one that did not: when that has come, they would have.
      const gone = Array.from({ length: jobs }, (_, index) => index).filter((index) => turnOf(index) === GONE_TURN);
      await ends(fleet, await inParallel(gone.length, 20, async (index) => hook(gone[index] ?? 0)));
      await hook(jobs);
      await fleet.until(
        async () => receiver.settled(),
        (count) => count === jobs + 1,
        120_000,
      );
      const { tries, bad, followed } = receiver;
      must(bad.length === 0, bad.slice(0, 3).join("; "));
      must(followed() === 0, `${followed()} redirects were followed`);
      const again = [...tries.values()].filter((times) => times.length > 1);
      must(
        again.every((times) => new Set(times).size === times.length),
        "a repeated try has the time of an earlier one",
      );
      must(again.length > 0, "nothing was tried again");
      return finding(`${tries.size} webhooks, ${again.length} tried again, ${receiver.gone()} ended by 410`);
    } finally {
      await fleet.close();
      receiver.close();
    }
  },
};

const GONE_TURN = 3;

/** What a receiver's first call meets; of those that hang, which cost a quarter of a minute each, one in a hundred. */
const turnOf = (index: number): number => (index % 100 === 95 ? HANG_TURN : index % 10);
const HANG_TURN = 10;

async function submit(fleet: Fleet, headers: Readonly<Record<string, string>>): Promise<string> {
  const answer = await fleet.call("/v2/main/run", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ input: { messages: [{ role: "user", content: "x" }], model: fleet.model, max_tokens: 1 } }),
  });
  const { id } = (await answer.json()) as { readonly id?: string };
  if (id === undefined) throw new Error(`a job was not taken: ${answer.status}`);
  return id;
}

async function ends(fleet: Fleet, ids: readonly string[]): Promise<string[]> {
  return inParallel(ids.length, 5, async (index) => {
    const status = async () =>
      ((await (await fleet.call(`/v2/main/status/${ids[index]}`)).json()) as { readonly status: string }).status;
    return fleet.until(status, (now) => !now.startsWith("IN_"), 120_000);
  });
}

async function startReceiver() {
  const tries = new Map<string, string[]>();
  const bad: string[] = [];
  const taken = new Set<string>();
  const given = new Set<string>();
  let followed = 0;
  const server = createServer((request, response) => void handle(request, response));
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += String(piece);
    const path = request.url ?? "";
    if (!path.startsWith("/hook/")) {
      followed += 1;
      return void response.writeHead(204).end();
    }
    const id = String(request.headers["webhook-id"]);
    if (given.has(path)) bad.push(`${path} was called after its 410`);
    try {
      new Webhook(SECRET).verify(body, request.headers as Record<string, string>);
    } catch (error) {
      bad.push(String(error));
    }
    const times = tries.get(id) ?? [];
    tries.set(id, [...times, String(request.headers["webhook-timestamp"])]);
    const turn = times.length === 0 ? turnOf(Number(path.slice("/hook/".length))) : 9;
    if (turn === HANG_TURN) return;
    if (turn === 0) return void response.writeHead(503).end();
    if (turn === 1) return void request.socket.destroy();
    if (turn === 2) return void response.writeHead(302, { location: "/elsewhere" }).end();
    if (turn === GONE_TURN) {
      given.add(path);
      return void response.writeHead(410).end();
    }
    taken.add(id);
    response.writeHead(204).end();
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tries: tries as ReadonlyMap<string, readonly string[]>,
    bad,
    followed: () => followed,
    gone: () => given.size,
    settled: () => taken.size + given.size,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
