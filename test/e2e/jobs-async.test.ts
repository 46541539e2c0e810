/** The plain surface on raw workerd: 202 and its place, results as they would have been, events with replay. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createParser } from "eventsource-parser";
import type { EventSourceMessage } from "eventsource-parser";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 5 };
const ENDLESS_TOKENS = 30_000;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      {
        id: "us-a",
        region: "us-east",
        simulator: { engine },
        config: { concurrencyPerWorker: 1, queuesExcess: false },
      },
    ],
    keys: [{ id: "stranger", tenant: "strangers" }],
    // Whoever asks now is refused now, when the one slot is taken.
    pool: { patienceMs: 10_000, queueDepthMax: 0 },
  });
});
afterAll(() => fleet.close());

type Json = Readonly<Record<string, unknown>>;

const chatBody = (maxTokens: number, stream = false) =>
  JSON.stringify({ model: fleet.model, max_tokens: maxTokens, stream, messages: [{ role: "user", content: "hello" }] });

async function post(headers: Readonly<Record<string, string>>, body: string, path = "/v1/chat/completions") {
  return fleet.call(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
}

async function enqueue(maxTokens: number, stream = false, headers: Readonly<Record<string, string>> = {}) {
  const answer = await post({ prefer: "respond-async", ...headers }, chatBody(maxTokens, stream));
  const job = (await answer.json()) as Json;
  return { answer, job, url: answer.headers.get("location") ?? "" };
}

const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => fleet.call(path, { headers });
const json = async (answer: Response) => (await answer.json()) as Json;
const status = async (url: string) => (await json(await get(url)))["status"];
const reaches = async (url: string, wanted: string) =>
  fleet.until(
    () => status(url),
    (now) => now === wanted,
  );
const idle = async () => fleet.until(fleet.liveLeases, (leases) => leases === 0);

/** Events of one reading, until `enough` says so or the stream ends. */
async function readEvents(url: string, lastId: string | null, enough: (events: EventSourceMessage[]) => boolean) {
  const leaving = new AbortController();
  const headers: Record<string, string> = lastId === null ? {} : { "last-event-id": lastId };
  const answer = await fleet.call(`${url}/events`, { headers, signal: leaving.signal });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  const decoder = new TextDecoder();
  for await (const bytes of answer.body ?? []) {
    parser.feed(decoder.decode(bytes as Uint8Array, { stream: true }));
    if (enough(events)) break;
  }
  leaving.abort();
  return events;
}

