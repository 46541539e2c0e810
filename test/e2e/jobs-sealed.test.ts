/**
 * What of jobs is on the disk of a real router: with a key of `jobs.encryption` nothing that anybody can read, without
 * one all of it. And what becomes of jobs while a key is changed, away, or not theirs.
 */
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, test } from "vitest";
import { onDisk, queueFiles } from "../support/disk.ts";
import { startEchoServer } from "../support/echo-server.ts";
import type { EchoServer } from "../support/echo-server.ts";
import { startKeyedRouter } from "../support/keyed-router.ts";
import type { KeyedRouter } from "../support/keyed-router.ts";
import { stockWorker } from "../support/stock-worker.ts";
import { formatKey, keyHmac, toHex } from "../../src/wire/api-keys.ts";

const KEYS = { JOBS_A: randomBytes(32).toString("base64"), JOBS_B: randomBytes(32).toString("base64url") };
const PEPPER = "pepper-of-this-test";
const CLIENT = formatKey("client", randomBytes(32));
const WORKER = formatKey("worker", randomBytes(32));

/** Larger than a row holds, so that it lies in parts. */
const LARGE = "x".repeat(1_100_000);
const WORDS = {
  input: "canary-of-an-input",
  large: "canary-of-a-large-input",
  chunk: "canary-of-a-chunk",
  output: "canary-of-an-output",
  error: "canary-of-an-error",
  hook: "canary-of-a-receiver",
  tag: "canary-of-a-tag",
  key: "canary-of-a-key",
  draft: "canary-of-a-draft",
};

let echo: EchoServer;
let made: KeyedRouter;
afterEach(async () => {
  await made.close();
  await echo.close();
});

const sealedBy = (...secret: string[]) => ({ jobs: { encryption: { secret } } });

async function start(jobs: object): Promise<void> {
  echo = await startEchoServer();
  const endpoint = { id: "e", region: "here", backend: "openai", url: echo.url };
  const keyOf = async (id: string, key: string, scope: string) => ({
    id,
    tenant: "acme",
    hmac: toHex(await keyHmac(key, PEPPER)),
    scopes: [scope],
  });
  const config = {
    keys: [await keyOf("client", CLIENT, "infer"), await keyOf("worker", WORKER, "worker")],
    pools: { main: { endpoints: [endpoint], rails: { input: [], output: [] } }, pulled: { jobs: { pull: true } } },
    ...jobs,
  };
  made = await startKeyedRouter(config, { WARMPATH_DEV: "1", WARMPATH_KEY_PEPPER: PEPPER, ...KEYS });
}

const ask = async (method: string, path: string, body?: unknown, headers = {}) =>
  made.ask(method, path, CLIENT, body, headers);

async function ended(pool: string, id: unknown): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const { json, status } = await ask("GET", `/v2/${pool}/status/${String(id)}?wait=5000`);
    if (status !== 200 || !["IN_QUEUE", "IN_PROGRESS"].includes(String(json["status"]))) return json;
  }
}

/** One job of each kind, with a word of its own wherever a client, an endpoint or a worker may put one. */
async function fill(): Promise<{ readonly done: unknown; readonly other: unknown }> {
  // Receivers never take it, so what they are told stays on disk.
  echo.hookStatus = 500;
  const webhook = `${echo.url}/hook?token=${WORDS.hook}`;
  const run = async (pool: string, input: unknown, headers = {}) =>
    (await ask("POST", `/v2/${pool}/run`, { input, webhook }, headers)).json["id"];
  const done = await run(
    "main",
    { text: WORDS.input },
    { "x-warmpath-tags": `who=${WORDS.tag}`, "idempotency-key": WORDS.key },
  );
  const other = await run("main", { text: "of another job" });
  await ended("main", await run("main", { text: WORDS.large, rest: LARGE }));
  await ended("main", other);
  expect(JSON.stringify(await ended("main", done))).toContain(WORDS.input);
  echo.status = 400;
  expect(JSON.stringify(await ended("main", await run("main", { text: WORDS.error })))).toContain(WORDS.error);
  const worker = stockWorker({ baseUrl: made.router.url, pool: "pulled", id: "w", key: WORKER });
  const pulled = await run("pulled", { text: WORDS.input });
  expect(await worker.take()).toMatchObject({ id: pulled, input: { text: WORDS.input } });
  await worker.chunk(String(pulled), { text: WORDS.chunk });
  await worker.done(String(pulled), { output: { text: WORDS.output } });
  expect(JSON.stringify(await ended("pulled", pulled))).toContain(WORDS.output);
  const batch = await ask("POST", "/v2/main/batch", {});
  const drafts = await ask("POST", `/v2/main/batch/${String(batch.json["id"])}/requests`, {
    requests: [{ input: { text: WORDS.draft } }],
  });
  expect(drafts.status).toBe(200);
  return { done, other };
}

