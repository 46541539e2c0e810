/** Streams that a client may come back to: in a Durable Object on raw workerd, over lost connections, isolates and a kill. */
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { createParser } from "eventsource-parser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { rawCall } from "../support/raw-client.ts";
import type { RawAnswer } from "../support/raw-client.ts";

const GRACE_MS = 400;
/** Slow enough that a client can leave in the midst of it, and come back. */
const SLOW = { ...ENGINE_PRESETS.fast, stepBaseMs: 25 };
const TOKENS = 60;

const stateDir = mkdtempSync(join(tmpdir(), "warmpath-resumable-"));
let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east", simulator: { engine: SLOW }, config: { protocols: ["chat"] } }],
    keys: [{ id: "same-tenant" }, { id: "other", tenant: "other" }],
    pool: {
      patienceMs: 5_000,
      rails: {
        output: [{ use: "regex", action: "redact", options: { patterns: [{ name: "stone", pattern: "stone" }] } }],
      },
    },
    config: { limits: { resumable: { graceMs: GRACE_MS, bytesMax: 1_048_576 } } },
    stateDir,
    siblings: 1,
  });
});
afterAll(async () => {
  await fleet.close();
  rmSync(stateDir, { recursive: true, force: true });
});

const body = (changes: object = {}) =>
  JSON.stringify({
    model: fleet.model,
    stream: true,
    max_tokens: TOKENS,
    messages: [{ role: "user", content: "x" }],
    ...changes,
  });

type Asked = { readonly key?: string; readonly headers?: Record<string, string>; readonly path?: string };

