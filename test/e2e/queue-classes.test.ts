/** Classes and tenants at one busy pool: who goes first when a slot frees, and who is refused when not all can wait. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { engine, lineOf, SLOTS, startQueueFleet } from "../support/queue-fleet.ts";

const QUEUE_DEPTH_MAX = 5;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startQueueFleet(QUEUE_DEPTH_MAX, [
    { id: "heavy", tenant: "heavy" },
    { id: "small", tenant: "small" },
    { id: "vip", tenant: "heavy", priorityMax: "high" },
    { id: "ops", tenant: "heavy", scopes: ["infer", "admin"] },
  ]);
});
afterAll(() => fleet.close());

const shard = () => lineOf(fleet);

type Asked = { readonly key: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: object };

const ask = ({ key, headers = {}, body = {} }: Asked, signal?: AbortSignal) =>
  fleet.call("/v1/chat/completions", {
    method: "POST",
    place: "us-east",
    headers: { "content-type": "application/json", authorization: `Bearer ${fleet.keyOf(key)}`, ...headers },
    body: JSON.stringify({ model: fleet.model, max_tokens: 2, messages: [{ role: "user", content: "x" }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });

/** Takes every slot with streams of the heavy tenant, that go on until they are released. */
async function fill(): Promise<{ release: () => void }> {
  const holders = Array.from({ length: SLOTS }, () => new AbortController());
  for (const { signal } of holders) await ask({ key: "heavy", body: { stream: true, max_tokens: 30_000 } }, signal);
  await fleet.until(shard, ({ live }) => live === SLOTS);
  return { release: () => holders.forEach((holder) => holder.abort()) };
}

/** One after the other, each in the queue before the next one is sent. */
async function enqueue(all: readonly Asked[]): Promise<Promise<Response>[]> {
  const waiting: Promise<Response>[] = [];
  const { queued: before } = await shard();
  for (const [index, asked] of all.entries()) {
    waiting.push(ask(asked));
    await fleet.until(shard, ({ queued }) => queued === before + index + 1);
  }
  return waiting;
}

const idle = () => fleet.until(shard, ({ live, queued }) => live === 0 && queued === 0);

/** Lets the slots go and returns how many of those that waited were dispatched before the one at `index`. */
async function placeOf(index: number, waiting: readonly Promise<Response>[], release: () => void): Promise<number> {
  const before = fleet.simulator("us-a").stats.dispatchedIds.length;
  release();
  const answers = await Promise.all(waiting);
  expect(answers.map(({ status }) => status)).toEqual(waiting.map(() => 200));
  await idle();
  const id = answers[index]?.headers.get("x-request-id") ?? "";
  return fleet.simulator("us-a").stats.dispatchedIds.slice(before).indexOf(id);
}

const heavies = (count: number, headers: Asked["headers"] = {}): Asked[] =>
  Array.from({ length: count }, () => ({ key: "heavy", headers }));

describe("when every slot is taken", () => {
  test("one request of a tenant that had little goes before those that another one has waiting", async () => {
    const { release } = await fill();
    const waiting = await enqueue([...heavies(4), { key: "small" }]);
    // Slots free in pairs.
    expect(await placeOf(4, waiting, release)).toBeLessThan(SLOTS);
  });

  test("a request of a higher class overtakes those that came before, where its key may ask for one", async () => {
    const { release } = await fill();
    const waiting = await enqueue([...heavies(4), { key: "vip", headers: { "x-warmpath-priority": "high" } }]);
    expect((await shard()).queuedBy).toEqual({ high: 1, normal: 4, low: 0 });
    expect(await placeOf(4, waiting, release)).toBeLessThan(SLOTS);
  });

  test("a key that may not is served as normal, in its turn", async () => {
    const { release } = await fill();
    const waiting = await enqueue([...heavies(4), { key: "heavy", headers: { "x-warmpath-priority": "high" } }]);
    expect((await shard()).queuedBy).toEqual({ high: 0, normal: 5, low: 0 });
    expect(await placeOf(4, waiting, release)).toBeGreaterThanOrEqual(SLOTS);
  });

  test("a job that Runpod's clients call lowPriority waits in the low class, and another one does not behind it", async () => {
    const { release } = await fill();
    const run = async (policy: object): Promise<string> => {
      const body = JSON.stringify({ input: { prompt: "x", max_tokens: 2 }, policy });
      const init = { method: "POST", headers: { authorization: `Bearer ${fleet.keyOf("small")}` }, body };
      return ((await (await fleet.call("/v2/main/run", init)).json()) as { id: string }).id;
    };
    const ids = [await run({ lowPriority: true })];
    await fleet.until(shard, ({ queuedBy }) => queuedBy?.low === 1);
    ids.push(await run({}));
    await fleet.until(shard, ({ queuedBy }) => queuedBy?.normal === 1);
    expect((await shard()).queuedBy).toEqual({ high: 0, normal: 1, low: 1 });
    release();
    const headers = { authorization: `Bearer ${fleet.keyOf("small")}` };
    const stateOf = async (id: string) =>
      ((await (await fleet.call(`/v2/main/status/${id}`, { headers })).json()) as { status: string }).status;
    for (const id of ids) {
      await fleet.until(
        () => stateOf(id),
        (status) => status === "COMPLETED",
      );
    }
    await idle();
  });

  test("Priority lowers too, and the last of the lowest class is refused for one of a higher", async () => {
    const { release } = await fill();
    const low = heavies(QUEUE_DEPTH_MAX, { priority: "u=6" });
    const waiting = await enqueue(low);
    expect((await shard()).queuedBy).toEqual({ high: 0, normal: 0, low: QUEUE_DEPTH_MAX });
    const normal = ask({ key: "heavy" });
    const refused = await Promise.race(waiting);
    expect(refused.status).toBe(429);
    expect(((await refused.json()) as { error: { code: string } }).error.code).toBe("saturated");
    expect(Number(refused.headers.get("retry-after-ms"))).toBeGreaterThan(0);
    const oneMore = await ask({ key: "heavy", headers: { "x-warmpath-priority": "low" } });
    expect(oneMore.status).toBe(429);
    await fleet.until(shard, ({ queuedBy }) => queuedBy?.normal === 1 && queuedBy.low === QUEUE_DEPTH_MAX - 1);
    release();
    expect((await normal).status).toBe(200);
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    expect(statuses).toEqual([...Array.from({ length: QUEUE_DEPTH_MAX - 1 }, () => 200), 429]);
    await idle();
  });

  test("an operator sees where a request stands, before and after", async () => {
    const { release } = await fill();
    const [held] = await enqueue([
      { key: "ops", headers: { "x-warmpath-priority": "low", "x-warmpath-explain": "1" } },
    ]);
    const explained = await fleet.call("/admin/explain", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ pool: "main", place: "us-east", priority: "low" }),
    });
    const { line } = (await explained.json()) as { line: { waitMs: number } };
    expect(line).toMatchObject({ priority: "low", waiting: { high: 0, normal: 0, low: 1 }, ahead: 0 });
    expect(line.waitMs).toBeGreaterThan(0);
    const metrics = await (await fleet.call("/metrics")).text();
    expect(metrics).toMatch(/warmpath_queued_in_class\{pool="main",region="us-east",priority="low"\} 1\n/);
    release();
    const answer = await held;
    const decision = JSON.parse(answer?.headers.get("x-warmpath-decision") ?? "{}") as { line?: object };
    expect(decision.line).toMatchObject({ priority: "low", ahead: 0, expectedMs: expect.any(Number) as number });
    await idle();
  });
});

