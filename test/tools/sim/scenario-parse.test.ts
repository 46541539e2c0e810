import { describe, expect, test } from "vitest";
import { loadScenario, shippedScenarios } from "../../../tools/sim/report/files.ts";
import { parseScenario } from "../../../tools/sim/report/scenario-parse.ts";
import {
  ENDPOINTS_MAX,
  FAULTS_MAX,
  LOADS_MAX,
  REQUESTS_MAX,
  SLOTS_MAX,
} from "../../../tools/sim/report/scenario-schema.ts";

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

describe("a scenario is refused with the place of what is wrong, and what to write", () => {
  test.each([
    ["a field that nobody knows", { requets: 1 }, "requets", "this key is not known here", 'mean "requests"?'],
    ["no endpoints", { endpoints: [] }, "endpoints", "below the minimum, 1 entries", "a list of 1 to 1024"],
    [
      "an endpoint in no region",
      { endpoints: [{ region: "us-eats", slots: 1 }] },
      "endpoints[0].region",
      "the file has no such region",
      'did you mean "us-east"?',
    ],
    [
      "two endpoints of one id",
      { endpoints: [0, 1].map(() => ({ ...least.endpoints[0], id: "a" })) },
      "endpoints",
      "two have the id a",
      "give each its own id",
    ],
    ["too few round trips", { roundTripMs: [[1, 2]] }, "roundTripMs", "not one row", "write 1 rows of 1 numbers"],
    ["too many rows", { roundTripMs: [[1], [2]] }, "roundTripMs", "not one row", "write 1 rows of 1 numbers"],
    ["a region without figures", { regions: ["us-east", "mars"] }, "roundTripMs", "no figures for mars", "us-west"],
    ["a region twice", { regions: ["us-east", "us-east"] }, "regions", "stands here twice", "keep one"],
    ["a region that is a number", { regions: [7] }, "regions[0]", "this is a number", 'or { "name": …'],
    ["too many shares", { demandByRegion: [1, 2] }, "demandByRegion", "not one number a region", "write 1 numbers"],
    ["demand for nobody", { demandByRegion: [0] }, "demandByRegion", "all are 0", "above 0"],
    ["no demand", { demand: {} }, "demand", "neither work nor tokens", "workMs, or promptTokens and outputTokens"],
    [
      "half of the tokens",
      { demand: { promptTokens: least.demand.workMs } },
      "demand",
      "neither work nor tokens",
      "workMs, or promptTokens and outputTokens",
    ],
    [
      "work and tokens",
      { demand: { ...least.demand, outputTokens: least.demand.workMs } },
      "demand",
      "neither work nor tokens",
      "workMs, or promptTokens and outputTokens",
    ],
    [
      "work for the step engine",
      { engine: { kind: "step" } },
      "demand",
      "the step engine serves tokens",
      "promptTokens and outputTokens",
    ],
    ["an engine of no kind", { engine: { kind: "odd" } }, "engine.kind", "not known", "known: slots, step"],
    [
      "bursts that leave nothing",
      { arrivals: { kind: "bursts", factor: 10, share: 0.1, burstMs: 1 } },
      "arrivals.factor",
      "nothing would be left",
      "below 1",
    ],
    ["arrivals of no kind", { arrivals: {} }, "arrivals.kind", '"kind" is missing here', "one of poisson, gamma"],
    [
      "a fault at no endpoint",
      { faults: [{ kind: "slow", endpoints: ["us-east-0", "x"] }] },
      "faults[0].endpoints[1]",
      "the file has no such endpoint",
      "known: us-east-0",
    ],
    [
      "a fault in no region",
      { faults: [{ kind: "evict", regions: ["x"] }] },
      "faults[0].regions[0]",
      "the file has no such region",
      "known: us-east",
    ],
    ["a fault of no kind", { faults: [{ kind: "odd" }] }, "faults[0].kind", "not known", "known: slow, fail_fast"],
    [
      "a window of two units",
      { faults: [{ kind: "outage", fromMs: 1, toShare: 0.5 }] },
      "faults[0]",
      "the window is given twice",
      "in ms or in shares",
    ],
    [
      "a lognormal without sigma",
      { demand: { workMs: { kind: "lognormal", mean: 1 } } },
      "demand.workMs.sigma",
      '"sigma" is missing here',
      "add it",
    ],
  ])("%s", (_, fields, path, problem, fix) => {
    const told = problemsOf(fields);
    const [where = "", , caret = "", remedy = ""] = told.split("\n");
    expect(where).toMatch(/^file:1:[0-9]+ /);
    expect(where.endsWith(` ${path}`)).toBe(true);
    expect(caret).toContain(problem);
    expect(remedy).toContain(fix);
    expect(told).toContain("\n1 problem in file\n");
  });

  test("all problems are told at once, in the order of the file", () => {
    const told = problemsOf({ loads: [-1], seeds: 0.5, name: 3 });
    expect(told.match(/^file:.*/gm)?.map((line) => line.split(" ")[1])).toEqual(["loads[0]", "seeds", "name"]);
    expect(told).toContain("write a number from 0.001 to 100");
    expect(told).toContain("write a whole number from 1 to 10000");
  });

  test.each([
    ["text that is no JSON", "{", "file:1:2", 'close the object with "}"'],
    ["a missing comma", '{\n  "seeds": 1\n  "seed": 2\n}', "file:3:3", 'write "," between the two'],
    ["a field twice", '{ "seeds": 1,\n "seeds": 2 }', "file:2:2", "the second would silently win"],
    ["a list", "[]", "file:1:1", 'write an object, "{ … }"'],
  ])("%s", (_, text, where, fix) => {
    const parsed = parseScenario(text, "file");
    expect(parsed.ok ? "" : parsed.error).toContain(where);
    expect(parsed.ok ? "" : parsed.error).toContain(fix);
  });
});

describe("bounds hold at the bound and not beyond it", () => {
  const endpoint = { region: "us-east", slots: 1 };
  test.each([
    ["requests", (value: number) => ({ requests: value }), REQUESTS_MAX],
    ["loads", (value: number) => ({ loads: Array.from({ length: value }, () => 1) }), LOADS_MAX],
    ["faults", (value: number) => ({ faults: Array.from({ length: value }, () => ({ kind: "cold" })) }), FAULTS_MAX],
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
