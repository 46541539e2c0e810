/** A part that is taken out is really out, and nothing else is. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { PARTS } from "../../../tools/sim/report/ablation/ablation.ts";
import { withoutOf } from "../../../tools/sim/report/ablation/without.ts";
import { promptKey } from "../../../tools/sim/production/prompt-key.ts";
import type { AblationRow } from "../../../tools/sim/report/ablation-table.ts";
import { shippedScenarios } from "../../../tools/sim/report/files.ts";
import { ABLATION_RUN, readArgs } from "../../../tools/sim/report/args.ts";
import type { Requests } from "../../../tools/sim/workload.ts";
import { ranToEnd, scenarioOf, workloadOf } from "./worlds.ts";

const root = join(import.meta.dirname, "../../..");

describe("the parts", () => {
  test.each(PARTS)("$name has a module and a stand-in", ({ module, standIn }) => {
    expect(existsSync(join(root, module))).toBe(true);
    expect(existsSync(join(root, "tools/sim/report/ablation/stand-ins", standIn))).toBe(true);
  });

  test("are read from a module's address, and only there", () => {
    expect(withoutOf("file:///a/cost.ts?without=load")).toBe("load");
    expect(withoutOf("file:///a/cost.ts")).toBeNull();
  });
});

describe("an ablation of the command", () => {
  let folder = "";
  let output = "";
  let rows: ReadonlyMap<string, AblationRow> = new Map();
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "warmpath-ablation-"));
    const json = join(folder, "out.json");
    const options = "--ablation --scenario D --load 0.95 --seeds 1 --requests 2000".split(" ");
    output = execFileSync(process.execPath, [join(root, "tools/sim/main.ts"), ...options, "--json", json], {
      encoding: "utf8",
    });
    const { ablation } = JSON.parse(readFileSync(json, "utf8")) as { ablation: { rows: AblationRow[] }[] };
    rows = new Map(ablation[0]?.rows.map((row) => [row.without, row]));
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  test("prints one row for the whole core and one for each part", () => {
    const names = output.split("\n").map((line) => line.split(/\s{2,}/)[0]);
    expect(names.slice(1, 3 + PARTS.length)).toEqual(["without", "whole core", ...PARTS.map(({ name }) => name)]);
    expect(rows.get("whole core")).toMatchObject({ ratio: { p50: 1, p99: 1 }, spread: null, failed: 0, shed: 0 });
  });

  test.each(["net", "wait", "variance", "load", "risk", "plan", "early", "commit"])(
    "three regions near saturation are another world without %s",
    (name) => {
      expect(rows.get(name)?.ttftMs).not.toEqual(rows.get("whole core")?.ttftMs);
    },
  );

  test.each(["affinity", "cold", "prewarm", "credits", "avoid-region"])(
    "what that world does not come to changes nothing: %s",
    (name) => {
      expect(rows.get(name)?.ttftMs).toEqual(rows.get("whole core")?.ttftMs);
    },
  );

  test("the core earns its keep: without waiting everything is far worse", () => {
    expect(rows.get("wait")?.ratio.p50).toBeGreaterThan(1.2);
    expect(rows.get("wait")?.ratio.p99).toBeGreaterThan(2);
  });
});

describe("the command line", () => {
  test("of an ablation has scenarios and seeds of its own, and one more with a trace", () => {
    const { scenarios, seeds, traced } = ABLATION_RUN;
    const args = readArgs(["--ablation"]);
    expect(args.ok && args.value).toMatchObject({ scenarios, seeds, requests: null, without: PARTS });
    const withTrace = readArgs(["--without", "load,net", "--trace", "x.jsonl"]);
    expect(withTrace.ok && withTrace.value.scenarios).toEqual([...scenarios, traced]);
    expect(withTrace.ok && withTrace.value.without?.map(({ name }) => name)).toEqual(["net", "load"]);
    for (const name of [...scenarios, traced]) expect(shippedScenarios()).toContain(name);
  });

  test("refuses a part that there is not and says which there are", () => {
    const args = readArgs(["--without", "luck"]);
    expect(args.ok ? "" : args.error).toContain("--without: no such part: luck. Known: net, wait");
  });
});

describe("keys of simulated prompts", () => {
  const prompt = (promptTokens: number, ...blocks: number[]): Requests => ({
    count: 1,
    arrivalMs: Float64Array.of(0),
    region: Uint8Array.of(0),
    workMs: Float64Array.of(0),
    promptTokens: Int32Array.of(promptTokens),
    outputTokens: Int32Array.of(1),
    blockStart: Int32Array.of(0, blocks.length),
    blocks: Int32Array.from(blocks),
  });

  test.each([
    ["is the session where the blocks cover the prompt", prompt(1_200, 0, 7, 8), { key: "s 7", tokens: 1_200 }],
    ["is the beginning where only that is shared", prompt(3_000, 4, 5), { key: "p 4", tokens: 256, kind: "prefix" }],
    ["is the beginning of a prompt of one block", prompt(512, 3), { key: "p 3" }],
  ])("%s", (_, requests, key) => {
    expect(promptKey(requests, 0)).toMatchObject(key);
  });

  test.each([
    ["short", prompt(511, 1)],
    ["of which nothing is known", prompt(5_000)],
  ])("a prompt that is %s has none", (_, requests) => {
    expect(promptKey(requests, 0)).toBeNull();
  });

  test("change nothing, event by event, where prompts share nothing", async () => {
    const scenario = scenarioOf({ engine: { kind: "step" }, demand: LONG_PROMPTS, endpoints: PAIR });
    const drawn = workloadOf(scenario, { count: 500, seed: 5, load: 0.8 });
    const own = Array.from({ length: 501 }, (_, request) => request);
    // The first block of each is its own.
    const requests = {
      ...drawn.requests,
      blockStart: Int32Array.from(own),
      blocks: Int32Array.from(own.slice(0, 500)),
    };
    expect(promptKey(requests, 0)).not.toBeNull();
    const hash = async (): Promise<unknown> => {
      const { production } = await import("../../../tools/sim/production/router.ts");
      return (await ranToEnd(scenario, { ...drawn, requests }, production(), 5)).hash.read();
    };
    const keyed = await hash();
    vi.resetModules();
    vi.doMock("../../../tools/sim/production/prompt-key.ts", () => ({ promptKey: () => null }));
    const keyless = await import("../../../tools/sim/production/prompt-key.ts");
    expect(keyless.promptKey(requests, 0)).toBeNull();
    expect(await hash()).toBe(keyed);
  });
});

const LONG_PROMPTS = {
  promptTokens: { kind: "lognormal", mean: 2_000, sigma: 0.5 },
  outputTokens: { kind: "lognormal", mean: 100, sigma: 0.5 },
};
const PAIR = [{ region: "here", count: 2, slots: 32, id: "gpu" }];
