/** `warmpath jobs`: the queues, what is in them, and orders for one job or a whole queue. */
import type { Command } from "commander";
import { type Ask, askOperator, type RouterOptions, withRouter } from "./operator.ts";
import { type Io, table } from "./io.ts";

type Shown = RouterOptions & { readonly json?: boolean };

type JobView = {
  readonly id: string;
  readonly tenant: string;
  readonly status: string;
  readonly attempts: number;
  readonly endpoint: string | null;
  readonly worker: string | null;
  readonly reason: string | null;
};

type QueueView = { readonly mode: string; readonly byState: Readonly<Record<string, number>>; readonly dead: number };

export function addJobs(program: Command, io: Io): void {
  const jobs = program.command("jobs").description("queues and jobs: looked at, cancelled, run again, held");
  const ask = async (options: Shown, asked: Ask, text: (told: never) => string): Promise<void> => {
    const told = await askOperator(io, options, asked);
    io.out(options.json ? JSON.stringify(told, null, 2) : text(told as never));
  };
  const verb = (name: string, args: string, description: string): Command =>
    withRouter(jobs.command(`${name} ${args}`.trim()))
      .description(description)
      .option("--json", "the answer as JSON");
  verb("pools", "", "every pool's queue").action(async (options: Shown) =>
    ask(options, { path: "/admin/jobs" }, poolsText),
  );
  verb("list", "<pool>", "jobs of a pool: what runs, then what waits, then what has ended")
    .option(
      "--status <states>",
      "only these, with commas: IN_QUEUE, IN_PROGRESS, COMPLETED, FAILED, CANCELLED, TIMED_OUT",
    )
    .option("--tenant <tenant>", "only this tenant's")
    .option("--dead", "only those that failed or timed out")
    .action(async (pool: string, options: Shown & { status?: string; tenant?: string; dead?: boolean }) => {
      const { status, tenant, dead } = options;
      const query = new URLSearchParams({ ...(status && { status }), ...(tenant && { tenant }) });
      const path = `/admin/jobs/${encodeURIComponent(pool)}/${dead ? "dead-letters" : "jobs"}?${query}`;
      await ask(options, { path }, listText);
    });
  verb("show", "<pool> <id>", "a job with its history").action(async (pool: string, id: string, options: Shown) =>
    ask(options, { path: jobPath(pool, id) }, (told) => JSON.stringify(told, null, 2)),
  );
  for (const [name, does] of [
    ["cancel", "cancels a job"],
    ["retry", "runs a job again that failed or timed out"],
  ] as const) {
    verb(name, "<pool> <id>", does).action(async (pool: string, id: string, options: Shown) =>
      ask(
        options,
        { method: "POST", path: `${jobPath(pool, id)}/${name}` },
        ({ id: known, status }: JobView) => `${known}: ${status}`,
      ),
    );
  }
  for (const [name, does] of [
    ["pause", "nothing new starts"],
    ["resume", "everything starts and is taken again"],
    ["drain", "nothing new is taken"],
  ] as const) {
    verb(name, "<pool>", does).action(async (pool: string, options: Shown) =>
      ask(
        options,
        { method: "POST", path: `/admin/jobs/${encodeURIComponent(pool)}/${name}` },
        () => `${pool}: ${does}`,
      ),
    );
  }
  verb("workers", "<pool>", "GPU workers that pull, and what each holds").action(async (pool: string, options: Shown) =>
    ask(options, { path: `/admin/jobs/${encodeURIComponent(pool)}/workers` }, workersText),
  );
}

const jobPath = (pool: string, id: string): string =>
  `/admin/jobs/${encodeURIComponent(pool)}/jobs/${encodeURIComponent(id)}`;

const poolsText = ({ data }: { readonly data: readonly { pool: string; queue: QueueView | null }[] }): string =>
  table(
    ["pool", "mode", "jobs", "dead"],
    data.map(({ pool, queue }) =>
      queue === null ? [pool, "no answer", "", ""] : [pool, queue.mode, statesText(queue.byState), `${queue.dead}`],
    ),
  );

const statesText = (byState: Readonly<Record<string, number>>): string =>
  Object.entries(byState)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ") || "none";

const listText = ({ data, hasMore }: { readonly data: readonly JobView[]; readonly hasMore: boolean }): string => {
  const rows = data.map((job) => [
    job.id,
    job.tenant,
    job.status,
    `${job.attempts}`,
    job.endpoint ?? job.worker ?? "",
    job.reason ?? "",
  ]);
  return `${table(["job", "tenant", "status", "attempts", "at", "reason"], rows)}${hasMore ? "\n(there are more: --json has the offset)" : ""}`;
};

type WorkerView = {
  readonly id: string;
  readonly seenMsAgo: number;
  readonly waiting: number;
  readonly jobs: readonly string[];
};

const workersText = ({ data }: { readonly data: readonly WorkerView[] }): string =>
  table(
    ["worker", "seen", "does"],
    data.map(({ id, seenMsAgo, waiting, jobs }) => [
      id,
      `${Math.round(seenMsAgo / 1_000)} s ago`,
      jobs.length > 0 ? `holds ${jobs.join(", ")}` : waiting > 0 ? "waits" : "idle",
    ]),
  );
