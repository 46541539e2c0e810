/** What a plan is for what there is, and that applying it leaves nothing to plan: against the provider's documented API. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config-parse.ts";
import { applyPlan } from "../../../tools/provider/apply.ts";
import {
  type Actual,
  type Plan,
  planOf,
  type Provider,
  replacesWorkers,
  type Wanted,
} from "../../../tools/provider/plan.ts";
import { type RunpodApi, runpodApi, waitMs } from "../../../tools/provider/runpod-api.ts";
import { RUNPOD_FAKE_KEY, type RunpodFake, startRunpodFake } from "../../support/runpod-api.ts";

let fake: RunpodFake;
let api: RunpodApi;
beforeEach(async () => {
  fake = await startRunpodFake();
  api = runpodApi(fake.url, RUNPOD_FAKE_KEY);
});
afterEach(async () => fake.close());

const PROVIDER: Provider = { image: "runpod/worker-vllm:1", gpuPools: ["ADA_24"] };

type Given = { readonly id: string; readonly provider?: Provider; readonly [member: string]: unknown };

function wantedOf(...endpoints: readonly Given[]): readonly Wanted[] {
  const full = endpoints.map(({ provider = PROVIDER, ...endpoint }) => ({
    region: "us",
    backend: "runpod-lb",
    url: "https://your-endpoint.api.runpod.ai",
    workers: { min: 1, max: 4 },
    ...endpoint,
    provider,
  }));
  const config = parseConfig(
    JSON.stringify({ regions: { us: { lat: 39, lon: -77, hint: "enam" } }, pools: { llama: { endpoints: full } } }),
  );
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const [pool] = config.value.pools.values();
  return (pool?.endpoints ?? []).map((endpoint, index) => ({ endpoint, provider: full[index]?.provider ?? {} }));
}

const SECRETS: Readonly<Record<string, string>> = { HF_TOKEN: "hf_secret-value" };
const secret = (name: string): string | null => SECRETS[name] ?? null;
const plan = async (wanted: readonly Wanted[]): Promise<Plan> => planOf(wanted, await api.list(), secret);

async function applied(wanted: readonly Wanted[]) {
  const { changes } = await plan(wanted);
  return applyPlan(api, changes, wanted, () => undefined);
}

const membersOf = ({ changes }: Plan): readonly string[] =>
  changes.flatMap(({ diffs }) => diffs.map(({ member }) => member));

describe("a plan", () => {
  test("of an endpoint that is not there makes it, and then there is nothing to do", async () => {
    const env = { MODEL_NAME: "m", HF_TOKEN: { secret: "HF_TOKEN" } } as const;
    const wanted = wantedOf({
      id: "us",
      idleTimeoutSeconds: 1_500,
      executionTimeoutMs: 60_000,
      provider: {
        ...PROVIDER,
        env,
        networkVolumes: ["vol1"],
        dataCenterIds: ["US-TX-3"],
        gpuCount: 2,
        flashboot: "FLASHBOOT",
        diskGb: 50,
      },
    });
    expect((await plan(wanted)).changes).toMatchObject([{ kind: "create", endpoint: "us", id: null }]);
    expect(await applied(wanted)).toMatchObject({ failed: null, left: [] });
    expect(fake.endpoints).toMatchObject([
      {
        name: "us",
        type: "LOAD_BALANCER",
        workers: { min: 1, max: 4, idleTimeout: 1_500 },
        scaling: { type: "REQUEST_COUNT", requestCount: 4 },
        gpu: { pools: ["ADA_24"], count: 2 },
        env: { MODEL_NAME: "m", HF_TOKEN: "hf_secret-value" },
        timeout: 60_000,
      },
    ]);
    expect(await plan(wanted)).toMatchObject({ changes: [], same: ["us"], problems: [], strangers: [] });
  });

  test.each([
    ["settings", { workers: { min: 2, max: 9 } }, {}, ["workers.min", "workers.max"]],
    ["settings", { idleTimeoutSeconds: 900 }, {}, ["idleTimeoutSeconds"]],
    ["settings", { executionTimeoutMs: 1_000 }, {}, ["executionTimeoutMs"]],
    ["settings", { scalerValue: 7 }, {}, ["scaler"]],
    ["workers", {}, { image: "runpod/worker-vllm:2" }, ["image"]],
    ["workers", {}, { gpuPools: ["ADA_24", "AMPERE_48"] }, ["gpu"]],
    ["workers", {}, { gpuCount: 2 }, ["gpuCount"]],
    ["workers", {}, { networkVolumes: ["v"] }, ["networkVolumes"]],
    ["workers", {}, { dataCenterIds: ["US-TX-3"] }, ["dataCenterIds"]],
    ["workers", {}, { flashboot: "FLASHBOOT" }, ["flashboot"]],
    ["workers", {}, { env: { A: "1" } }, ["env"]],
    ["workers", {}, { minCudaVersion: "12.8" }, ["minCudaVersion"]],
  ] as const)("tells a change of %s: %j %j", async (effect, members, provider, changed) => {
    await applied(wantedOf({ id: "us" }));
    const wanted = wantedOf({ id: "us", ...members, provider: { ...PROVIDER, ...provider } });
    const found = await plan(wanted);
    expect(membersOf(found)).toEqual(changed);
    expect(found.changes.map(replacesWorkers)).toEqual([effect === "workers"]);
    await applied(wanted);
    // As the provider itself counts it.
    expect(fake.endpoints[0]?.releases).toBe(effect === "workers" ? 2 : 1);
    expect((await plan(wanted)).changes).toEqual([]);
  });

  test("leaves alone what the config does not say, and endpoints that it does not name", async () => {
    await applied(wantedOf({ id: "us" }, { id: "other" }));
    const [own, other] = fake.endpoints;
    if (own === undefined || other === undefined) throw new Error("not made");
    fake.endpoints[0] = { ...own, flashboot: "FLASHBOOT", dataCenterIds: ["EU-NL-1"], env: { BY_HAND: "1" } };
    expect(await plan(wantedOf({ id: "us" }))).toMatchObject({ changes: [], same: ["us"], strangers: ["other"] });
  });

  test("finds an endpoint by the id in its URL, whatever its name is there", async () => {
    await applied(wantedOf({ id: "us" }));
    const [own] = fake.endpoints;
    const wanted = wantedOf({ id: "us-2", url: `https://${own?.id}.api.runpod.ai` });
    expect(await plan(wanted)).toMatchObject({ changes: [], same: ["us-2"] });
  });

  test("does not take one endpoint for two of the config", async () => {
    await applied(wantedOf({ id: "us" }));
    const url = `https://${fake.endpoints[0]?.id}.api.runpod.ai`;
    const { problems } = await plan(wantedOf({ id: "us", url }, { id: "eu", url }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("another endpoint's");
  });

  test("shows no secret, and says that one is not set", async () => {
    const env = { HF_TOKEN: { secret: "HF_TOKEN" } } as const;
    const { changes } = await plan(wantedOf({ id: "us", provider: { ...PROVIDER, env } }));
    expect(JSON.stringify(changes.map(({ diffs }) => diffs))).not.toContain("hf_secret-value");
    const unset = await plan(wantedOf({ id: "us", provider: { ...PROVIDER, env: { A: { secret: "NOT_SET" } } } }));
    expect(unset).toMatchObject({
      changes: [],
      problems: ["us: the variable A is the secret NOT_SET, which is not set"],
    });
  });

  test.each([
    [{ gpuPools: undefined }, "needs GPU pools"],
    [{ image: undefined }, "image"],
    [{ scaler: { type: "QUEUE_DELAY", value: 4 } }, "REQUEST_COUNT only"],
  ] as const)("says what a new endpoint lacks: %j", async (less, told) => {
    const { problems, changes } = await plan(wantedOf({ id: "us", provider: { ...PROVIDER, ...less } as Provider }));
    expect(changes).toEqual([]);
    expect(problems.join()).toContain(told);
  });

  test("says that none kept may still be one on standby", async () => {
    const { notes } = await plan(wantedOf({ id: "us", workers: { min: 0, max: 3 } }));
    expect(notes.join()).toContain("standby");
  });

  test("of a queue that scales by requests names no idle time, which would be refused", () => {
    const [one] = wantedOf({ id: "q", idleTimeoutSeconds: 999 });
    const actual: Actual = {
      id: "q1",
      name: "q",
      type: "QUEUE",
      image: "runpod/worker-vllm:1",
      gpu: { pools: ["ADA_24"], count: 1 },
      workers: { min: 1, max: 4 },
      scaling: { type: "REQUEST_COUNT", requestCount: 4 },
      dataCenterIds: [],
      networkVolumes: [],
      timeout: 300_000,
      flashboot: "OFF",
    };
    expect(planOf(one === undefined ? [] : [one], [actual], secret)).toMatchObject({ changes: [], same: ["q"] });
  });
});

describe("applying", () => {
  const three = (): readonly Wanted[] => wantedOf({ id: "a" }, { id: "b" }, { id: "c" });

  test("that fails in the middle tells what was done, what failed and what was not tried, and goes on next time", async () => {
    const { changes } = await plan(three());
    const stopped = await applyPlan(api, changes, three(), ({ endpoint }) => {
      if (endpoint === "b") fake.failNext = { status: 500 };
    });
    expect(stopped.done.map(({ change }) => change.endpoint)).toEqual(["a"]);
    expect(stopped.failed).toMatchObject({
      change: { endpoint: "b" },
      isUnknown: false,
      why: "HTTP 500: the provider says no",
    });
    expect(stopped.left.map(({ endpoint }) => endpoint)).toEqual(["c"]);
    expect((await plan(three())).changes.map(({ endpoint }) => endpoint)).toEqual(["b", "c"]);
    expect(await applied(three())).toMatchObject({ failed: null });
    expect(fake.endpoints.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  test("does not make an endpoint twice whose answer was lost", async () => {
    fake.failNext = "answer_lost";
    const { failed } = await applied(wantedOf({ id: "a" }));
    expect(failed).toMatchObject({ isUnknown: true });
    const again = wantedOf({ id: "a" });
    // The plan of before, applied anew.
    await applyPlan(api, planOf(again, [], secret).changes, again, () => undefined);
    expect(fake.endpoints).toHaveLength(1);
  });

  test("tells the provider's own words, fault by fault", async () => {
    const { changes } = await plan(wantedOf({ id: "a" }));
    const wrong = changes.map((change) => ({ ...change, body: { ...change.body, bogus: 1 } }));
    const { failed } = await applyPlan(api, wrong, [], () => undefined);
    expect(failed?.why).toMatch(/HTTP 422: Request validation failed\.: .*bogus/);
  });

  test("waits as long as the provider says when it asked too often", async () => {
    fake.failNext = { status: 429, headers: { "retry-after": "0" } };
    expect(await applied(wantedOf({ id: "a" }))).toMatchObject({ failed: null });
    expect(fake.calls.filter((call) => call.startsWith("POST"))).toHaveLength(2);
    expect(waitMs(new Headers({ ratelimit: '"minute";r=0;t=12, "hour";r=2800;t=1812' }))).toBe(12_000);
    expect(waitMs(new Headers({ "retry-after": "9999" }))).toBe(65_000);
    expect(waitMs(new Headers())).toBe(1_000);
  });

  test("with a wrong key is refused by name", async () => {
    await expect(runpodApi(fake.url, "wrong").list()).rejects.toMatchObject({ status: 401 });
  });
});