test("without a key all of it is there, which shows that these tests would find it", async () => {
  await start({});
  await fill();
  await made.router.kill();
  expect(onDisk(made.stateDir, Object.values(WORDS))).toEqual(Object.values(WORDS));
});

test("with a key nothing is", async () => {
  await start(sealedBy("JOBS_A"));
  await fill();
  await made.router.kill();
  expect(onDisk(made.stateDir, Object.values(WORDS))).toEqual([]);
});

test("a key is changed without a job being lost, and one that is missing stops the queue until it is back", async () => {
  await start(sealedBy("JOBS_A"));
  const { done } = await fill();
  await made.again({}, sealedBy("JOBS_B", "JOBS_A"));
  expect(JSON.stringify(await ended("main", done))).toContain(WORDS.input);
  // The same submission again, under its idempotency key: no second job.
  const again = await ask("POST", "/v2/main/run", { input: { text: WORDS.input } }, { "idempotency-key": WORDS.key });
  expect([again.status, again.json["id"]]).toEqual([422, undefined]);
  echo.status = 200;
  const { json } = await ask("POST", "/v2/main/run", { input: { text: "under the new key" } });
  await ended("main", json["id"]);
  for (const config of [sealedBy("JOBS_B"), {}, { jobs: { encryption: { secret: "JOBS_C" } } }]) {
    await made.again({}, config);
    const refused = await ask("GET", `/v2/main/status/${String(done)}`);
    expect(refused.status).toBe(503);
    const log = JSON.stringify(config).includes("JOBS_C")
      ? "the secret JOBS_C of jobs.encryption is not set"
      : "jobs_locked: jobs are stored under the key";
    expect(made.router.output()).toContain(log);
  }
  await made.again({}, sealedBy("JOBS_B", "JOBS_A"));
  expect(JSON.stringify(await ended("main", done))).toContain(WORDS.input);
  expect(JSON.stringify(await ended("main", json["id"]))).toContain("under the new key");
});

test("what was stored before there was a key is read, and what is stored from then on is sealed", async () => {
  await start({});
  const { done } = await fill();
  await made.again({}, sealedBy("JOBS_A"));
  expect(JSON.stringify(await ended("main", done))).toContain(WORDS.input);
  echo.status = 200;
  const { json } = await ask("POST", "/v2/main/run", { input: { text: "canary-of-later" } });
  expect(JSON.stringify(await ended("main", json["id"]))).toContain("canary-of-later");
  await made.router.kill();
  expect(onDisk(made.stateDir, ["canary-of-later"])).toEqual([]);
});

test("an output that was moved to another job's row is not given to its owner", async () => {
  await start(sealedBy("JOBS_A"));
  const { done, other } = await fill();
  await made.router.kill();
  for (const file of queueFiles(made.stateDir)) {
    const db = new DatabaseSync(file);
    const moved = db.prepare("UPDATE job SET output = (SELECT output FROM job WHERE id = ?) WHERE id = ?");
    moved.run(String(done), String(other));
    db.close();
  }
  await made.again();
  const answer = await ask("GET", `/v2/main/status/${String(other)}`);
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain(WORDS.input);
  expect(JSON.stringify(await ended("main", done))).toContain(WORDS.input);
});
