/** What `npm run serve` has counted is counted: a signal that ends it at once after requests loses none of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readMetrics } from "../support/metrics-text.ts";
import { startModelServer } from "../support/model-server.ts";
import type { ModelServer } from "../support/model-server.ts";
import { endServed, startServe } from "../support/serve.ts";
import type { Served } from "../support/serve.ts";

const REQUESTS = 25;

let model: ModelServer;
let stateDir: string;
beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "warmpath-counts-"));
  model = await startModelServer();
});
afterEach(async () => {
  await endServed();
  await model.close();
  rmSync(stateDir, { recursive: true, force: true });
});

const start = async (): Promise<Served> =>
  startServe({
    stateDir,
    pools: { main: { endpoints: [{ id: "a", region: "here", backend: "openai", url: model.url }] } },
  });

async function chat({ url, key }: Served): Promise<number> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "main", stream: true, messages: [{ role: "user", content: "x" }] }),
  });
  await answer.text();
  return answer.status;
}

async function served({ url, key }: Served): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  const sums = readMetrics(await answer.text()).sums("warmpath_requests_total", ["outcome"]);
  return sums["served"] ?? 0;
}

test("over an end by a signal at once after the last answer, and over another one", async () => {
  for (const round of [1, 2]) {
    const router = await start();
    const statuses = await Promise.all(Array.from({ length: REQUESTS }, async () => chat(router)));
    // Reports leave once a second: this is before the first.
    process.kill(router.nodePid, "SIGTERM");
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await router.ended).code).toBe(0);
    const again = await start();
    expect(await served(again)).toBe(round * REQUESTS);
    process.kill(again.nodePid, "SIGTERM");
    await again.ended;
  }
});
