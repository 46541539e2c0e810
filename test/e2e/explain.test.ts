/** Why a request goes where it goes: asked by an operator, told with an answer, and with no shard to ask. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildWorker } from "../../tools/cli/build.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import type { Explanation } from "../../src/routing/core/cost/explain.ts";
import { DECISION_BYTES_MAX } from "../../src/gateway/admin/decision-header.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet, FleetPlan } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";

type Told = Explanation & {
  readonly pool: string;
  readonly shard: string;
  readonly client: { readonly lat: number; readonly lon: number } | null;
  readonly inputTokens: number;
  readonly shardMs: number | null;
  readonly patienceMs: number;
};
type Decision = {
  readonly endpoint: string;
  readonly reason: string;
  readonly attempts: number;
  readonly chosen: string;
  readonly candidates: readonly {
    readonly endpoint: string;
    readonly terms: Readonly<Record<string, number>>;
    readonly why: string;
  }[];
};

const DECISION = "x-warmpath-decision";
const TERMS = ["cold", "load", "net", "pre", "risk", "wait"];
const json = { "content-type": "application/json" };
const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 10 };
const PLAN: FleetPlan = {
  keys: [{ id: "user", scopes: ["infer"] }],
  endpoints: [
    { id: "us-a", region: "us-east", simulator: { engine }, config: { concurrencyPerWorker: 2 } },
    { id: "eu-a", region: "eu-west", simulator: { engine } },
    {
      id: "ap-a",
      region: "ap-northeast",
      simulator: { engine, startState: "cold" },
      // The one kind of endpoint that can tell cold from down.
      config: {
        backend: "runpod-lb",
        health: { path: "/v2/ap-a/health" },
        workers: { min: 0, max: 1 },
        coldStartMs: 25_000,
      },
    },
  ],
  pool: { patienceMs: 5_000 },
};

const post = (fleet: Fleet, body: unknown, headers: Record<string, string> = {}) =>
  fleet.call("/admin/explain", { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });

async function ask(fleet: Fleet, question: Readonly<Record<string, unknown>> = {}): Promise<Told> {
  const response = await post(fleet, { pool: "main", place: "us-east", ...question });
  const text = await response.text();
  expect([response.status, text]).toEqual([200, text]);
  return JSON.parse(text) as Told;
}

const whyOf = ({ candidates }: Told, id: string) => candidates.find(({ endpointId }) => endpointId === id)?.why;

/** A request that asks for its own decision; the answer is read to its end. */
async function explained(fleet: Fleet, place: string, headers: Record<string, string> = {}) {
  const body = JSON.stringify({ model: fleet.model, max_tokens: 1, messages: [{ role: "user", content: "x" }] });
  const init = { method: "POST", headers: { ...json, "x-warmpath-explain": "1", ...headers }, body };
  const response = await fleet.call("/v1/chat/completions", { ...init, place });
  await response.text();
  const header = response.headers.get(DECISION);
  return { response, header, decision: header === null ? null : (JSON.parse(header) as Decision) };
}

