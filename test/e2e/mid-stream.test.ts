/** Endpoints that die after the first byte: the client gets exactly one error, and nobody is asked again. */
import { APIError } from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace, openaiOf } from "../support/openai.ts";
import { eventData, rawCall } from "../support/raw-client.ts";

const simulator = { engine: ENGINE_PRESETS.fast };
const EXECUTION_TIMEOUT_MS = 400;

let fleet: Fleet;
/** An undisturbed answer. Ids and times differ from answer to answer, lengths do not. */
let full: Buffer;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator },
      { id: "eu-a", region: "eu-west", simulator },
      { id: "ap-a", region: "ap-northeast", simulator, config: { executionTimeoutMs: EXECUTION_TIMEOUT_MS } },
    ],
    pool: { patienceMs: 5_000 },
  });
  full = (await stream().answer).body;
});
afterAll(() => fleet.close());
/** Answers that break off make an endpoint dearer, and take it out: each test leaves it with some that went well. */
const SERVED_BETWEEN = 10;
afterEach(async () => {
  fleet.simulator("us-a").setFault({ kind: "none" });
  let served = 0;
  const serve = async () => {
    const { headers } = await fleet.chat({ place: freshPlace("us-east") });
    return (served += headers.get("x-warmpath-endpoint") === "us-a" ? 1 : 0);
  };
  await fleet.until(serve, (times) => times === SERVED_BETWEEN);
});

const request = (changes: Record<string, unknown> = {}) => ({
  model: fleet.model,
  stream: true,
  max_tokens: 12,
  messages: [{ role: "user" as const, content: "x" }],
  ...changes,
});
const stream = (changes: Record<string, unknown> = {}, place = freshPlace("us-east")) =>
  rawCall(`${fleet.router.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${fleet.key}`, "content-type": "application/json", "x-warmpath-place": place },
    body: JSON.stringify(request(changes)),
  });
const requests = () => [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);
const dieAfter = (bytes: number) => fleet.simulator("us-a").setFault({ kind: "die_after_bytes", bytes, times: 1 });

type Cut = readonly [name: string, at: (full: Buffer, eventEnds: readonly number[]) => number];
const early: readonly Cut[] = [
  ["after one byte", () => 1],
  ["in the name of the first field", () => 3],
  ["in the first event, before any token", () => 20],
  ["before the end of the first event", (_, ends) => (ends[0] ?? 0) - 2],
  ["between the two line breaks of the first event", (_, ends) => (ends[0] ?? 0) - 1],
  ["after the first event, which has no token", (_, ends) => ends[0] ?? 0],
  ["one byte into the event of the first token", (_, ends) => (ends[0] ?? 0) + 1],
];
const cuts: readonly Cut[] = [
  ["after the event of the first token", (_, ends) => ends[1] ?? 0],
  ["in the middle of a later event", (_, ends) => (ends[4] ?? 0) + 77],
  ["after a later event", (_, ends) => ends[5] ?? 0],
  ["inside the event of its finish", (_, ends) => (ends.at(-3) ?? 0) - 3],
];
const late: readonly Cut[] = [
  ["just before [DONE]", (_, ends) => ends.at(-2) ?? 0],
  ["in the word [DONE]", (whole) => whole.length - 4],
  ["just before its last line break", (whole) => whole.length - 1],
];

function cutAt(at: Cut[1]): number {
  const ends = [...full.toString().matchAll(/\n\n/g)].map(({ index }) => index + 2);
  return at(full, ends);
}

const hasError = (data: string) => data !== "[DONE]" && "error" in (JSON.parse(data) as object);

test.each(early)("a stream that breaks off before its first token is begun anew elsewhere: cut %s", async (_, at) => {
  dieAfter(cutAt(at));
  const { status, headers, body } = await stream().answer;
  expect([status, headers["x-warmpath-attempts"]]).toEqual([200, "2"]);
  expect(body.length).toBe(full.length);
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
});

describe("a stream that breaks off after its first token ends with exactly one error", () => {
  test.each(cuts)("cut %s", async (_, at) => {
    const bytes = cutAt(at);
    const before = requests();
    dieAfter(bytes);
    const { status, headers, body, whole } = await stream().answer;
    expect([status, whole]).toEqual([200, true]);
    // As a client's parser sees it: events that parse, one error and one end, after it.
    const data = eventData(body);
    expect(data.filter(hasError)).toHaveLength(1);
    expect(JSON.parse(data.at(-2) ?? "")).toMatchObject({
      error: { code: "upstream_cut", message: /Send the request again/ },
    });
    expect(data.filter((text) => text === "[DONE]")).toHaveLength(1);
    expect(data.at(-1)).toBe("[DONE]");
    expect(headers["x-warmpath-attempts"]).toBe("1");
    // The first token was out: nothing may be asked of another endpoint.
    expect(requests()).toBe(before + 1);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  test.each(cuts)("and the openai package raises an API error: cut %s", async (_, at) => {
    dieAfter(cutAt(at));
    const client = openaiOf(fleet, { place: freshPlace("us-east") });
    const read = async () => {
      const chunks = await client.chat.completions.create({ ...request(), stream: true });
      for await (const chunk of chunks) expect(chunk.choices).toBeDefined();
    };
    await expect(read()).rejects.toThrow(APIError);
  });
});

test.each(late)("a stream that breaks off after its finish is whole: cut %s", async (_, at) => {
  dieAfter(cutAt(at));
  const { body } = await stream().answer;
  const data = eventData(body);
  expect(data.filter(hasError)).toEqual([]);
  expect(data.indexOf("[DONE]")).toBe(eventData(full).length - 1);
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
});

test("a stream beyond its endpoint's time limit ends with a time-out error", async () => {
  fleet.simulator("ap-a").setFault({ kind: "slow", factor: 50 });
  const { status, body, whole } = await stream({ max_tokens: 1_000 }, "ap-northeast").answer;
  fleet.simulator("ap-a").setFault({ kind: "none" });
  expect([status, whole]).toEqual([200, true]);
  const data = eventData(body);
  expect(JSON.parse(data.at(-2) ?? "")).toMatchObject({ error: { code: "upstream_timeout" } });
  expect(data.at(-1)).toBe("[DONE]");
  await fleet.until(
    async () => fleet.simulator("ap-a").stats.activeRequests,
    (active) => active === 0,
  );
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
});

describe("an answer that is not a stream", () => {
  test("and short: nothing of it was shown to anyone, so another endpoint gives it", async () => {
    dieAfter(100);
    const client = openaiOf(fleet, { place: freshPlace("us-east") });
    const { data, response } = await client.chat.completions.create({ ...request(), stream: false }).withResponse();
    expect(data.choices[0]?.finish_reason).toBe("length");
    expect(response.headers.get("x-warmpath-attempts")).toBe("2");
  });

  test("and long: the client sees a broken transfer and not a short answer", async () => {
    // So long a body is mostly prefill to the cost model, beside which the next region is as near: either may get it.
    const all = [...fleet.simulators.values()];
    for (const one of all) one.setFault({ kind: "die_after_bytes", bytes: 70_000, times: 1 });
    const before = requests();
    const { status, body, whole } = await rawCall(`${fleet.router.url}/p/main/raw`, {
      method: "PUT",
      headers: { authorization: `Bearer ${fleet.key}`, "x-warmpath-place": freshPlace("us-east") },
      body: Buffer.alloc(200_000, 46),
    }).answer;
    for (const one of all) one.setFault({ kind: "none" });
    expect([status, whole]).toEqual([200, false]);
    expect(body.length).toBeLessThanOrEqual(70_000);
    expect(requests()).toBe(before + 1);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });
});
