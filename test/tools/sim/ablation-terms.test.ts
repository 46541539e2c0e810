/** Each term of the cost earns its place: without it some world is worse, beyond what its seeds differ by. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AblationRow } from "../../../tools/sim/report/ablation-table.ts";
import { WHOLE } from "../../../tools/sim/report/ablation-table.ts";

const SIMULATOR = join(import.meta.dirname, "../../../tools/sim/main.ts");

/** Two of four fail at once, three times in five: seldom often enough in a row for the breaker. */
const flaky = {
  regions: ["here"],
  endpoints: [{ region: "here", count: 4, slots: 8, id: "gpu" }],
  demand: { workMs: { kind: "lognormal", mean: 2_000, sigma: 1 } },
  faults: [{ kind: "fail_fast", endpoints: ["gpu.0", "gpu.1"], share: 0.6, fromMs: 5_000, toMs: 1_000_000 }],
  loads: [0.3],
  requests: 2_000,
};

/** The near endpoint goes cold after half a minute without work, and takes 25 s to come back. */
const elastic = {
  regions: ["us-east", "eu-central"],
  endpoints: [
    { region: "us-east", slots: 8, startsCold: true, coldStartMs: 25_000, idleMs: 30_000 },
    { region: "eu-central", slots: 8 },
  ],
  demand: { workMs: { kind: "lognormal", mean: 2_000, sigma: 1 } },
  loads: [0.3],
  requests: 2_000,
};

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "warmpath-terms-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The rows of one ablation, by what is left out. */
function rowsOf(options: string): ReadonlyMap<string, AblationRow> {
  const json = join(folder, "out.json");
  execFileSync(process.execPath, [SIMULATOR, ...options.split(" "), "--json", json], { stdio: "ignore" });
  const { ablation } = JSON.parse(readFileSync(json, "utf8")) as { ablation: { rows: AblationRow[] }[] };
  return new Map(ablation[0]?.rows.map((row) => [row.without, row]));
}

function fileOf(scenario: object): string {
  const file = join(folder, "scenario.jsonc");
  writeFileSync(file, JSON.stringify(scenario));
  return file;
}

const isWorse = (row: AblationRow | undefined): boolean =>
  row !== undefined && row.difference.isReal && row.ratio.p99 > 1;

describe("the core earns its keep", { timeout: 180_000 }, () => {
  test("without distance or waiting the tail of three regions at half load is worse, beyond its spread", () => {
    const rows = rowsOf("--without net,wait --scenario C --load 0.5 --seeds 4 --requests 2000");
    expect(["net", "wait"].filter((name) => !isWorse(rows.get(name)))).toEqual([]);
    expect(rows.get("net")?.ratio.p50).toBeGreaterThan(1.2);
  });

  test("without the reading of prompts that of a chat on unequal engines is", () => {
    const rows = rowsOf("--without pre --scenario step-chat --load 0.6 --seeds 4 --requests 2000");
    expect(isWorse(rows.get("pre"))).toBe(true);
  });

  test("without the length of a cold start far more goes beside a near endpoint that sleeps, and comes later", () => {
    // One cold start more or less is a seed's whole tail: the middle and the way say it.
    const rows = rowsOf(`--without cold --scenario ${fileOf(elastic)} --seeds 6`);
    const [whole, bare] = [rows.get(WHOLE), rows.get("cold")];
    expect(bare?.ratio.p50).toBeGreaterThan(1.2);
    expect(bare?.crossRegion).toBeGreaterThan(3 * (whole?.crossRegion ?? Number.NaN));
  });

  test("without what failures cost half as many requests more are lost at endpoints that fail now and then", () => {
    const rows = rowsOf(`--without risk --scenario ${fileOf(flaky)} --seeds 4`);
    const [whole, bare] = [WHOLE, "risk"].map((name) => 4 * flaky.requests * (rows.get(name)?.failed ?? Number.NaN));
    expect(bare).toBeGreaterThan(1.5 * (whole ?? 0));
    // Counts that differ by more than four times the root of the larger one are no luck.
    expect((bare ?? 0) - (whole ?? 0)).toBeGreaterThan(4 * Math.sqrt(bare ?? 0));
  });
});