function post({ key = "test", headers = {}, path = "/v1/chat/completions" }: Asked = {}, sent = body()) {
  return rawCall(fleet.router.url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${fleet.keyOf(key)}`,
      "content-type": "application/json",
      "x-warmpath-resumable": "true",
      ...headers,
    },
    body: sent,
  });
}

function goOn(name: string, last: string | null, key = "test") {
  const headers = { authorization: `Bearer ${fleet.keyOf(key)}`, ...(last === null ? {} : { "last-event-id": last }) };
  return rawCall(`${fleet.router.url}/v1/streams/${name}`, { headers, body: "" }).answer;
}

type Event = { readonly id: string | undefined; readonly data: string };

function eventsOf(bytes: Buffer | string): Event[] {
  const events: Event[] = [];
  const parser = createParser({ onEvent: ({ id, data }) => events.push({ id, data }) });
  parser.feed(bytes.toString());
  return events;
}

const textOf = (events: readonly Event[]): string =>
  events
    .filter(({ data }) => data !== "[DONE]")
    .map(
      ({ data }) =>
        (JSON.parse(data) as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta?.content ?? "",
    )
    .join("");

const hasError = ({ data }: Event): boolean => data !== "[DONE]" && "error" in (JSON.parse(data) as object);

/** Reads until so many events are there, and loses the connection. */
async function lost(count: number, asked: Asked = {}): Promise<{ readonly name: string; readonly seen: Event[] }> {
  const exchange = post(asked);
  const { promise, resolve } = Promise.withResolvers<string>();
  exchange.request.on("response", ({ headers }) => resolve(String(headers["x-warmpath-stream"])));
  const name = await promise;
  await fleet.until(
    async () => eventsOf(exchange.received()).length,
    (events) => events >= count,
  );
  exchange.leave("reset");
  return { name, seen: eventsOf(exchange.received()) };
}

const uncut = async (): Promise<Event[]> => eventsOf((await post().answer).body);

describe("a stream that is asked for as resumable", () => {
  test("is named, and each of its events has a number, from one", async () => {
    const { headers, body: bytes, status, whole } = await post().answer;
    expect([status, whole]).toEqual([200, true]);
    const name = String(headers["x-warmpath-stream"]);
    expect(name).toMatch(/^rs_[0-9a-f]{48}$/);
    const events = eventsOf(bytes);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, at) => `${name}:${at + 1}`));
    expect(events.at(-1)?.data).toBe("[DONE]");
    // What is kept is what passed the rails.
    expect(textOf(events)).toContain("[REDACTED:stone]");
    expect(textOf(events)).not.toMatch(/ stone/);
  });

  test("costs nothing where nobody asks for it: no name, and the bytes as they are", async () => {
    const { headers, body: bytes } = await post({ headers: { "x-warmpath-resumable": "false" } }).answer;
    expect(headers["x-warmpath-stream"]).toBeUndefined();
    expect(eventsOf(bytes).every(({ id }) => id === undefined)).toBe(true);
  });

  test.each([1, 2, 7, 30, 55])("goes on exactly where its client lost it, after %i events", async (count) => {
    const whole = await uncut();
    const { name, seen } = await lost(count);
    const rest = await goOn(name, seen.at(-1)?.id ?? null);
    expect(rest.status).toBe(200);
    const joined = [...seen, ...eventsOf(rest.body)];
    expect(joined.map(({ id }) => id)).toEqual(whole.map((_, at) => `${name}:${at + 1}`));
    expect(textOf(joined)).toBe(textOf(whole));
    expect(joined.at(-1)?.data).toBe("[DONE]");
  });

  test("is asked for once, whoever comes back: the same request with Last-Event-ID generates nothing", async () => {
    const { name, seen } = await lost(5);
    const before = fleet.simulator("us-a").stats.requests;
    const again = await post({ headers: { "last-event-id": seen.at(-1)?.id ?? "" } }).answer;
    expect(again.headers["x-warmpath-stream"]).toBe(name);
    expect(textOf([...seen, ...eventsOf(again.body)])).toBe(textOf(await uncut()));
    expect(fleet.simulator("us-a").stats.requests).toBe(before + 1);
  });

  test("is found from another isolate", async () => {
    const { name, seen } = await lost(4);
    const rest = await new Promise<string>((resolve, reject) => {
      let text = "";
      const headers = { authorization: `Bearer ${fleet.key}`, "last-event-id": seen.at(-1)?.id };
      const socketPath = fleet.router.siblings?.[0];
      httpRequest({ socketPath, path: `/v1/streams/${name}`, headers, agent: false }, (response) => {
        response.on("data", (piece: Buffer) => (text += piece.toString()));
        response.on("end", () => resolve(text));
      })
        .on("error", reject)
        .end();
    });
    expect(textOf([...seen, ...eventsOf(rest)])).toBe(textOf(await uncut()));
  });

  test("is told again after its end, from the beginning where no event is named", async () => {
    const { headers, body: bytes } = await post().answer;
    const again = await goOn(String(headers["x-warmpath-stream"]), null);
    expect(again.body.equals(bytes)).toBe(true);
  });

  test.each([
    ["another tenant", "other"],
    ["another key of its tenant", "same-tenant"],
  ])("is never given to %s", async (_, key) => {
    const { headers, body: bytes } = await post().answer;
    const name = String(headers["x-warmpath-stream"]);
    const asked = [await goOn(name, null, key), await goOn(name, `${name}:3`, key)];
    asked.push(await post({ key, headers: { "last-event-id": `${name}:3` } }).answer);
    for (const answer of asked) {
      expect(answer.status).toBe(404);
      expect(answer.body.toString()).not.toContain(textOf(eventsOf(bytes)).slice(0, 20));
    }
  });

  test("works translated: Messages of an endpoint that speaks chat alone", async () => {
    const sent = JSON.stringify({
      model: fleet.model,
      stream: true,
      max_tokens: 20,
      messages: [{ role: "user", content: "x" }],
    });
    const whole = await post({ path: "/v1/messages" }, sent).answer;
    const events = eventsOf(whole.body);
    expect(events.at(-1)?.data).toContain("message_stop");
    const name = String(whole.headers["x-warmpath-stream"]);
    const rest = await goOn(name, `${name}:3`);
    expect(eventsOf(rest.body)).toEqual(events.slice(3));
  });

  test("is read by the unmodified openai package", async () => {
    const client = new OpenAI({
      apiKey: fleet.key,
      baseURL: `${fleet.router.url}/v1`,
      maxRetries: 0,
      defaultHeaders: { "x-warmpath-resumable": "true" },
    });
    let text = "";
    const chunks = await client.chat.completions.create({
      model: fleet.model,
      stream: true,
      max_tokens: TOKENS,
      messages: [{ role: "user", content: "x" }],
    });
    for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe(textOf(await uncut()));
  });
});

describe("within its bounds", () => {
  let small: Fleet;
  beforeAll(async () => {
    small = await startFleet({
      endpoints: [{ id: "us-a", region: "us-east", simulator: { engine: ENGINE_PRESETS.fast } }],
      pool: { patienceMs: 5_000 },
      config: { limits: { resumable: { retentionMs: 1_000, bytesMax: 4_096 } } },
    });
  });
  afterAll(() => small.close());

  const ask = async () =>
    small.call("/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json", "x-warmpath-resumable": "true" },
      body: JSON.stringify({ ...JSON.parse(body()), model: small.model }) as string,
    });
  const kept = async (name: string, after: number) => {
    const answer = await small.call(`/v1/streams/${name}?after=${after}`);
    return { status: answer.status, text: await answer.text() };
  };

  test("the newest events are kept; older ones are refused by name, and then all of it is forgotten", async () => {
    const answer = await ask();
    const name = answer.headers.get("x-warmpath-stream") ?? "";
    const events = eventsOf(await answer.text());
    expect(events.length).toBeGreaterThan(TOKENS);
    const first = await kept(name, 0);
    expect(first.status).toBe(404);
    expect(first.text).toContain("limits.resumable.bytesMax");
    const last = await kept(name, events.length - 2);
    expect(last.status).toBe(200);
    expect(eventsOf(last.text)).toEqual(events.slice(-2));
    const gone = async () => (await kept(name, events.length - 2)).status;
    await small.until(gone, (status) => status === 404);
  });
});

test("a fifth reader is served, and the oldest of the four before it is broken off", async () => {
  const { name, seen } = await lost(3);
  // One that is broken off before its first event has no answer at all.
  const isWhole = async (reading: Promise<RawAnswer>) => reading.then(({ whole }) => whole).catch(() => false);
  const readers = Array.from({ length: 5 }, async () => isWhole(goOn(name, seen.at(-1)?.id ?? null)));
  expect((await Promise.all(readers)).filter((whole) => !whole)).toHaveLength(1);
});

test("is counted once, as what it was", async () => {
  const requests = async () => {
    const text = await (await fleet.call("/metrics")).text();
    const lines = text.split("\n").filter((line) => line.startsWith("warmpath_requests_total{"));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  const fresh = async (): Promise<number> => {
    const seen = await requests();
    await new Promise((resolve) => setTimeout(resolve, 0));
    return seen;
  };
  // What came before is in the sums when one more has been seen to come in.
  await fleet.chat();
  const before = await settledAt(fresh);
  await (
    await post().answer
  ).body;
  expect(await settledAt(fresh, before)).toBe(before + 1);
});

/** Reports go out once a second: the sum that three looks in a row have, a look a second, once it is not `not`. */
async function settledAt(look: () => Promise<number>, not = -1): Promise<number> {
  let seen: number[] = [];
  await fleet.until(
    async () => (seen = [...seen, await look()]),
    (sums) => sums.length >= 200 && sums.at(-1) !== not && sums.slice(-200).every((sum) => sum === sums.at(-1)),
    30_000,
  );
  return seen.at(-1) ?? 0;
}

describe("what is wrong is refused by name", () => {
  const told = ({ body: bytes }: RawAnswer) =>
    (JSON.parse(bytes.toString()) as { error: { code: string; message: string } }).error;

  test.each([
    ["a value that is none", { "x-warmpath-resumable": "1" }, /must be "true" or "false"/],
    ["an id of somebody else's form", { "last-event-id": "7" }, /as it came/],
    ["what may become a job", { "x-warmpath-on-busy": "job" }, /x-warmpath-on-busy/],
  ])("%s", async (_, headers, message) => {
    const answer = await post({ headers }).answer;
    expect(answer.status).toBe(400);
    expect(told(answer).message).toMatch(message);
  });

  test("a number that nobody was given", async () => {
    const { headers } = await post().answer;
    const name = String(headers["x-warmpath-stream"]);
    expect((await goOn(name, `${name}:100000`)).status).toBe(400);
  });

  test("a path under /p", async () => {
    const answer = await post({ path: "/p/main/v1/chat/completions" }).answer;
    expect(answer.status).toBe(400);
    expect(told(answer).message).toMatch(/x-warmpath-resumable/);
  });

  test("an error of the request itself is answered as ever, and nothing is kept", async () => {
    const answer = await post({}, body({ model: "nobody" })).answer;
    expect([answer.status, answer.headers["x-warmpath-stream"]]).toEqual([404, undefined]);
  });
});

test("nobody comes back within the grace: the endpoint is told to stop, the lease is settled, and the rest is an error", async () => {
  const { name, seen } = await lost(5);
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  const rest = eventsOf((await goOn(name, seen.at(-1)?.id ?? null)).body);
  const joined = [...seen, ...rest];
  expect(joined.filter(hasError)).toHaveLength(1);
  expect(JSON.parse(joined.at(-2)?.data ?? "")).toMatchObject({ error: { code: "stream_lost" } });
  // It was stopped before its end.
  expect(textOf(joined).split(" ").length).toBeLessThan(TOKENS);
});

test("workerd is killed in the midst of it: who comes back gets an error event, and no clean end", async () => {
  const exchange = post();
  const { promise, resolve } = Promise.withResolvers<string>();
  exchange.request.on("response", ({ headers }) => resolve(String(headers["x-warmpath-stream"])));
  const name = await promise;
  await fleet.until(
    async () => eventsOf(exchange.received()).length,
    (events) => events >= 8,
  );
  await fleet.crash();
  expect((await exchange.answer).whole).toBe(false);
  const seen = eventsOf(exchange.received());
  const rest = await goOn(name, seen.at(-1)?.id ?? null);
  expect(rest.status).toBe(200);
  const told = eventsOf(rest.body);
  expect(told.filter(hasError)).toHaveLength(1);
  expect(JSON.parse(told.at(-2)?.data ?? "")).toMatchObject({ error: { code: "stream_lost" } });
  expect(told.at(-1)?.data).toBe("[DONE]");
});