test("a class that there is not is refused in words, and nothing is sent", async () => {
  const { dispatchedIds } = fleet.simulator("us-a").stats;
  const before = dispatchedIds.length;
  const refused = await ask({ key: "vip", headers: { "x-warmpath-priority": "urgent" } });
  const { error } = (await refused.json()) as { error: { message: string; param: string } };
  expect([refused.status, error.param]).toEqual([400, "x-warmpath-priority"]);
  expect(error.message).toMatch(/high, normal, low/);
  expect(dispatchedIds.length).toBe(before);
});

test("a client that says how long it waits is refused at once where it would wait longer", async () => {
  const { release } = await fill();
  const waiting = await enqueue(heavies(3));
  const refused = await ask({ key: "heavy", headers: { "x-stainless-timeout": "1" } });
  expect(refused.status).toBe(429);
  release();
  await Promise.all(waiting);
  await idle();
});

test("a stream of a lower class that has no byte yet gives its place to a higher one, and is served after it", async () => {
  // The router counts two slots, of which the engine has one: the second request waits there without a byte.
  const narrow = await startFleet({
    keys: [{ id: "vip", tenant: "vip", priorityMax: "high" }],
    endpoints: [
      {
        id: "us-a",
        region: "us-east",
        simulator: { engine: { ...engine, maxNumSeqs: 1 } },
        config: { concurrencyPerWorker: SLOTS, queuesExcess: false },
      },
    ],
    pool: { patienceMs: 10_000, queueWaitMsMax: 60_000 },
  });
  try {
    const { dispatchedIds } = narrow.simulator("us-a").stats;
    const call = (headers: Readonly<Record<string, string>>, maxTokens: number, signal?: AbortSignal) =>
      narrow.call("/v1/chat/completions", {
        method: "POST",
        place: "us-east",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({
          model: narrow.model,
          stream: true,
          max_tokens: maxTokens,
          messages: [{ role: "user", content: "x" }],
        }),
        ...(signal === undefined ? {} : { signal }),
      });
    const low = { "x-warmpath-priority": "low" };
    const holder = new AbortController();
    await call(low, 30_000, holder.signal);
    const waits = call({ ...low, "x-request-id": "the-low-one" }, 2);
    await narrow.until(narrow.liveLeases, (leases) => leases === SLOTS);
    const vip = { authorization: `Bearer ${narrow.keyOf("vip")}`, "x-warmpath-priority": "high" };
    const high = call({ ...vip, "x-request-id": "the-high-one" }, 2);
    // The engine has only begun the first; the high one gets there all the same.
    const seen = async () => [...dispatchedIds];
    await narrow.until(seen, (ids) => ids.length === 3);
    holder.abort();
    const answers = await Promise.all([high, waits]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const ids = answers.map(({ headers }) => headers.get("x-request-id"));
    const order = (await seen()).filter((id) => ids.includes(id));
    expect(order).toEqual([ids[1], ids[0], ids[1]]);
    expect(answers[1]?.headers.get("x-warmpath-attempts")).toBe("1");
    await narrow.until(narrow.liveLeases, (leases) => leases === 0);
  } finally {
    await narrow.close();
  }
});
