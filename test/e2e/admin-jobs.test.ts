/** Operators over real queues: what they see of every tenant's jobs, and what they run again. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fleet, startFleet } from "../support/fleet.ts";

let fleet: Fleet;
let isBroken = true;

type Listed = { readonly data: readonly { readonly id: string; readonly tenant: string; readonly status: string }[] };

const ask = async (path: string, body?: unknown) => {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fleet.call(`/admin/jobs${path}`, init);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
};
const list = async (path: string): Promise<Listed["data"]> => ((await ask(path)).json as unknown as Listed).data;

const PROMPT = "nobody but its tenant reads this";

/** An endpoint that quotes what it was sent, and a credential, while it is broken. */
const server = createServer((request, response) => {
  request.resume().once("end", () => {
    if (request.method === "GET") return void response.end("ok");
    const error = `no such tool, sk-proj-${"aB3dE6gH".repeat(6)}`;
    response.writeHead(isBroken ? 400 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(isBroken ? { error } : { output: "fine" }));
  });
});

async function run(keyId: string): Promise<string> {
  const response = await fleet.call("/v2/flaky/run", {
    method: "POST",
    headers: { authorization: `Bearer ${fleet.keyOf(keyId)}`, "content-type": "application/json" },
    body: JSON.stringify({ input: { prompt: PROMPT } }),
  });
  return ((await response.json()) as { id: string }).id;
}

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as AddressInfo;
  fleet = await startFleet({
    keys: [
      { id: "red", tenant: "red" },
      { id: "blue", tenant: "blue" },
    ],
    endpoints: [{ id: "near", region: "us-east" }],
    morePools: {
      flaky: {
        endpoints: [{ id: "flaky-1", region: "us-east", backend: "openai", url: `http://127.0.0.1:${port}` }],
        jobs: { path: "/work" },
      },
    },
  });
});

afterAll(async () => {
  await fleet.close();
  server.closeAllConnections();
  server.close();
});

test("dead letters of every tenant are seen without what they were about, and run again", async () => {
  const ids = [await run("red"), await run("blue")];
  await fleet.until(
    async () => list("/flaky/dead-letters"),
    (dead) => dead.length === 2,
  );
  const dead = await ask("/flaky/dead-letters");
  expect(JSON.stringify(dead.json)).not.toContain("sk-proj-");
  expect(await list("/flaky/jobs?tenant=red")).toMatchObject([{ id: ids[0], tenant: "red", status: "failed" }]);
  expect(await list("/flaky/jobs?status=queued,running")).toEqual([]);
  const one = await ask(`/flaky/jobs/${ids[0]}`);
  expect(one.json).toMatchObject({ isRedrivable: true, history: expect.arrayContaining([expect.anything()]) });
  // By its name as `/v1/jobs` tells it.
  expect((await ask(`/flaky/jobs/${ids[0]}~flaky`)).json).toEqual(one.json);
  isBroken = false;
  expect((await ask(`/flaky/jobs/${ids[0]}/retry`, {})).json).toMatchObject({ id: ids[0] });
  expect((await ask("/flaky/redrive", { all: true })).json).toMatchObject({ redriven: [ids[1]], hasMore: false });
  await fleet.until(
    async () => list("/flaky/jobs?status=completed"),
    (done) => done.length === 2,
  );
  expect((await ask(`/flaky/jobs/${ids[0]}/retry`, {})).status).toBe(400);
  expect((await ask("/flaky/redrive", { ids })).json).toMatchObject({
    redriven: [],
    refused: ids.map((id) => ({ id, why: "not_retryable" })),
  });
});

test("what waits is cancelled by an operator, and the queues are told with their modes", async () => {
  await ask("/flaky/pause", {});
  const id = await run("red");
  const { json } = await ask("");
  expect(json["data"]).toMatchObject([
    { pool: "main", queue: { mode: "open" } },
    { pool: "flaky", queue: { mode: "paused", byState: { queued: 1 }, tenants: [{ tenant: "red", waiting: 1 }] } },
  ]);
  expect((await ask("/flaky")).json).toMatchObject({ pool: "flaky", mode: "paused" });
  expect((await ask(`/flaky/jobs/${id}/cancel`, {})).json).toMatchObject({ id, status: "cancelled" });
  await ask("/flaky/resume", {});
});

test("webhooks and workers are lists, empty where there are none", async () => {
  for (const path of ["/flaky/webhooks", "/flaky/dead-webhooks", "/flaky/workers"])
    expect(await list(path)).toEqual([]);
  expect((await ask("/flaky/dead-webhooks/none/replay", {})).status).toBe(404);
  expect((await ask("/flaky/replay", { webhookIds: ["none"] })).json).toEqual({ replayed: [], refused: ["none"] });
});

test("an order has at most 500 ids, and says so", async () => {
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `job-${index}`);
  expect((await ask("/flaky/redrive", { ids: ids(500) })).status).toBe(200);
  for (const body of [{ ids: ids(501) }, { ids: [] }, { ids: [1] }, { all: "yes" }, { all: true, tenant: 5 }, {}]) {
    const { status, json } = await ask("/flaky/redrive", body);
    expect([body, status]).toEqual([body, 400]);
    expect(json["detail"]).toContain("500");
  }
});

test("what is not there is refused with what is", async () => {
  expect((await ask("/nowhere/jobs")).status).toBe(404);
  expect((await ask("/flaky/jobs/none")).status).toBe(404);
  expect((await ask("/flaky/jobs?status=lost")).status).toBe(400);
  expect((await ask("/flaky/explode", {})).json["detail"]).toContain("dead-letters");
  expect((await ask("/flaky/jobs", {})).status).toBe(405);
  expect((await ask("/flaky/redrive")).status).toBe(405);
  expect((await ask("/flaky/pause")).status).toBe(405);
  const asTenant = { headers: { authorization: `Bearer ${fleet.keyOf("red")}` } };
  expect((await fleet.call("/admin/jobs/flaky/jobs", asTenant)).status).toBe(403);
});
