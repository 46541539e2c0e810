/**
 * A tenant is erased from a real router: from every pool's queue, whatever its jobs are doing, from the feed, and from
 * its ledger where that is asked for. Afterwards nothing of it is on the disk, and another tenant has all of its own.
 */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatKey, keyHmac, toHex } from "../../src/wire/api-keys.ts";
import { takeStateDir } from "../../tools/cli/state-dir.ts";
import { onDisk } from "../support/disk.ts";
import { startEchoServer } from "../support/echo-server.ts";
import type { EchoServer } from "../support/echo-server.ts";
import { startKeyedRouter } from "../support/keyed-router.ts";
import type { Json, KeyedRouter } from "../support/keyed-router.ts";
import { stockWorker } from "../support/stock-worker.ts";

const PEPPER = "pepper-of-this-test";
const LEAVER = "tenant-that-leaves";
const WORD = "word-of-who-leaves";
const KEYS = new Map(["leaver", "stayer", "worker", "operator"].map((id) => [id, formatKey(id, randomBytes(32))]));
const keyOf = (id: string): string => KEYS.get(id) ?? "";
const LARGE = "x".repeat(1_100_000);

let echo: EchoServer;
let made: KeyedRouter;

beforeEach(async () => {
  echo = await startEchoServer();
  const entry = async (id: string, tenant: string, ...scopes: string[]) => ({
    id,
    tenant,
    hmac: toHex(await keyHmac(keyOf(id), PEPPER)),
    scopes,
  });
  made = await startKeyedRouter(
    {
      keys: [
        await entry("leaver", LEAVER, "infer"),
        await entry("stayer", "tenant-that-stays", "infer"),
        await entry("worker", "operators", "worker"),
        await entry("operator", "operators", "admin"),
      ],
      tenants: { [LEAVER]: { limits: {} }, "tenant-that-stays": { limits: {} } },
      pools: {
        main: { endpoints: [{ id: "e", region: "here", backend: "openai", url: echo.url }], rails: { input: [] } },
        pulled: { jobs: { pull: true } },
      },
    },
    { WARMPATH_DEV: "1", WARMPATH_KEY_PEPPER: PEPPER },
  );
});
afterEach(async () => {
  await made.close();
  await echo.close();
});

async function ended(who: string, id: string): Promise<string> {
  const status = async () => (await made.ask("GET", `/v2/main/status/${id}?wait=5000`, keyOf(who))).json;
  for (;;) {
    const json = await status();
    if (!["IN_QUEUE", "IN_PROGRESS"].includes(String(json["status"]))) return JSON.stringify(json);
  }
}

/** A job in each state, and whatever a job may leave. */
async function fill(who: string, word: string): Promise<{ readonly done: string; readonly taken: string }> {
  echo.hookStatus = 500;
  const key = keyOf(who);
  const run = async (pool: string, input: unknown, headers = {}) =>
    String(
      (await made.ask("POST", `/v2/${pool}/run`, key, { input, webhook: `${echo.url}/hook?w=${word}` }, headers)).json[
        "id"
      ],
    );
  const done = await run("main", { word }, { "idempotency-key": `key-${word}`, "x-warmpath-tags": `who=${word}` });
  await ended(who, done);
  await ended(who, await run("main", { word, rest: LARGE }));
  const taken = await run("pulled", { word });
  const worker = stockWorker({ baseUrl: made.router.url, pool: "pulled", id: `w-${who}`, key: keyOf("worker") });
  expect((await worker.take())?.id).toBe(taken);
  await worker.chunk(taken, { word });
  const later = new Date(Date.now() + 3_600_000).toISOString();
  await run("main", { word }, { "x-warmpath-start-at": later });
  const batch = await made.ask("POST", "/v2/main/batch", key, { requests: [{ input: { word } }] });
  expect(batch.status).toBe(200);
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new File([word, LARGE], `${word}.jsonl`));
  const headers = { authorization: `Bearer ${key}` };
  const upload = await fetch(`${made.router.url}/v1/files`, { method: "POST", headers, body: form });
  expect(upload.status).toBe(200);
  const { id: fileId } = (await upload.json()) as { id: string };
  const order = { input_file_id: fileId, endpoint: "/v1/chat/completions", completion_window: "24h" };
  const lines = await made.ask("POST", "/v1/batches", key, { ...order, metadata: { word } });
  expect(lines.status).toBe(200);
  const chat = { model: "main", messages: [{ role: "user", content: word }] };
  await made.ask("POST", "/v1/chat/completions", key, chat);
  return { done, taken };
}

const erase = async (query = "") => made.ask("DELETE", `/admin/tenants/${LEAVER}/data${query}`, keyOf("operator"));

const usageOf = async (who: string) => (await made.ask("GET", "/v1/usage", keyOf(who))).json["data"] as readonly Json[];

/** What a router that is stopped by `serve` leaves. */
async function stopped(): Promise<string> {
  await made.router.kill();
  const taken = takeStateDir(made.stateDir);
  if (!taken.ok) throw new Error(taken.error);
  expect(taken.value.scrub()).toEqual([]);
  taken.value.release();
  return made.stateDir;
}