describe("a live fleet", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ ...PLAN, config: { cors: { allowOrigin: "https://app.example" } } });
    // The shards have looked at their endpoints once.
    await fleet.until(
      () => fleet.shards(true),
      (shards) => shards.every(({ reachable }) => reachable),
    );
  });
  afterAll(() => fleet.close());

  test("tells every candidate, every term in ms, and what each lost to", async () => {
    const told = await ask(fleet, { inputTokens: 160 });
    expect(told).toMatchObject({
      pool: "main",
      shard: "pool:main:us-east",
      client: { lat: 39, lon: -77.5 },
      inputTokens: 160,
      patienceMs: 5_000,
      source: "shard",
      region: "us-east",
      decision: { kind: "chosen", endpointId: "us-a", region: "us-east", reason: "nearest_warm" },
      panic: false,
    });
    expect(told.shardMs).toBeGreaterThanOrEqual(0);
    expect(told.candidates.map(({ endpointId, chosen }) => [endpointId, chosen])).toEqual([
      ["us-a", true],
      ["eu-a", false],
      ["ap-a", false],
    ]);
    for (const { terms, totalMs } of told.candidates) {
      expect(Object.keys(terms).sort()).toEqual(TERMS);
      expect(Object.values(terms).reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(totalMs, 6);
    }
    expect(told.candidates[0]?.terms.pre).toBeGreaterThan(0);
    expect(whyOf(told, "us-a")).toBe("chosen: no warm endpoint is nearer");
    expect(whyOf(told, "eu-a")).toMatch(/^\d+ ms farther/);
    expect(whyOf(told, "ap-a")).toBe("cold: 25,000 ms");
  });

  test("is asked for a model, for any place, and without endpoints that were tried", async () => {
    const told = await ask(fleet, { pool: null, model: fleet.model, place: "50.1,8.7", excluded: ["eu-a"] });
    expect(told).toMatchObject({ shard: "pool:main:eu-west", decision: { kind: "chosen", endpointId: "us-a" } });
    expect(whyOf(told, "eu-a")).toBe("excluded: this request has tried it");
  });

  test("is not changed by being asked: no lease, no wake-up, no request at any endpoint", async () => {
    const requests = () => [...fleet.simulators.values()].map(({ stats }) => stats.dispatchedIds.length);
    const before = requests();
    for (let times = 0; times < 5; times++) await ask(fleet, { excluded: ["us-a", "eu-a"] });
    expect([requests(), await fleet.liveLeases()]).toEqual([before, 0]);
    expect(whyOf(await ask(fleet), "ap-a")).toMatch(/^cold: /);
  });

  test("tells that an endpoint is full, and spills by what its peers told", async () => {
    const holders = [new AbortController(), new AbortController()];
    for (const { signal } of holders) await fleet.chat({ stream: true, maxTokens: 30_000, signal });
    const told = await fleet.until(
      () => ask(fleet),
      ({ decision, digestAgesMs }) =>
        decision.kind === "chosen" && decision.endpointId === "eu-a" && "eu-west" in digestAgesMs,
    );
    expect(told.decision).toMatchObject({ kind: "chosen", reason: "spill" });
    expect(whyOf(told, "us-a")).toMatch(/^full: 2 of 2, a slot in [\d,]+ ms$/);
    const far = told.candidates.find(({ endpointId }) => endpointId === "eu-a");
    expect([far?.toldBy, far?.ageMs]).toEqual(["digest", told.digestAgesMs["eu-west"]]);
    for (const holder of holders) holder.abort();
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  test.each<[name: string, body: unknown, status: number, param: string | null, says: RegExp]>([
    ["no pool", {}, 400, "model", /required/],
    ["an unknown model", { model: "nobody" }, 404, "model", /GET \/v1\/models/],
    ["a place that is none", { pool: "main", place: "Paris" }, 400, "place", /us-east, eu-west, ap-northeast/],
    ["another endpoint's id", { pool: "main", excluded: ["x"] }, 400, "excluded[0]", /us-a, eu-a, ap-a/],
    ["a misspelt field", { pool: "main", inputTokns: 1 }, 400, "inputTokns", /no field of this name/],
    ["no JSON", null, 400, null, /./],
  ])("refuses %s by its field", async (_, body, status, param, says) => {
    const response = await post(fleet, body);
    const { error } = (await response.json()) as { error: { message: string; param: string | null } };
    expect([response.status, error.param]).toEqual([status, param]);
    expect(error.message).toMatch(says);
  });

  test("refuses a question that is larger than any can be", async () => {
    expect((await post(fleet, { pool: "main", place: "x".repeat(70_000) })).status).toBe(413);
  });

  test("explains nothing to a key that may only infer", async () => {
    const response = await post(fleet, { pool: "main" }, { authorization: `Bearer ${fleet.keyOf("user")}` });
    const { error } = (await response.json()) as { error: { code: string } };
    expect([response.status, error.code]).toEqual([403, "forbidden"]);
  });

  test("tells the decision with the answer, when the request asks for it", async () => {
    const { response, header, decision } = await explained(fleet, freshPlace("us-east"));
    expect(response.status).toBe(200);
    expect(header).toMatch(/^[ -~]+$/);
    expect(header?.length).toBeLessThanOrEqual(DECISION_BYTES_MAX);
    expect(decision).toMatchObject({ endpoint: "us-a", chosen: "us-a", reason: "nearest_warm", attempts: 1 });
    expect(decision?.candidates.map(({ endpoint }) => endpoint).sort()).toEqual(["ap-a", "eu-a", "us-a"]);
    for (const { terms } of decision?.candidates ?? []) expect(Object.keys(terms).sort()).toEqual(TERMS);
    expect(response.headers.get("access-control-expose-headers")).toContain(DECISION);
  });

  test("tells it of the attempt that answered, with the one before it among the losers", async () => {
    fleet.simulator("us-a").setFault({ kind: "reset", times: 1 });
    const { decision } = await explained(fleet, freshPlace("us-east"));
    expect(decision).toMatchObject({ endpoint: "eu-a", reason: "failover", attempts: 2 });
    const tried = decision?.candidates.find(({ endpoint }) => endpoint === "us-a");
    expect(tried?.why).toBe("excluded: this request has tried it");
  });

  test("tells it to nobody who did not ask", async () => {
    const response = await fleet.chat({ place: freshPlace("us-east") });
    expect([response.status, response.headers.has(DECISION)]).toEqual([200, false]);
  });
});

describe("outside of development", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ ...PLAN, bindings: { WARMPATH_DEV: "0" } });
  });
  afterAll(() => fleet.close());

  test("only a key with the scope admin gets the decision", async () => {
    const user = await explained(fleet, "us-east", { authorization: `Bearer ${fleet.keyOf("user")}` });
    expect([user.response.status, user.header]).toEqual([200, null]);
    expect((await explained(fleet, "us-east")).decision).toMatchObject({ attempts: 1 });
  });

  test("a question without a place is explained for where it came from, which a laptop does not tell", async () => {
    const told = await ask(fleet, { place: null });
    expect(told).toMatchObject({ client: null, source: "shard", decision: { kind: "chosen" } });
  });
});

