/** In whose form a refusal is told, on raw workerd: as Anthropic's clients read it where the path is theirs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const BODY_BYTES_MAX = 4_096;
const ROUTE = "/claude";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east", simulator: { engine: ENGINE_PRESETS.fast } }],
    pool: { rails: { input: ["size"] } },
    config: {
      limits: { bodyBytesMax: BODY_BYTES_MAX },
      routes: [{ path: ROUTE, pool: "main", upstreamPath: "/v1/messages" }],
    },
  });
});
afterAll(() => fleet.close());

type Told = Readonly<Record<string, unknown>>;

const post = (path: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
  fleet.call(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });

async function expectAnthropic(answer: Response, status: number, type: string): Promise<void> {
  const told = (await answer.json()) as Told;
  expect([answer.status, told]).toEqual([
    status,
    {
      type: "error",
      error: { type, message: expect.stringMatching(/^[A-Z].*\.$/) },
      request_id: answer.headers.get("request-id"),
    },
  ]);
  expect(answer.headers.get("request-id")).toMatch(/^req_[0-9a-f-]{36}$/);
  expect(answer.headers.get("x-request-id")).toBe(answer.headers.get("request-id"));
}

describe.each([["/p/main/v1/messages"], [ROUTE]])("a client of Anthropic's at %s", (path) => {
  const large = JSON.stringify({ messages: [{ role: "user", content: "x".repeat(BODY_BYTES_MAX) }] });

  test("reads that its key is missing or wrong", async () => {
    const answer = await post(path, "{}", { authorization: "", "x-api-key": "wp_no" });
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="warmpath"');
    expect(answer.headers.get("x-should-retry")).toBe("false");
    await expectAnthropic(answer, 401, "authentication_error");
  });

  test("reads that its body is too large", async () => {
    await expectAnthropic(await post(path, large), 413, "request_too_large");
  });

  test("reads that a job takes no body that is no text", async () => {
    const answer = await fleet.call(path, {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "respond-async" },
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
    });
    await expectAnthropic(answer, 415, "invalid_request_error");
  });
});

test("a client of Anthropic's reads when to come back, where nobody can answer now", async () => {
  const drain = await fleet.call("/admin/endpoints/us-a/drain", { method: "POST" });
  expect(drain.status).toBe(200);
  await drain.text();
  const message = JSON.stringify({ model: fleet.model, max_tokens: 1, messages: [{ role: "user", content: "x" }] });
  const answer = await post(ROUTE, message);
  expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  await expectAnthropic(answer, 503, "overloaded_error");
  // The same refusal, known by its value and whatever its form, makes a job where the client allowed it.
  const job = await post(ROUTE, message, { "x-warmpath-on-busy": "job" });
  expect([job.status, await job.json()]).toMatchObject([202, { object: "job", pool: "main" }]);
});

test("a client of Anthropic's that names no pool reads which there are", async () => {
  const answer = await post("/p/nobody/v1/messages", "{}");
  const { message } = ((await answer.clone().json()) as { error: { message: string } }).error;
  expect(message).toContain('no pool "nobody"');
  await expectAnthropic(answer, 404, "not_found_error");
});

test("everybody else reads what they read before", async () => {
  const openai = (await (await post("/p/nobody/v1/chat/completions", "{}")).json()) as Told;
  expect(openai).toMatchObject({ status: 404, error: { code: "pool_not_found", type: "not_found_error" } });
  const runpod = (await (await post("/v2/nobody/run", "{}")).json()) as Told;
  expect(runpod).toMatchObject({ status: 404, error: expect.any(String), errorDetail: { code: "pool_not_found" } });
});

test("a client of Runpod's reads a refusal of the door's own as a text, too", async () => {
  const answer = await post("/v2/main/run", "{}", { "x-warmpath-hop": "1" });
  const told = (await answer.json()) as Told;
  expect([answer.status, told]).toMatchObject([
    508,
    { error: expect.any(String), errorDetail: { code: "request_loop" } },
  ]);
});