test("all of a tenant goes, whatever its jobs are doing, and another's stays", async () => {
  const leaver = await fill("leaver", WORD);
  const stayer = await fill("stayer", "word-of-who-stays");
  // These wait; before, a worker would have been given them.
  for (const who of ["leaver", "stayer"]) await made.ask("POST", "/v2/pulled/run", keyOf(who), { input: { n: 1 } });
  const first = await erase("?usage=delete");
  expect(first.json).toMatchObject({
    tenant: LEAVER,
    isComplete: true,
    files: { files: 1, batches: 1 },
    pools: [
      {
        pool: "main",
        erased: { jobs: 3, webhooks: 2, batches: 1, drafts: 1, idempotencyKeys: 1, isScrubbed: null },
      },
      { pool: "pulled", erased: { jobs: 2, webhooks: 0 } },
    ],
  });
  // Its worker goes on, and is told to stop.
  const worker = stockWorker({ baseUrl: made.router.url, pool: "pulled", id: "w-leaver", key: keyOf("worker") });
  await worker.chunk(leaver.taken, { word: WORD });
  await worker.done(leaver.taken, { output: { word: WORD, rest: LARGE } });
  expect(await worker.stops()).toContain(leaver.taken);
  // A webhook that was under way comes back, and finds nothing.
  const second = await erase("?usage=delete");
  expect(second.json["pools"]).toMatchObject([
    { erased: { jobs: 0, chunks: 0, webhooks: 0, batches: 0, drafts: 0, idempotencyKeys: 0 } },
    { erased: { jobs: 0, chunks: 0, webhooks: 0 } },
  ]);
  expect((await made.ask("GET", `/v2/main/status/${leaver.done}`, keyOf("leaver"))).status).toBe(404);
  expect((await made.ask("GET", "/v2/main/health", keyOf("leaver"))).json["jobs"]).toMatchObject({
    completed: 0,
    inQueue: 0,
  });
  expect(await ended("stayer", stayer.done)).toContain("word-of-who-stays");
  expect((await made.ask("GET", "/v2/pulled/health", keyOf("stayer"))).json["jobs"]).toMatchObject({
    inQueue: 1,
    inProgress: 1,
  });
  const dir = await stopped();
  expect(onDisk(dir, [WORD, leaver.done, leaver.taken])).toEqual([]);
  // Who leaves is named where its keys and the orders about it are, and nowhere else.
  for (const object of ["JobQueue", "FleetFeed", "TenantLedger", "PoolShard"])
    expect(onDisk(`${dir}/warmpath-${object}`, [LEAVER])).toEqual([]);
  expect(onDisk(dir, ["word-of-who-stays"])).toEqual(["word-of-who-stays"]);
});

test("what was used is kept for the books unless the order says otherwise, and the order is on record", async () => {
  await fill("leaver", WORD);
  // An isolate or a queue tells of what was used within seconds.
  let used = await usageOf("leaver");
  while (used.length === 0) used = await usageOf("leaver");
  expect((await erase()).json).toMatchObject({ usage: "kept", isComplete: true });
  expect((await usageOf("leaver")).length).toBeGreaterThanOrEqual(used.length);
  let orders = 1;
  // What was still to be told came after the order, which is then given again.
  do {
    expect((await erase("?usage=delete")).json["usage"]).toMatchObject({ rows: expect.any(Number) });
    orders += 1;
  } while ((await usageOf("leaver")).length > 0);
  const audit = await made.ask("GET", "/admin/audit", keyOf("operator"));
  const actions = (audit.json["data"] as readonly Json[]).map(
    ({ action, outcome }) => `${String(action)} ${String(outcome)}`,
  );
  expect(actions.filter((line) => line === `DELETE /admin/tenants/${LEAVER}/data done`)).toHaveLength(orders);
});

test("the feed shows no decision of it any more", async () => {
  await fill("leaver", WORD);
  const shown = async () => (await made.ask("GET", "/dashboard/api/snapshot", keyOf("operator"))).text;
  while (!(await shown()).includes(LEAVER));
  // An isolate or a queue tells within a second what has ended before: such an order is given again.
  do expect((await erase()).json["feed"]).toMatchObject({ series: 0 });
  while ((await shown()).includes(LEAVER));
});

test("an order that is misspelt erases nothing", async () => {
  expect((await erase("?usage=all")).status).toBe(400);
});

test("a queue whose key is gone can be erased as well", async () => {
  const key = randomBytes(32).toString("base64");
  await made.again({ JOBS_A: key }, { jobs: { encryption: { secret: "JOBS_A" } } });
  await fill("leaver", WORD);
  await made.again();
  expect((await made.ask("GET", "/v2/main/health", keyOf("stayer"))).status).toBe(503);
  expect((await erase()).json["pools"]).toMatchObject([{ erased: { jobs: 3, webhooks: 2 } }, { erased: { jobs: 1 } }]);
  expect((await made.ask("GET", "/v2/main/health", keyOf("stayer"))).status).toBe(200);
});
