import { describe, expect, test } from "vitest";
import { loadScenario, shippedScenarios } from "../../../tools/sim/report/files.ts";
import { ENDPOINTS_MAX, parseScenario, REQUESTS_MAX, SLOTS_MAX } from "../../../tools/sim/scenario-parse.ts";

const least = {
  regions: ["us-east"],
  endpoints: [{ region: "us-east", slots: 8 }],
  demand: { workMs: { kind: "exponential", mean: 2000 } },
};

function problemsOf(fields: Readonly<Record<string, unknown>>): string {
  const parsed = parseScenario(JSON.stringify({ ...least, ...fields }), "file");
  return parsed.ok ? "" : parsed.error;
}

test.each(shippedScenarios())("the shipped scenario %s is valid and has its file's name", (name) => {
  const scenario = loadScenario(name);
  expect(scenario.ok ? scenario.value.name : scenario.error).toBe(name);
});

test("a file of three fields is a scenario, and the rest has defaults", () => {
  const scenario = parseScenario(JSON.stringify(least), "mine");
  expect(scenario.ok && scenario.value).toMatchObject({
    name: "mine",
    roundTripMs: [[10]],
    loads: [0.8, 0.95],
    engine: { kind: "slots", firstTokenShare: 0.05 },
    arrivals: { kind: "poisson" },
    endpoints: [{ id: "us-east-0", slots: 8, speed: 1, startsCold: false, idleMs: null }],
  });
});

test("round trips between known regions need not be given", () => {
  const scenario = parseScenario(JSON.stringify({ ...least, regions: ["us-east", "eu-central", "ap-northeast"] }), "x");
  expect(scenario.ok && scenario.value.roundTripMs).toEqual([
    [10, 92, 146],
    [92, 10, 223],
    [146, 223, 10],
  ]);
});

describe("a scenario is refused with the path of what is wrong", () => {
  test.each([
    ["a field that nobody knows", { slot: 1 }, "file: slot is not a field"],
    ["no endpoints", { endpoints: [] }, "endpoints must be"],
    ["an endpoint in no region", { endpoints: [{ region: "mars", slots: 1 }] }, "endpoints[0].region names no region"],
    ["two endpoints of one id", { endpoints: [0, 1].map(() => ({ ...least.endpoints[0], id: "a" })) }, "repeat an id"],
    ["too few round trips", { roundTripMs: [[1, 2]] }, "roundTripMs must be 1 rows of 1"],
    ["a region without figures", { regions: ["us-east", "mars"] }, "no figures for mars"],
    ["a region twice", { regions: ["us-east", "us-east"] }, "regions must not repeat"],
    ["demand for nobody", { demandByRegion: [0] }, "must not be all 0"],
    ["work for the step engine", { engine: { kind: "step" } }, "must give promptTokens and outputTokens"],
    ["bursts that leave nothing", { arrivals: { kind: "bursts", factor: 10, share: 0.1, burstMs: 1 } }, "below 1"],
    ["a fault at no endpoint", { faults: [{ kind: "slow", endpoints: ["x"] }] }, "known are us-east-0"],
    ["a fault of no kind", { faults: [{ kind: "odd" }] }, "faults[0].kind must be one of slow"],
    ["a lognormal without sigma", { demand: { workMs: { kind: "lognormal", mean: 1 } } }, "sigma is missing"],
  ])("%s", (_, fields, problem) => {
    expect(problemsOf(fields)).toContain(problem);
  });

  test("all problems are told at once", () => {
    expect(problemsOf({ loads: [-1], seeds: 0.5, name: 3 }).split("\n")).toHaveLength(3);
  });

  test("text that is no JSON", () => {
    const parsed = parseScenario("{", "file");
    expect(parsed.ok ? "" : parsed.error).toMatch(/^file: /);
  });
});

describe("bounds hold at the bound and not beyond it", () => {
  const endpoint = { region: "us-east", slots: 1 };
  test.each([
    ["requests", (value: number) => ({ requests: value }), REQUESTS_MAX],
    ["slots", (value: number) => ({ endpoints: [{ ...endpoint, slots: value }] }), SLOTS_MAX],
    ["endpoints", (value: number) => ({ endpoints: [{ ...endpoint, count: value }] }), ENDPOINTS_MAX],
    [
      "endpoints in sum",
      (value: number) => ({ endpoints: [{ ...endpoint, count: value - 1 }, endpoint] }),
      ENDPOINTS_MAX,
    ],
  ])("%s", (_, fields, max) => {
    expect(problemsOf(fields(max))).toBe("");
    expect(problemsOf(fields(max + 1))).not.toBe("");
  });
});

test("comments and trailing commas are read, and commas and slashes inside texts are left alone", () => {
  const text = `// a comment, with a comma
  { /* block */ "name": "a//b,]", "about": "say \\"/* no */\\"",
    "regions": ["us-east",], "endpoints": [{ "region": "us-east", "slots": 1, /* last */ }, ],
    "demand": { "workMs": { "kind": "fixed", "mean": 1 } }, // end
  }`;
  const parsed = parseScenario(text, "file");
  expect(parsed.ok ? [parsed.value.name, parsed.value.about] : parsed.error).toEqual(["a//b,]", 'say "/* no */"']);
});
