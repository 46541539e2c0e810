/** The published `runpod-sdk`, unmodified but for its base URL, against the built bundle on raw workerd. */
import runpodSdk from "runpod-sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const SLOTS = 2;
const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 5 };
/** No job of a test gets so far. */
const ENDLESS_TOKENS = 30_000;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      {
        id: "us-a",
        region: "us-east",
        simulator: { engine },
        // Else a job whose turn is near may leave early, and wait in the endpoint's own queue.
        config: { concurrencyPerWorker: SLOTS, queuesExcess: false },
      },
    ],
    keys: [{ id: "stranger", tenant: "strangers" }],
    pool: { patienceMs: 10_000, queueWaitMsMax: 120_000 },
  });
});
afterAll(() => fleet.close());

type Endpoint = NonNullable<ReturnType<ReturnType<typeof runpodSdk>["endpoint"]>>;

function endpointOf(key = fleet.key): Endpoint {
  const endpoint = runpodSdk(key, { baseUrl: `${fleet.router.url}/v2` }).endpoint("main");
  if (endpoint === null) throw new Error("the SDK made no endpoint");
  return endpoint;
}

const chat = (maxTokens: number, stream = false) => ({
  input: { messages: [{ role: "user", content: "hello" }], max_tokens: maxTokens, ignore_eos: true, stream },
});

const statusOf = async (id: string) => (await endpointOf().status(id)).status;
const started = async (id: string) =>
  fleet.until(
    () => statusOf(id),
    (status) => status === "IN_PROGRESS",
  );
const stats = () => fleet.simulator("us-a").stats;
/** Every slot is free, and no job runs or waits. */
const idle = async () =>
  fleet.until(
    async () => [await fleet.liveLeases(), stats().activeRequests],
    ([leases, requests]) => leases === 0 && requests === 0,
  );