describe.each(["throw", "hang"] as const)("a fleet whose shards cannot be reached (%s)", (how) => {
  const dir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
  const bundlePath = join(dir, "worker.js");
  beforeAll(async () => {
    await buildWorker({ entry: join(import.meta.dirname, "../objects/broken-shard.ts"), outfile: bundlePath });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  let fleet: Fleet | null = null;
  const startBroken = async (fromStart: boolean): Promise<Fleet> => {
    const bindings = { SHARD_FAULT: how, SHARD_BROKEN: fromStart ? "1" : "0" };
    fleet = await startFleet({ ...PLAN, bundlePath, bindings, pool: { patienceMs: fromStart ? 50 : 5_000 } });
    return fleet;
  };
  afterEach(async () => {
    await fleet?.close();
    fleet = null;
  });

  test("is explained from the configuration, as its requests are decided", async () => {
    const router = await startBroken(true);
    const told = await ask(router);
    expect(told).toMatchObject({ source: "static", region: null, shardMs: null, digestAgesMs: {} });
    expect(told.decision).toMatchObject({ kind: "chosen", endpointId: "us-a" });
    expect(told.candidates.map(({ toldBy, ageMs }) => [toldBy, ageMs])).toEqual(
      told.candidates.map(() => ["config", null]),
    );
    const { decision } = await explained(router, "us-east");
    expect(decision).toMatchObject({ endpoint: "us-a", reason: "static" });
    expect(decision?.candidates[0]?.why).toMatch(/^chosen without a shard/);
  });

  test("is explained from the last snapshot, with its age, when it was reachable before", async () => {
    const router = await startBroken(false);
    expect((await router.chat({ place: freshPlace("us-east") })).status).toBe(200);
    await router.call("/admin/shards/main/us-east/restart", { method: "POST" });
    const told = await ask(router);
    expect(told).toMatchObject({ source: "snapshot", region: "us-east", shardMs: null });
    const near = told.candidates.find(({ endpointId }) => endpointId === "us-a");
    expect([near?.toldBy, near?.chosen]).toEqual(["owner", true]);
    expect(near?.ageMs).toBeGreaterThanOrEqual(0);
  });
});
