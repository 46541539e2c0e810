/** Each item of the checklist on a config that fails it, and a config that fails none. */
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config-parse.ts";
import { readJsonc } from "../../../src/config/config-text.ts";
import {
  diagnose,
  type Finding,
  hasErrors,
  type Question,
  sizeIn,
  type Written,
} from "../../../tools/doctor/diagnose.ts";

type Endpoint = Readonly<Record<string, unknown>>;

const GOOD: Endpoint = {
  id: "us",
  region: "us",
  backend: "runpod-lb",
  url: "https://abc123.api.runpod.ai",
  auth: { secret: "RUNPOD_API_KEY" },
  gpu: ["NVIDIA_H100_80GB_HBM3"],
  workers: { min: 1, max: 4 },
  concurrencyPerWorker: 50,
  idleTimeoutSeconds: 1_500,
  executionTimeoutMs: 120_000,
};

function ask(endpoints: readonly Endpoint[], question: Partial<Question> = {}, pool: object = {}): readonly Finding[] {
  const text = JSON.stringify({
    regions: { us: { lat: 39, lon: -77, hint: "enam" } },
    pools: { "llama-8b": { endpoints, ...pool } },
  });
  const config = parseConfig(text);
  const read = readJsonc(text);
  if (!config.ok || !read.ok) throw new Error(JSON.stringify(config));
  return diagnose({
    config: config.value,
    written: read.value.value as Written,
    profile: "production",
    concurrency: 200,
    secretsAt: [],
    testedAtMs: 1,
    ...question,
  });
}

const namesOf = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ level, name }) => `${level} ${name}`);

test("a good config of a load-balanced pool passes", () => {
  expect(ask([GOOD])).toEqual([]);
});

describe("an item that fails is named, with a reason and a fix", () => {
  const cases: readonly (readonly [string, readonly Endpoint[], Partial<Question>, object, readonly string[]])[] = [
    ["no GPU type", [{ ...GOOD, gpu: [] }], {}, {}, ["error gpu_any"]],
    ["any GPU type", [{ ...GOOD, gpu: ["ANY"] }], {}, {}, ["error gpu_any"]],
    ["a pool that scales to zero", [{ ...GOOD, workers: { min: 0, max: 4 } }], {}, {}, ["error no_warm_worker"]],
    [
      "an endpoint that scales to zero beside a warm one",
      [GOOD, { ...GOOD, id: "eu", workers: { min: 0, max: 4 } }],
      {},
      {},
      ["warning workers_min"],
    ],
    ["room for less than is expected", [GOOD], { concurrency: 201 }, {}, ["error workers_max_low"]],
    [
      "room that is not known",
      [{ ...GOOD, concurrencyPerWorker: undefined }],
      { concurrency: 201 },
      {},
      ["note room_unknown"],
    ],
    ["an expectation that nobody told", [GOOD], { concurrency: null }, {}, ["note concurrency_unknown"]],
    ["an idle time that is too short", [{ ...GOOD, idleTimeoutSeconds: 1_199 }], {}, {}, ["error idle_timeout"]],
    ["an idle time that is too long", [{ ...GOOD, idleTimeoutSeconds: 1_801 }], {}, {}, ["warning idle_timeout"]],
    [
      "the idle time of a queue, which may be shorter",
      [{ ...GOOD, idleTimeoutSeconds: 899 }],
      {},
      { jobs: { pull: true } },
      ["error idle_timeout"],
    ],
    [
      "no execution time-out",
      [{ ...GOOD, executionTimeoutMs: undefined }],
      {},
      {},
      ["warning execution_timeout_unset"],
    ],
    ["a large model without a volume", [GOOD], {}, { models: ["meta/Llama-3.1-70B"] }, ["warning no_network_volume"]],
    ["a secret in the file", [GOOD], { secretsAt: ["line 3"] }, {}, ["error secret_written"]],
    [
      "health that is asked through the load balancer",
      [{ ...GOOD, health: { path: "/ping" } }],
      {},
      {},
      ["error health_wakes"],
    ],
    ["a config that was never tried", [GOOD], { testedAtMs: null }, {}, ["warning not_tested"]],
    [
      "many GPU workers in development",
      [{ ...GOOD, idleTimeoutSeconds: 300 }],
      { profile: "development" },
      {},
      ["warning workers_max_high"],
    ],
    [
      "an idle time that is not development's",
      [{ ...GOOD, workers: { min: 0, max: 3 }, idleTimeoutSeconds: 301 }],
      { profile: "development", concurrency: 1 },
      {},
      ["warning idle_timeout"],
    ],
    [
      "a GPU worker that is always paid for, where cost counts",
      [{ ...GOOD, idleTimeoutSeconds: 600 }],
      { profile: "cost" },
      {},
      ["warning workers_min"],
    ],
    [
      "an idle time that costs",
      [{ ...GOOD, workers: { min: 0, max: 4 }, idleTimeoutSeconds: 601 }],
      { profile: "cost" },
      {},
      ["warning idle_timeout"],
    ],
  ];
  test.each(cases)("%s", (_, endpoints, question, pool, names) => {
    const found = ask(endpoints, question, pool);
    expect(namesOf(found)).toEqual(names);
    for (const { reason, fix } of found) {
      expect(reason.length).toBeGreaterThan(20);
      expect(fix.length).toBeGreaterThan(10);
    }
    expect(hasErrors(found)).toBe(names.some((name) => name.startsWith("error")));
  });
});

test("errors come before warnings, and those before notes", () => {
  const found = ask([{ ...GOOD, gpu: [], executionTimeoutMs: undefined }], { concurrency: null });
  expect(found.map(({ level }) => level)).toEqual(["error", "warning", "note"]);
});

test("a server that nobody scales is not held to what serverless GPUs need", () => {
  const own = { id: "home", region: "us", backend: "openai", url: "http://127.0.0.1:8000", executionTimeoutMs: 60_000 };
  expect(namesOf(ask([own], { concurrency: 1, profile: "cost" }))).toEqual(["note room_unknown"]);
});

test.each([
  ["meta-llama/Llama-3.1-70B-Instruct", 70],
  ["mixtral-8x22b", 176],
  ["qwen3-0.6b", 0.6],
  ["gpt-oss", 0],
  ["b200-model", 0],
])("%s has %d billion parameters by its name", (name, billions) => {
  expect(sizeIn(name)).toBe(billions);
});
