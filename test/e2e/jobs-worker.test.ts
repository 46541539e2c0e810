/**
 * A GPU worker that speaks the stock protocol pulls its jobs from the built bundle: completes, streams, is told to
 * stop, is lost. The pool's own endpoint is drained, hence every job is the worker's.
 */
import runpodSdk from "runpod-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { stockWorker } from "../support/stock-worker.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    keys: [
      { id: "gpu", tenant: "operators", scopes: ["worker"] },
      { id: "client", tenant: "clients" },
    ],
    morePools: { pulled: { jobs: { pull: true } } },
  });
  // It takes nothing: what is not pulled does not run.
  await fleet.call("/admin/endpoints/us-a/drain", { method: "POST" });
  // From here on whoever is idle is a worker that pulls.
  await fleet.until(
    async () => (await endpoint().health()).workers.idle,
    (idle) => idle === 0,
  );
});
afterAll(() => fleet.close());

const workerOf = (id: string) => stockWorker({ baseUrl: fleet.router.url, pool: "main", id, key: fleet.keyOf("gpu") });

function endpoint() {
  const made = runpodSdk(fleet.keyOf("client"), { baseUrl: `${fleet.router.url}/v2` }).endpoint("main");
  if (made === null) throw new Error("the SDK made no endpoint");
  return made;
}

test("a waiting worker is given a job the moment it is submitted, and its output is the client's", async () => {
  const worker = workerOf("w-completes");
  const taking = worker.take();
  const { id } = await endpoint().run({ input: { a: 1 }, webhook: "https://example.com/h" });
  const job = await taking;
  expect(job).toEqual({ id, input: { a: 1 }, webhook: "https://example.com/h" });
  expect(await endpoint().status(id)).toMatchObject({ status: "IN_PROGRESS", workerId: "w-completes" });
  await worker.done(id, { status: "IN_PROGRESS", output: "50%" });
  expect(await endpoint().status(id)).toMatchObject({ status: "IN_PROGRESS", output: "50%" });
  expect((await worker.done(id, { output: { text: "done" } })).status).toBe(200);
  expect(await endpoint().status(id)).toMatchObject({ status: "COMPLETED", output: { text: "done" } });
});

test("an error of the handler fails the job, and is not retried by itself", async () => {
  const worker = workerOf("w-fails");
  const { id } = await endpoint().run({ input: 1 });
  expect((await worker.take())?.id).toBe(id);
  await worker.done(id, { error: "boom" });
  expect(await endpoint().status(id)).toMatchObject({ status: "FAILED", error: "boom" });
});

test("a batch of jobs is taken at once", async () => {
  const worker = workerOf("w-batch");
  const ids = [];
  for (const input of [1, 2, 3]) ids.push((await endpoint().run({ input })).id);
  const jobs = await worker.takeBatch(3);
  expect(jobs.map((job) => job.id).sort()).toEqual(ids.sort());
  for (const { id } of jobs) await worker.done(id, { output: id });
  for (const id of ids) expect(await endpoint().status(id)).toMatchObject({ status: "COMPLETED", output: id });
});

test("a generator's chunks reach the reader while it runs", async () => {
  const worker = workerOf("w-streams");
  const { id } = await endpoint().run({ input: 1 });
  await worker.take();
  const reader = endpoint().stream(id);
  await worker.chunk(id, { n: 1 });
  expect((await reader.next()).value).toEqual({ output: { n: 1 } });
  expect((await endpoint().status(id)).status).toBe("IN_PROGRESS");
  await worker.chunk(id, "two");
  await worker.done(id, { output: [] }, true);
  const rest = [];
  for await (const piece of reader) rest.push(piece);
  expect(rest).toEqual([{ output: "two" }]);
});