describe("Prefer: respond-async", () => {
  test("answers 202 at once; status, result and headers then follow the job", async () => {
    const { answer, job, url } = await enqueue(4);
    expect([answer.status, answer.headers.get("preference-applied")]).toEqual([202, "respond-async"]);
    expect(url).toMatch(/^\/v1\/jobs\/job_[0-9a-f-]{36}~main$/);
    expect(job).toMatchObject({ object: "job", pool: "main" });
    expect(await json(await get(url, { prefer: "wait=20" }))).toMatchObject({ status: "completed", attempts: 1 });
    const result = await get(`${url}/result`);
    expect([result.status, result.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await json(result)).toMatchObject({ object: "chat.completion" });
    await idle();
  });

  test("with enough wait the answer comes as it would have, without too", async () => {
    const answer = await post({ prefer: "respond-async, wait=20" }, chatBody(4));
    expect([answer.status, answer.headers.get("preference-applied")]).toEqual([200, "respond-async, wait=20"]);
    expect(await json(answer)).toMatchObject({ object: "chat.completion" });
    const late = await post({ prefer: "respond-async, wait=1" }, chatBody(ENDLESS_TOKENS));
    expect(late.status).toBe(202);
    const url = late.headers.get("location") ?? "";
    expect(await json(await fleet.call(url, { method: "DELETE" }))).toMatchObject({ status: "cancelled" });
    expect((await get(`${url}/result`)).status).toBe(410);
    await idle();
  });

  test("a refusal of the endpoint is the result, as it is without a job", async () => {
    const body = JSON.stringify({ model: fleet.model, messages: "no list" });
    const plain = await post({}, body);
    const answer = await post({ prefer: "respond-async, wait=20" }, body);
    expect([answer.status, await answer.text()]).toEqual([plain.status, await plain.text()]);
    expect(answer.status).toBe(400);
    await idle();
  });

  test("the same key and body is the same job; another body is refused", async () => {
    const headers = { "idempotency-key": '"order-17"' };
    const [first, again] = [await enqueue(4, false, headers), await enqueue(4, false, headers)];
    expect(again.url).toBe(first.url);
    const other = await post({ prefer: "respond-async", ...headers }, chatBody(5));
    expect([other.status, (await json(other))["error"]]).toMatchObject([422, { code: "idempotency_conflict" }]);
    await reaches(first.url, "completed");
    expect(await json(await get(first.url))).toMatchObject({ attempts: 1 });
    await idle();
  });

  test("what a rail blocks never becomes a job", async () => {
    const long = JSON.stringify({ model: fleet.model, messages: [{ role: "user", content: "x ".repeat(1_000_001) }] });
    const answer = await post({ prefer: "respond-async" }, long);
    expect([answer.status, answer.headers.get("location")]).toEqual([413, null]);
  });

  test("another tenant is told that there is no such job", async () => {
    const { url } = await enqueue(4);
    for (const path of [url, `${url}/result`, `${url}/events`]) {
      const answer = await get(path, { authorization: `Bearer ${fleet.keyOf("stranger")}` });
      expect(answer.status).toBe(404);
    }
    await reaches(url, "completed");
    await idle();
  });
});

test("a request that finds every slot taken becomes a job where the client allowed it, and then is served", async () => {
  const { url: holder } = await enqueue(ENDLESS_TOKENS);
  await reaches(holder, "running");
  const refused = await post({}, chatBody(4));
  expect(refused.status).toBe(429);
  const answer = await post({ "x-warmpath-on-busy": "job" }, chatBody(4));
  const url = answer.headers.get("location") ?? "";
  expect([answer.status, await status(url)]).toEqual([202, "queued"]);
  await fleet.call(`${holder}/cancel`, { method: "POST" });
  expect(await json(await get(url, { prefer: "wait=20" }))).toMatchObject({ status: "completed" });
  await idle();
  const free = await post({ "x-warmpath-on-busy": "job" }, chatBody(4));
  expect([free.status, free.headers.get("x-warmpath-endpoint")]).toEqual([200, "us-a"]);
  await free.text();
  await idle();
});

describe("events", () => {
  const outputs = (events: readonly EventSourceMessage[]) => events.filter(({ event }) => event === "output");

  test("tell the status, each chunk with its id, and the end", async () => {
    const { url } = await enqueue(40, true);
    const events = await readEvents(url, null, () => false);
    const text = outputs(events)
      .map(({ data }) => JSON.parse(data) as string)
      .join("");
    expect(text).toBe(await (await get(`${url}/result`)).text());
    expect(text.match(/data: \{/g)?.length).toBeGreaterThanOrEqual(40);
    expect(events.filter(({ event }) => event === "status").at(-1)?.data).toBe('{"status":"completed"}');
    expect(JSON.parse(events.at(-1)?.data ?? "{}")).toMatchObject({ object: "job", status: "completed" });
    await idle();
  });

  test("a reader that comes back with Last-Event-ID gets the rest, and nothing twice", async () => {
    const { url } = await enqueue(200, true);
    const first = await readEvents(url, null, (events) => outputs(events).length >= 2);
    const seen = outputs(first);
    const rest = await readEvents(url, seen.at(-1)?.id ?? null, () => false);
    const ids = [...seen, ...outputs(rest)].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const text = [...seen, ...outputs(rest)].map(({ data }) => JSON.parse(data) as string).join("");
    expect(text).toBe(await (await get(`${url}/result`)).text());
    await idle();
  });
});

test("an inbound hook enqueues its body, and an unknown one is 404", async () => {
  const headers = { "content-type": "application/json" };
  const made = await fleet.call("/admin/hooks", { method: "POST", headers, body: '{"pool":"main"}' });
  const { path } = (await made.json()) as { path: string };
  const input = JSON.stringify({ messages: [{ role: "user", content: "x" }], max_tokens: 2 });
  // Without a key: who knows the URL may.
  const hooked = await fetch(fleet.router.url + path, { method: "POST", headers, body: input });
  const { id } = (await hooked.json()) as { id: string };
  const ended = await get(`/v2/main/status-sync/${id}`);
  expect(await json(ended)).toMatchObject({ status: "COMPLETED", output: { object: "chat.completion" } });
  expect((await fetch(`${fleet.router.url}${path}x`, { method: "POST", body: input })).status).toBe(404);
  await idle();
});
