/** The state folder of `npm run serve`: one router at a time, nobody else's eyes, and nothing that was deleted. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startModelServer } from "../support/model-server.ts";
import type { ModelServer } from "../support/model-server.ts";
import { allGone, endServed, failServe, startServe } from "../support/serve.ts";
import type { Served } from "../support/serve.ts";

const PROMPT = "a-prompt-that-nobody-else-may-read";
const ANSWER = "an-answer-that-nobody-else-may-read";

let model: ModelServer;
let stateDir: string;
beforeEach(async () => {
  // Over 768 KiB, so that it lies apart.
  const content = ANSWER + "x".repeat(1024 * 1024);
  const answer = JSON.stringify({
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  });
  model = await startModelServer({ answer });
  stateDir = mkdtempSync(join(tmpdir(), "warmpath-state-of-serve-"));
});
afterEach(async () => {
  await endServed();
  await model.close();
  rmSync(stateDir, { recursive: true, force: true });
});

const pools = () => ({ main: { endpoints: [{ id: "a", region: "here", backend: "openai", url: model.url }] } });

const files = (): readonly string[] =>
  readdirSync(stateDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

const have = (marker: string): readonly string[] => files().filter((file) => readFileSync(file).includes(marker));

async function call({ url, key }: Served, path: string, body?: object, headers: Record<string, string> = {}) {
  return fetch(url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Runs a job to its end; returns where it is found. */
async function job(served: Served, headers: Record<string, string> = {}): Promise<string> {
  const asked = { model: "main", messages: [{ role: "user", content: PROMPT }] };
  const accepted = await call(served, "/v1/chat/completions", asked, { prefer: "respond-async", ...headers });
  expect(accepted.status).toBe(202);
  const place = accepted.headers.get("location") ?? "";
  for (;;) {
    const { status } = (await (await call(served, place)).json()) as { status: string };
    if (status === "completed") return place;
    expect(["queued", "running", "retrying"]).toContain(status);
  }
}

/** Rows of jobs; a reader hinders nobody. */
function jobsKept(): number {
  const file = files().find((path) => path.includes("JobQueue") && /[0-9a-f]{64}\.sqlite$/.test(path)) ?? "";
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(database.prepare("SELECT COUNT(*) AS n FROM job").get()?.["n"]);
  } finally {
    database.close();
  }
}

async function end(served: Served): Promise<void> {
  const pids = served.pids();
  served.npm.kill("SIGTERM");
  expect((await served.ended).code).toBe(0);
  await allGone(pids);
}

test("a second router on the same folder is refused, and told by whom; the first one serves on", async () => {
  const first = await startServe({ pools: pools(), stateDir });
  const said = await failServe({ pools: pools(), stateDir });
  expect(said).toContain(`${stateDir} is in use by process ${first.nodePid}`);
  expect(said).toContain("--state");
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
});

test("the folder of one that was killed is free at once, and its jobs are there", async () => {
  const first = await startServe({ pools: pools(), stateDir });
  const pids = first.pids();
  const place = await job(first);
  process.kill(first.nodePid, "SIGKILL");
  await allGone(pids);
  const second = await startServe({ pools: pools(), stateDir });
  expect(await (await call(second, `${place}/result`)).text()).toContain(ANSWER);
});

test("nobody else may read it, not even what was there before", async () => {
  const first = await startServe({ pools: pools(), stateDir });
  await job(first);
  await end(first);
  chmodSync(stateDir, 0o755);
  for (const file of files()) chmodSync(file, 0o644);
  const second = await startServe({ pools: pools(), stateDir });
  await job(second);
  const open = [stateDir, ...files()].filter((path) => (statSync(path).mode & 0o077) !== 0);
  expect(open).toEqual([]);
});

describe("a job whose time is over", () => {
  test("leaves neither prompt nor answer in any file, while the router runs", async () => {
    const served = await startServe({ pools: pools(), stateDir });
    const place = await job(served, { "x-warmpath-ttl": "10" });
    expect(have(PROMPT).length).toBeGreaterThan(0);
    expect(have(ANSWER).length).toBeGreaterThan(0);
    while (jobsKept() > 0) await new Promise((settle) => setTimeout(settle, 200));
    expect((await call(served, place)).status).toBe(404);
    // The queue is idle, so its file is written anew while the router runs; and it takes jobs as before.
    while (have(PROMPT).length + have(ANSWER).length > 0) await new Promise((settle) => setTimeout(settle, 200));
    await job(served);
    expect(have(PROMPT).length).toBeGreaterThan(0);
  });

  test("leaves neither prompt nor answer once the router has ended, however soon", async () => {
    const served = await startServe({ pools: pools(), stateDir });
    await job(served, { "x-warmpath-ttl": "10" });
    while (jobsKept() > 0) await new Promise((settle) => setTimeout(settle, 200));
    await end(served);
    expect([have(PROMPT), have(ANSWER)]).toEqual([[], []]);
  });
});