test("a cancelled job is named on the stop channel, and its late result is not taken", async () => {
  const worker = workerOf("w-stopped");
  const { id } = await endpoint().run({ input: 1 });
  await worker.take();
  const stopping = worker.stops();
  await endpoint().cancel(id);
  expect(await stopping).toEqual([id]);
  expect((await worker.done(id, { output: "late" })).status).toBe(200);
  const after = await endpoint().status(id);
  expect([after.status, "output" in after]).toEqual(["CANCELLED", false]);
});

test("a worker that left while it waited gets no job", async () => {
  const gone = workerOf("w-gone");
  const idle = async () => (await endpoint().health()).workers.idle;
  const before = await idle();
  const taking = gone.take().catch(() => null);
  await fleet.until(idle, (now) => now > before);
  gone.vanish();
  await taking;
  const { id } = await endpoint().run({ input: 1 });
  const next = workerOf("w-next");
  const job = await next.take();
  expect(job?.id).toBe(id);
  await next.done(id, { output: 1 });
});

test("the job of a worker that is silent goes to another one, once", { timeout: 90_000 }, async () => {
  const lost = workerOf("w-lost");
  const { id } = await endpoint().run({ input: 1 });
  expect((await lost.take())?.id).toBe(id);
  lost.vanish();
  const next = workerOf("w-instead");
  // Three beats of 10 s, then the lease is over.
  const job = await next.take();
  expect(job?.id).toBe(id);
  expect(JSON.parse((await lost.done(id, { output: "from the dead" })).text)).toMatchObject({ status: "stale" });
  await next.done(id, { output: "from the living" });
  expect(await endpoint().status(id)).toMatchObject({ status: "COMPLETED", output: "from the living" });
});

test("a worker that was restarted gives what it held to the next that asks, without an attempt's wait for its lease", async () => {
  const { id } = await endpoint().run({ input: { a: 5 } });
  expect((await workerOf("w-restarts").take())?.id).toBe(id);
  // The same worker, another process: it says that it holds nothing.
  const again = await workerOf("w-restarts").take();
  expect(again?.id).toBe(id);
  await workerOf("w-restarts").done(id, { output: "second" });
  expect(await endpoint().status(id)).toMatchObject({ status: "COMPLETED", output: "second" });
});

test("a pool without endpoints takes jobs, and says so to who wants an answer at once", async () => {
  const worker = stockWorker({ baseUrl: fleet.router.url, pool: "pulled", id: "w-pulls", key: fleet.keyOf("gpu") });
  const body = JSON.stringify({ model: "pulled", messages: [{ role: "user", content: "hi" }] });
  const chat = async (headers: Readonly<Record<string, string>>): Promise<Response> =>
    fleet.call("/v1/chat/completions", { method: "POST", body, headers });
  const refused = await chat({});
  expect([refused.status, refused.headers.get("x-should-retry")]).toEqual([400, "false"]);
  expect(await refused.json()).toMatchObject({ error: { code: "jobs_only", message: expect.stringContaining("run") } });
  const taking = worker.take();
  const pending = await chat({ "x-warmpath-on-busy": "job" });
  expect(pending.status).toBe(202);
  const job = await taking;
  expect(job?.input).toMatchObject({ model: "pulled" });
  await worker.done(job?.id ?? "", { output: { text: "hello" } });
  const result = await fleet.call(`${pending.headers.get("location") ?? ""}/result`);
  expect([result.status, await result.json()]).toEqual([200, { text: "hello" }]);
});

test("a key that may not pull is refused, and so is one that may do nothing else", async () => {
  const thief = stockWorker({ baseUrl: fleet.router.url, pool: "main", id: "w-thief", key: fleet.keyOf("client") });
  await expect(thief.take()).rejects.toThrow("403");
  const answer = await fetch(`${fleet.router.url}/v2/main/run`, {
    method: "POST",
    headers: { authorization: `Bearer ${fleet.keyOf("gpu")}` },
    body: '{"input":1}',
  });
  expect(answer.status).toBe(403);
  // It names the scope that is missing.
  expect(await answer.text()).toContain('needs the scope \\"infer\\"');
});
