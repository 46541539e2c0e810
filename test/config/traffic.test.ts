import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config-parse.ts";
import { configText, type Json } from "./config-sample.ts";

const read = (path: string, value: Json) => parseConfig(configText(path, value));

const problemsOf = (path: string, value: Json) => {
  const result = read(path, value);
  return result.ok ? [] : result.error;
};

const pool = (id: string, more: { [key: string]: Json } = {}): Json => ({
  endpoints: [{ id: `${id}-1`, region: "us", backend: "openai", url: "https://a.example.com" }],
  ...more,
});

describe("pools behind a pool", () => {
  test("are none by default, and stay in their order", () => {
    const result = read("pools", {
      a: pool("a", { fallback: ["c", "b"] }),
      b: pool("b"),
      c: pool("c"),
      llama: pool("l"),
    });
    expect(result.ok && [...result.value.pools.values()].map(({ id, fallback }) => [id, fallback])).toEqual([
      ["a", ["c", "b"]],
      ["b", []],
      ["c", []],
      ["llama", []],
    ]);
  });

  test.each<[string, Json, string, string | RegExp]>([
    ["itself", ["llama"], "pools.llama.fallback[0]", "this leads back to the pool itself: llama → llama"],
    ["one that there is not", ["smal"], "pools.llama.fallback[0]", "this pool is not declared"],
    ["one twice", ["small", "small"], "pools.llama.fallback[1]", "this pool is named before"],
    ["five", ["a", "b", "c", "d", "e"], "pools.llama.fallback", /4/],
  ])("are not %s", (_, value, path, problem) => {
    const found = problemsOf("pools.llama.fallback", value).find((one) => one.path === path);
    expect(found?.problem).toEqual(typeof problem === "string" ? problem : expect.stringMatching(problem));
  });

  test("lead nowhere back, over any number of pools", () => {
    const pools = {
      llama: pool("l", { fallback: ["b"] }),
      b: pool("b", { fallback: ["c"] }),
      c: pool("c", { fallback: ["llama"] }),
    };
    expect(problemsOf("pools", pools).map(({ path, problem }) => [path, problem])).toEqual([
      ["pools.llama.fallback[0]", "this leads back to the pool itself: llama → b → c → llama"],
      ["pools.b.fallback[0]", "this leads back to the pool itself: b → c → llama → b"],
      ["pools.c.fallback[0]", "this leads back to the pool itself: c → llama → b → c"],
    ]);
  });

  test("serve what is answered at once: neither from nor to a pool of jobs alone", () => {
    const jobs = { endpoints: [], jobs: { pull: true } };
    expect(problemsOf("pools", { llama: pool("l", { fallback: ["j"] }), j: jobs })[0]?.problem).toBe(
      "this pool takes jobs only",
    );
    expect(problemsOf("pools", { llama: pool("l"), j: { ...jobs, fallback: ["llama"] } })[0]).toMatchObject({
      path: "pools.j.fallback",
      fix: "remove it",
    });
  });
});

describe("a split", () => {
  test("belongs to its first pool, whoever has more weight", () => {
    const result = read("split", { chat: { llama: 5, small: 95 } });
    expect(result.ok && [result.value.poolIdByModel.get("chat"), result.value.splits.get("chat")]).toEqual([
      "llama",
      [
        { poolId: "llama", weight: 5 },
        { poolId: "small", weight: 95 },
      ],
    ]);
  });

  test("may have the name of a model of its first pool", () => {
    expect(problemsOf("split", { small: { small: 95, llama: 5 } })).toEqual([]);
  });

  test.each<[string, Json, string]>([
    ["one pool", { chat: { llama: 1 } }, "1 pools share it"],
    ["no weight", { chat: { llama: 0, small: 0 } }, "no pool has a weight"],
    ["a pool that there is not", { chat: { llama: 1, smal: 1 } }, "this pool is not declared"],
    ["another pool's model", { small: { llama: 1, small: 1 } }, 'this is a model of the pool "small"'],
  ])("is not of %s", (_, value, problem) => {
    expect(problemsOf("split", value).map((one) => one.problem)).toContain(problem);
  });

  test("is of eight pools and no nine", () => {
    const ids = Array.from({ length: 9 }, (_, nth) => `p${nth}`);
    const sharing = (count: number) => {
      const text = JSON.parse(configText()) as { [key: string]: Json };
      const pools = Object.fromEntries(["llama", ...ids].map((id) => [id, pool(id)]));
      const split = { chat: Object.fromEntries(ids.slice(0, count).map((id) => [id, 1])) };
      const result = parseConfig(JSON.stringify({ ...text, pools, split }));
      return result.ok ? [] : result.error.map(({ problem }) => problem);
    };
    expect([sharing(8), sharing(9)]).toEqual([[], ["9 pools share it"]]);
  });
});

describe("a shadow", () => {
  test("has bounds by default", () => {
    const result = read("pools.llama.shadow", { pool: "small", percent: 10 });
    expect(result.ok && result.value.pools.get("llama")?.shadow).toEqual({
      pool: "small",
      percent: 10,
      inFlightMax: 4,
      bodyBytesMax: 262_144,
      timeoutMs: 30_000,
    });
  });

  test.each<[Json, string]>([
    [{ pool: "llama", percent: 10 }, "a copy to the same pool tells nothing new"],
    [{ pool: "smal", percent: 10 }, "this pool is not declared"],
  ])("is not %o", (value, problem) => {
    expect(problemsOf("pools.llama.shadow", value).map((one) => one.problem)).toEqual([problem]);
  });

  test.each([0, 100.1])("is not %d percent of the requests", (percent) => {
    expect(problemsOf("pools.llama.shadow", { pool: "small", percent })[0]?.path).toBe("pools.llama.shadow.percent");
  });
});
