import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { spectrumPeak } from "../../../tools/sim/oscillation.ts";
import { DEFAULT_RUN, readArgs } from "../../../tools/sim/report/args.ts";
import { ROUTERS } from "../../../tools/sim/policies/registry.ts";
import { createProgress } from "../../../tools/sim/report/progress.ts";

const main = join(import.meta.dirname, "../../../tools/sim/main.ts");

describe("the command line", () => {
  test("without options runs the reference scenarios with every policy", () => {
    const args = readArgs([]);
    expect(args.ok && args.value).toMatchObject({ ...DEFAULT_RUN, routers: ROUTERS, seed: null, loads: null });
  });

  test("with a scenario leaves its own figures alone", () => {
    const args = readArgs(["--scenario", "C", "--scenario", "D"]);
    expect(args.ok && args.value).toMatchObject({ scenarios: ["C", "D"], seeds: null, requests: null });
  });

  test("reads lists and numbers", () => {
    const args = readArgs(
      "--policy random,c3 --policy gorgo --load 0.5,0.7 --faults slow --seeds 3 --seed 0".split(" "),
    );
    expect(args.ok && args.value).toMatchObject({ loads: [0.5, 0.7], faults: ["slow"], seeds: 3, seed: 0 });
    expect(args.ok && args.value.routers.map(({ name }) => name)).toEqual(["random", "c3", "gorgo"]);
  });

  test.each([
    ["an unknown option", ["--polcy", "x"], "--polcy"],
    ["an unknown policy", ["--policy", "best"], "no such policy: best. Known: warmpath"],
    ["an unknown fault", ["--faults", "fire"], "no such fault: fire. Known: slow"],
    ["a load of nothing", ["--load", "0"], "--load must be a number from 0.001"],
    ["half a seed", ["--seeds", "1.5"], "--seeds must be a whole number"],
    ["no number", ["--requests", "many"], "not many"],
    ["an option without its value", ["--json"], "--json"],
    ["a stray word", ["A"], "A"],
  ])("refuses %s and says why", (_, argv, message) => {
    const args = readArgs(argv);
    expect(args.ok ? "" : args.error).toContain(message);
  });
});

describe("a run of the command", () => {
  let folder = "";
  let output = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "warmpath-sim-"));
    const options = "--scenario D --load 0.8 --policy expected-cost,nearest --seeds 2 --requests 2000".split(" ");
    const files = ["--svg", join(folder, "plot.svg"), "--json", join(folder, "out.json")];
    output = execFileSync(process.execPath, [main, ...options, ...files], { encoding: "utf8" });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("prints one row per policy and bound", () => {
    const rows = output.split("\n").map((line) => line.split(/\s{2,}/)[0]);
    expect(rows.slice(0, 8)).toEqual([
      "D at load 0.8: 2 seeds x 2000 requests from seed 68",
      expect.stringMatching(/^p99 of the optimum: \d+ \(no-queue\) to \d+ ms \(central-queue, /),
      "policy",
      "bound: no-queue",
      "clairvoyant: central-queue",
      "clairvoyant: ect",
      "expected-cost",
      "nearest",
    ]);
  });

  test("writes JSON of the documented shape", () => {
    const quantiles = {
      p50: expect.any(Number),
      p95: expect.any(Number),
      p99: expect.any(Number),
      p999: expect.any(Number),
    };
    expect(JSON.parse(readFileSync(join(folder, "out.json"), "utf8"))).toMatchObject({
      scenarios: [
        {
          name: "D",
          load: 0.8,
          seeds: 2,
          policies: ["expected-cost", "nearest"].map((name) => ({
            name,
            ttftMs: quantiles,
            ratioToBest: { p50: expect.any(Number), p99: expect.any(Number) },
            goodput: expect.any(Number),
            shed: 0,
            coldHits: 0,
            hashes: [expect.stringMatching(/^[0-9a-f]{8}$/), expect.stringMatching(/^[0-9a-f]{8}$/)],
          })),
        },
      ],
    });
  });

  test("draws every policy, in balanced markup", () => {
    const svg = readFileSync(join(folder, "plot.svg"), "utf8");
    for (const text of ["D at load 0.8", "expected-cost", "nearest"]) expect(svg).toContain(`>${text}</text>`);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    for (const tag of ["svg", "g", "text"]) {
      expect(svg.split(`<${tag} `).length).toBe(svg.split(`</${tag}>`).length);
    }
  });
});

test("a refusal names the problem on stderr and exits with 64", () => {
  const run = (): string =>
    execFileSync(process.execPath, [main, "--scenario", "no-such"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  expect(run).toThrow(expect.objectContaining({ status: 64, stderr: expect.stringContaining("Known: A, B, C, D") }));
});

test("the progress bar is silent where there is no terminal, and redraws at most ten times a second on one", () => {
  const written: string[] = [];
  const terminal = (isTTY: boolean) => ({ isTTY, write: (text: string) => written.push(text) });
  let now = 0;
  const quiet = createProgress(10, terminal(false), () => now);
  quiet.step("x");
  quiet.finish();
  expect(written).toEqual([]);
  const bar = createProgress(100, terminal(true), () => now);
  for (let step = 0; step < 100; step += 1) {
    now += 20;
    bar.step("work");
  }
  bar.finish();
  expect(written.length).toBeLessThanOrEqual(23);
  expect(written.at(-2)).toContain("100/100");
});

describe("the spectrum", () => {
  test("finds a limit cycle and its period", () => {
    const wave = Array.from({ length: 512 }, (_, at) => 0.3 + 0.1 * Math.sin((2 * Math.PI * at) / 16));
    expect(spectrumPeak(wave)).toEqual({ power: expect.closeTo(1, 6), periodS: 16 });
  });

  test("finds none in a constant, and nothing in nothing", () => {
    expect(spectrumPeak(Array.from({ length: 64 }, () => 0.25))).toEqual({ power: 0, periodS: 0 });
    expect(spectrumPeak([])).toEqual({ power: 0, periodS: 0 });
  });
});
