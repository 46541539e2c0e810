/**
 * What a pool's operator configures and is told: events once per occurrence, over restarts too; limits from the start.
 */
import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { describe, expect, test, vi } from "vitest";
import { runInDurableObject } from "cloudflare:test";
import type { JobQueue } from "../../src/jobs/object/job-queue.ts";
import { answerWith, request, sent, until, useQueue } from "./job-queue-support.ts";
import type { Call } from "./job-queue-support.ts";

useQueue();

/** The fixture's own (vitest.config.ts). */
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const isTold = ({ url }: Call): boolean => url === "https://ops.example.com/jobs";

const { JOB_QUEUE } = env as unknown as { readonly JOB_QUEUE?: DurableObjectNamespace<JobQueue> };
const watched = () => JOB_QUEUE?.getByName("jobs:jobs-watched") as DurableObjectStub<JobQueue>;

/** Everything the operator was sent, with its signature checked. */
function told(): { readonly id: string; readonly type: string; readonly data: Record<string, unknown> }[] {
  return sent.filter(isTold).map(({ body, headers }) => {
    const signed = Object.fromEntries(headers) as Record<string, string>;
    // `verify` wants a clock that has not moved on; the e2e test calls it.
    const at = Number(signed["webhook-timestamp"]) * 1_000;
    const signature = new Webhook(SECRET).sign(signed["webhook-id"] ?? "", new Date(at), body);
    expect(signed["webhook-signature"]).toBe(signature);
    return { ...(JSON.parse(body) as { type: string; data: Record<string, unknown> }), id: signed["webhook-id"] ?? "" };
  });
}
const types = (): string[] => told().map(({ type }) => type);

/** Time passes, the alarm comes, and the pool has been looked at. */
async function pass(ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await runInDurableObject(watched(), async (object) => object.alarm());
}

async function waiting(): Promise<string> {
  await watched().pause(true);
  const outcome = await watched().submit(request());
  if (outcome.kind !== "accepted") throw new Error(`the job was answered ${outcome.kind}`);
  return outcome.job.id;
}

describe("an operator", () => {
  test("is told of each late job once, and not of what it is about", async () => {
    const id = await waiting();
    await pass(14_999);
    expect(types()).toEqual([]);
    await pass(1_000);
    await until(() => types().includes("job.late"));
    await pass(3_000);
    const late = told().filter(({ type }) => type === "job.late");
    expect(late).toHaveLength(1);
    expect(late[0]?.data).toMatchObject({ pool: "jobs-watched", id, tenant: "acme", waiting: 1, mode: "paused" });
  });

  test("is told of an old queue once, also by the object that comes after, and again when it was young between", async () => {
    const isOld = ({ type }: { readonly type: string }): boolean => type === "pool.queue_old";
    await waiting();
    await pass(30_000);
    await until(() => told().some(isOld));
    await watched()
      .restart()
      .catch(() => undefined);
    for (let looks = 0; looks < 3; looks++) await pass(10_000);
    expect(told().filter(isOld)).toHaveLength(1);
    expect(await watched().purge("acme")).toBe(1);
    await pass(60_000);
    await until(async () => {
      const state = await runInDurableObject(watched(), (_, { storage }) =>
        storage.sql.exec<{ value: string }>(`SELECT value FROM meta WHERE name = 'pool_events'`).one(),
      );
      return state.value.includes('"isOldTold":false');
    });
    await waiting();
    await pass(40_000);
    await until(() => told().filter(isOld).length === 2);
    expect(new Set(told().map(({ id }) => id)).size).toBe(told().length);
  });

  test("is told again until the receiver has it, under the same id, and can find what was given up", async () => {
    let status = 503;
    answerWith((call) => new Response("{}", { status: isTold(call) ? status : 429 }));
    await waiting();
    await pass(30_000);
    await until(() => sent.filter(isTold).length >= 2);
    status = 200;
    const before = sent.filter(isTold).length;
    await until(async () => {
      await pass(5_000);
      return sent.filter(isTold).length >= before + 2;
    });
    expect(new Set(told().map(({ id }) => id)).size).toBe(2);
  });
});

describe("the config's limits", () => {
  const configured = { globalLimit: 7, workerLimit: 3, tenantLimit: 5, depthMax: 50, onConflict: "enqueue" };

  test("are the queue's from its start", async () => {
    expect(await watched().setLimits({})).toMatchObject(configured);
    await watched().pause(true);
    for (let count = 0; count < 45; count++) await watched().submit(request());
    expect(await watched().submit(request())).toMatchObject({ kind: "limited", limit: "tenant_queue_full" });
    for (let count = 0; count < 5; count++) await watched().submit(request({ tenant: "other" }));
    expect(await watched().submit(request({ tenant: "other" }))).toMatchObject({
      kind: "limited",
      limit: "queue_full",
    });
    await watched().pause(false);
    expect(await watched().take("w-1", 10, 0)).toHaveLength(3);
  });

  test("give way to what an operator orders, and to nothing else", async () => {
    await watched().setLimits({ tenantLimit: 1 });
    await watched()
      .restart()
      .catch(() => undefined);
    expect(await watched().setLimits({})).toMatchObject({ ...configured, tenantLimit: 1 });
    const kept = await runInDurableObject(watched(), (_, { storage }) =>
      storage.sql.exec<{ value: string }>(`SELECT value FROM meta WHERE name = 'limits'`).one(),
    );
    expect(JSON.parse(kept.value)).toEqual({ tenantLimit: 1 });
  });
});
