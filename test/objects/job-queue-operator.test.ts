/** The queue as operators see it: over all tenants, counted, and without any input or answer. */
import { expect, test } from "vitest";
import {
  START_MS,
  answerWith,
  ended,
  held,
  latch,
  passMs,
  queue,
  submit,
  TENANT,
  until,
  useQueue,
} from "./job-queue-support.ts";

useQueue();

/** Counts of ended jobs are kept for two seconds. */
const later = async () => passMs(2_000);

const failing = () => answerWith(() => Response.json({ error: "the GPU fell off" }, { status: 500 }));
const SECRET_INPUT = '{"prompt":"nobody sees this"}';
const doomed = (tenant: string) =>
  submit({ tenant, policy: { attemptsMax: 1 }, work: { body: SECRET_INPUT }, tags: { team: "red" } });

test("jobs are counted by state over all tenants, and dead ones as long as they are dead", async () => {
  failing();
  const { id } = await doomed("one");
  await queue().view("one", id, 10_000);
  answerWith(() => Response.json({ output: "done" }));
  await ended((await submit()).id);
  await queue().setMode("paused");
  await submit({ tenant: "two" });
  await submit();
  await later();
  const summary = await queue().summary();
  expect(summary).toMatchObject({
    mode: "paused",
    byState: { queued: 2, running: 0, retrying: 0, completed: 1, failed: 1, cancelled: 0, timed_out: 0, expired: 0 },
    dead: 1,
    oldestQueuedSinceMs: START_MS,
    workers: { idle: 0, running: 0 },
    totals: { completed: 1, failed: 1, retried: 0 },
  });
  expect(summary.tenants).toEqual([
    { tenant: "two", waiting: 1, running: 0 },
    { tenant: TENANT, waiting: 1, running: 0 },
  ]);
  await queue().redriveAll({ ids: [id] });
  expect((await queue().summary()).dead).toBe(0);
});

test("a list has every tenant's jobs, or one's, in the states that are asked for, and no input", async () => {
  failing();
  const { id } = await doomed("one");
  await queue().view("one", id, 10_000);
  await queue().setMode("paused");
  const waiting = await submit({ tenant: "two", work: { body: SECRET_INPUT } });
  const page = { tenant: null, states: null, offset: 0, limit: 10 };
  const all = await queue().listAll(page);
  expect(all.map((job) => [job.tenant, job.id, job.status, job.position])).toEqual([
    ["two", waiting.id, "queued", 0],
    ["one", id, "failed", null],
  ]);
  expect(JSON.stringify(all)).not.toContain("nobody sees this");
  expect(await queue().listAll({ ...page, tenant: "one" })).toHaveLength(1);
  expect(await queue().listAll({ ...page, states: ["queued"] })).toHaveLength(1);
  expect(await queue().listAll({ ...page, offset: 1 })).toHaveLength(1);
  const whole = await queue().look(id);
  expect(whole).toMatchObject({ tenant: "one", isRedrivable: true, tags: { team: "red" }, historyDropped: 0 });
  expect(whole?.history.map(({ status }) => status)).toEqual(["queued", "running", "failed"]);
  expect(await queue().look("no-such-job")).toBe(null);
});

test("dead letters run again, by name or all of a tenant; what is not dead is refused by name", async () => {
  failing();
  const ids = await Promise.all(["one", "one", "two"].map(async (tenant) => (await doomed(tenant)).id));
  await until(
    async () => (await queue().listAll({ tenant: null, states: ["failed"], offset: 0, limit: 9 })).length === 3,
  );
  answerWith(() => Response.json({ output: "done" }));
  const done = await ended((await submit()).id);
  const [first = ""] = ids;
  expect(await queue().redriveAll({ ids: [first, done?.id ?? "", "none"] })).toEqual({
    redriven: [first],
    refused: [
      { id: done?.id, why: "not_retryable" },
      { id: "none", why: "unknown" },
    ],
    hasMore: false,
  });
  await queue().view("one", first, 10_000);
  expect((await queue().redriveAll({ tenant: "one" })).redriven).toEqual([ids[1]]);
  expect((await queue().redriveAll({ tenant: null })).redriven).toEqual([ids[2]]);
  for (const [index, id] of ids.entries()) {
    const view = await queue().view(index === 2 ? "two" : "one", id, 10_000);
    expect(view?.status).toBe("completed");
  }
});

test("webhooks of every tenant are told without the query of their receiver, and replayed by id", async () => {
  let status = 500;
  const url = "https://hooks.example.com/job?token=secret";
  answerWith((call) => (call.url === url ? new Response("", { status }) : Response.json({ output: "done" })));
  const webhook = { url, form: "runpod", events: [] } as const;
  const { id } = await submit({ tenant: "one", webhook });
  await queue().view("one", id, 10_000);
  const [pending] = await queue().allDeliveries(null, false);
  expect(pending).toMatchObject({ jobId: id, tenant: "one", url: "https://hooks.example.com/job", state: "pending" });
  expect(await queue().allDeliveries(null, true)).toEqual([]);
  await until(async () => {
    await passMs(60_000);
    return (await queue().allDeliveries(null, true)).length === 1;
  });
  const [dead] = await queue().allDeliveries("one", true);
  expect(await queue().allDeliveries("two", false)).toEqual([]);
  status = 200;
  const webhookId = dead?.webhookId ?? "";
  expect(await queue().replayAll([webhookId, "none"])).toEqual({ replayed: [webhookId], refused: ["none"] });
  await until(async () => (await queue().allDeliveries(null, false)).length === 0);
});

test("workers that pull are told with what each of them holds", async () => {
  const gate = latch();
  answerWith(async (call) => held(call, gate));
  await queue().setMode("paused");
  const { id } = await submit({ tenant: "one" });
  const taking = queue().take("gpu-1", 1, 60_000);
  const idle = queue().take("gpu-2", 1, 60_000);
  await until(async () => (await queue().workersNow()).length === 2);
  await queue().setMode("open");
  const [taken] = await Promise.race([taking, idle]);
  expect(taken?.id).toBe(id);
  const workers = await queue().workersNow();
  expect(workers.flatMap(({ jobs }) => jobs.map((job) => [job.id, job.tenant]))).toEqual([[id, "one"]]);
  expect(workers.filter(({ jobs }) => jobs.length === 0)).toHaveLength(1);
  await isInOf("one", id);
  gate.isOpen = true;
  for (const worker of ["gpu-1", "gpu-2"])
    await queue().done(worker, id, { output: "1", error: null, isProgress: false });
});

const isInOf = async (tenant: string, id: string) =>
  until(async () => (await queue().view(tenant, id, 0))?.status === "running");
