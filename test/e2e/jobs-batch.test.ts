/**
 * Runpod's batches on raw workerd: nothing runs before they are finalized, the counts add up, cancelling ends the rest.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      {
        id: "us-a",
        region: "us-east",
        simulator: { engine: ENGINE_PRESETS.fast },
        config: { concurrencyPerWorker: 2, queuesExcess: false },
      },
    ],
    keys: [{ id: "stranger", tenant: "strangers" }],
  });
});
afterAll(() => fleet.close());

type Json = Readonly<Record<string, unknown>>;

async function ask(method: string, path: string, body?: unknown, key = fleet.key) {
  const answer = await fleet.call(`/v2/main/batch${path}`, {
    method,
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: (await answer.json()) as Json };
}

const request = (maxTokens: number) => ({
  input: { messages: [{ role: "user", content: "x" }], max_tokens: maxTokens, ignore_eos: true },
});

test("a batch is a draft until it is finalized, and then its counts add up", async () => {
  const made = await ask("POST", "", [request(2), request(2)]);
  expect(made).toMatchObject({ status: 200, json: { status: "DRAFT", endpointId: "main", requestTotal: 2 } });
  const id = String(made.json["id"]);
  expect(id).toMatch(/^batch_/);
  expect((await ask("POST", `/${id}/requests`, { requests: [request(2)] })).json).toMatchObject({ requestTotal: 3 });
  expect(fleet.simulator("us-a").stats.requests).toBe(0);
  expect((await ask("POST", `/${id}/finalize`)).json).toMatchObject({ status: "FINALIZED", requestTotal: 3 });
  const ended = await fleet.until(
    async () => (await ask("GET", `/${id}`)).json,
    (batch) => batch["requestCompleted"] === 3,
  );
  expect(ended).toMatchObject({ requestInProgress: 0, requestFailed: 0, createdAt: expect.any(Number) });
  const { json } = await ask("GET", `/${id}/requests?offset=1&limit=1`);
  expect(json).toMatchObject({ requests: [{ status: "COMPLETED" }], total: 3, offset: 1, limit: 1, hasMore: true });
  expect((await ask("POST", `/${id}/requests`, [request(2)])).status).toBe(400);
});

test("cancelling a batch ends what has not ended", async () => {
  const made = await ask("POST", "", [request(30_000), request(30_000), request(30_000)]);
  const id = String(made.json["id"]);
  await ask("POST", `/${id}/finalize`);
  const { stats } = fleet.simulator("us-a");
  await fleet.until(
    async () => stats.activeRequests,
    (active) => active === 2,
  );
  expect((await ask("POST", `/${id}/cancel`)).json).toMatchObject({ status: "CANCELLED" });
  await fleet.until(
    async () => stats.activeRequests,
    (active) => active === 0,
  );
  const { json } = await ask("GET", `/${id}/requests`);
  expect((json["requests"] as Json[]).map((job) => job["status"])).toEqual(["CANCELLED", "CANCELLED", "CANCELLED"]);
});

test("another tenant's batch is 404, and so is one that never was", async () => {
  const id = String((await ask("POST", "", [])).json["id"]);
  for (const [method, path] of [
    ["GET", ""],
    ["GET", "/requests"],
    ["POST", "/finalize"],
    ["POST", "/cancel"],
  ] as const) {
    expect((await ask(method, `/${id}${path}`, undefined, fleet.keyOf("stranger"))).status).toBe(404);
    expect((await ask(method, `/batch_nobody${path}`)).status).toBe(404);
  }
});

test("a wrong request spoils the whole call", async () => {
  const answer = await ask("POST", "", [request(2), { inputs: 1 }]);
  expect([answer.status, answer.json["errorDetail"]]).toMatchObject([400, { param: "requests[1]" }]);
});