describe("runpod-sdk", () => {
  test("run gives an id, and status follows the job to its output and its times", async () => {
    const { id, status } = await endpointOf().run(chat(4));
    expect([id, status]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}-u1$/), "IN_QUEUE"]);
    const ended = await endpointOf().statusSync(id);
    expect(ended).toMatchObject({
      id,
      status: "COMPLETED",
      completed: true,
      succeeded: true,
      delayTime: expect.any(Number),
      executionTime: expect.any(Number),
      output: { object: "chat.completion", choices: [expect.objectContaining({ finish_reason: "length" })] },
    });
    await idle();
  });

  test("runSync brings the output of a short job at once", async () => {
    const answer = await endpointOf().runSync(chat(4));
    expect(answer).toMatchObject({ status: "COMPLETED", output: { object: "chat.completion" } });
    expect(answer.id).toMatch(/^sync-/);
    await idle();
  });

  test("runSync of a job longer than its wait goes on by status-sync, without a spin", async () => {
    // 1 s is the least that the SDK waits; the job takes about two.
    const before = Date.now();
    const answer = await endpointOf().runSync(chat(400), 20_000);
    expect(answer.status).toBe("COMPLETED");
    expect(answer.executionTime).toBeLessThanOrEqual(Date.now() - before);
    await idle();
  });

  test("stream yields what comes before the end, each piece once", async () => {
    const { id } = await endpointOf().run(chat(60, true));
    const pieces: string[] = [];
    const seen: string[] = [];
    for await (const { output } of endpointOf().stream(id)) {
      pieces.push(output as string);
      if (seen.length === 0) seen.push(await statusOf(id));
    }
    const text = pieces.join("");
    // The SDK reads on until the end, and the first piece came while the job ran.
    expect(seen).toEqual(["IN_PROGRESS"]);
    expect(text.match(/data: \{/g)?.length).toBeGreaterThanOrEqual(60);
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    expect(new Set(text.match(/"content":"[^"]*"/g)).size).toBeGreaterThan(1);
    await idle();
  });

  test("cancel of a running job aborts it at the endpoint", async () => {
    const { aborted } = stats();
    const { id } = await endpointOf().run(chat(ENDLESS_TOKENS));
    await started(id);
    await fleet.until(
      async () => stats().activeRequests,
      (active) => active === 1,
    );
    const cancelled = await endpointOf().cancel(id);
    expect(cancelled).toMatchObject({ id, status: "CANCELLED" });
    await fleet.until(
      async () => stats().aborted,
      (now) => now === aborted + 1,
      1_000,
    );
    expect(await statusOf(id)).toBe("CANCELLED");
    await idle();
  });

  test("cancel of a queued job keeps it from ever starting, and purgeQueue removes what waits", async () => {
    const running = await Promise.all(
      Array.from({ length: SLOTS }, async () => endpointOf().run(chat(ENDLESS_TOKENS))),
    );
    for (const { id } of running) await started(id);
    const queued: string[] = [];
    for (let index = 0; index < 3; index++) queued.push((await endpointOf().run(chat(4))).id);
    const requests = stats().requests;
    const [first = "", ...others] = queued;
    expect((await endpointOf().cancel(first)).status).toBe("CANCELLED");
    expect((await endpointOf().health()).jobs).toMatchObject({ inProgress: SLOTS, inQueue: 2 });
    expect(await endpointOf().purgeQueue()).toEqual({ removed: 2, status: "completed" });
    for (const id of others) await expect(endpointOf().status(id)).rejects.toMatchObject({ response: { status: 404 } });
    for (const { id } of running) await endpointOf().cancel(id);
    await idle();
    expect(stats().requests).toBe(requests);
  });

  test("health has the shape that the clients check", async () => {
    const { jobs, workers } = await endpointOf().health();
    for (const name of ["completed", "failed", "inProgress", "inQueue", "retried"]) {
      expect(jobs).toHaveProperty(name, expect.any(Number));
    }
    for (const name of ["idle", "initializing", "ready", "running", "throttled", "unhealthy"]) {
      expect(workers).toHaveProperty(name, expect.any(Number));
    }
  });

  test("errors reach the caller with their status and a text", async () => {
    const failure = async (call: Promise<unknown>) =>
      call.then(
        () => null,
        (error: { response?: { status: number; data: { error: string } } }) => error.response,
      );
    const wrongKey = await failure(endpointOf("none").health());
    expect([wrongKey?.status, wrongKey?.data]).toMatchObject([401, { error: expect.any(String) }]);
    const unknown = await failure(endpointOf().status("nobody-u1"));
    expect([unknown?.status, unknown?.data]).toMatchObject([404, { error: expect.stringContaining("no job") }]);
  });

  test("another tenant sees none of it: no job, no count, nothing to cancel or to purge", async () => {
    const { id } = await endpointOf().run(chat(ENDLESS_TOKENS));
    await started(id);
    const stranger = endpointOf(fleet.keyOf("stranger"));
    for (const call of [
      async () => stranger.status(id),
      async () => stranger.cancel(id),
      async () => stranger.stream(id).next(),
    ]) {
      await expect(call()).rejects.toMatchObject({ response: { status: 404 } });
    }
    expect((await stranger.health()).jobs).toMatchObject({ inProgress: 0, inQueue: 0, completed: 0 });
    expect(await stranger.purgeQueue()).toMatchObject({ removed: 0 });
    expect(await statusOf(id)).toBe("IN_PROGRESS");
    await endpointOf().cancel(id);
    await idle();
  });
});

test("/v2/{pool}/openai/v1 is the ordinary path of that pool, streams included", async () => {
  const body = JSON.stringify({
    model: fleet.model,
    stream: true,
    max_tokens: 3,
    messages: [{ role: "user", content: "x" }],
  });
  const headers = { "content-type": "application/json" };
  const answer = await fleet.call("/v2/main/openai/v1/chat/completions", { method: "POST", headers, body });
  expect([answer.status, answer.headers.get("x-warmpath-endpoint")]).toEqual([200, "us-a"]);
  expect((await answer.text()).trimEnd().endsWith("data: [DONE]")).toBe(true);
  const models = await fleet.call("/v2/main/openai/v1/models");
  expect(models.status).toBe(200);
  await models.text();
  await idle();
});
