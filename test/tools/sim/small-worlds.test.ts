/**
 * The policy is not worse than it was: what clients feel in small fixed worlds against the record beside this file; and a
 * change that makes it worse is found.
 *
 * A change that is meant to make it worse here, or has made it better, renews the record and says why:
 *   RENEW_FIGURES=1 npx vitest run --project unit test/tools/sim/small-worlds.test.ts
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { CoreCalls } from "../../../tools/sim/production/core-calls.ts";
import { CORE } from "../../../tools/sim/production/core-calls.ts";
import { PATIENT_QUEUE } from "../../../tools/sim/production/options.ts";
import { POLICY_BUGS } from "../../../tools/sim/report/policy-bugs.ts";
import { production, ProductionRouter } from "../../../tools/sim/production/router.ts";
import { figuresOf, SMALL_WORLDS } from "../../../tools/sim/report/small-worlds.ts";
import type { Figures, SmallWorld } from "../../../tools/sim/report/small-worlds.ts";
import { tooBad, worseBy } from "./worse.ts";

const FILE = join(import.meta.dirname, "small-worlds.json");
const PROGRAM = join(import.meta.dirname, "../../../tools/sim/report/planted-policy.ts");
const RENEW = "RENEW_FIGURES=1 npx vitest run --project unit test/tools/sim/small-worlds.test.ts";
const WORLDS = Object.entries<SmallWorld>(SMALL_WORLDS);

const records = (): Record<string, Figures> => JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Figures>;

function recordOf(name: string): Figures {
  const record = records()[name];
  if (record === undefined) throw new Error(`${name} has no record: ${RENEW}`);
  return record;
}

/** By how much the figures are worse than the record, and which of them by too much. */
function held(name: keyof typeof SMALL_WORLDS, figures: Figures) {
  const worse = worseBy(figures, recordOf(name));
  return { worse, tooBad: tooBad(worse, SMALL_WORLDS[name]) };
}

async function planted(...args: readonly string[]): Promise<Figures> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args]);
  return JSON.parse(stdout) as Figures;
}

describe.each(WORLDS)("in %s", (name, world) => {
  test("clients feel nothing worse than the record", { timeout: 300_000 }, async () => {
    const figures = await figuresOf(world, production());
    if (process.env["RENEW_FIGURES"] === "1")
      writeFileSync(FILE, `${JSON.stringify({ ...records(), [name]: figures }, null, 2)}\n`);
    const { worse, tooBad: found } = held(name as keyof typeof SMALL_WORLDS, figures);
    expect(found, `${JSON.stringify(worse)}; if that is meant: ${RENEW}`).toEqual([]);
  });
});

test.each(["one region", "long and short prompts", "documents"] as const)(
  "one more draw of the dice at each choice is not called worse in %s",
  { timeout: 300_000 },
  async (name) => {
    const { worse, tooBad: found } = held(name, await planted("harmless", name));
    expect(found, JSON.stringify(worse)).toEqual([]);
  },
);

describe("a change for the worse is found", () => {
  test.each(Object.entries(POLICY_BUGS))("%s", { timeout: 300_000 }, async (name, { what, world }) => {
    const { worse, tooBad: found } = held(world, await planted(name));
    expect(found, `${what}: ${JSON.stringify(worse)}`).not.toEqual([]);
  });

  /** One of an endpoint's eight slots is never used: no rule of the soak forbids that. */
  const slotForgotten = (core: CoreCalls): CoreCalls => ({
    ...core,
    createShard: (pool, ...rest) => {
      const endpoints = pool.endpoints.map((spec, index) =>
        index === 0 ? { ...spec, concurrencyPerWorker: (spec.concurrencyPerWorker ?? 1) - 1 } : spec,
      );
      return core.createShard({ ...pool, endpoints }, ...rest);
    },
  });

  test("one slot of 48 that is forgotten", { timeout: 300_000 }, async () => {
    const setup = { options: PATIENT_QUEUE, core: slotForgotten(CORE), watch: null };
    const figures = await figuresOf(SMALL_WORLDS["one region"], (world) => new ProductionRouter(world, setup));
    expect(held("one region", figures).tooBad).not.toEqual([]);
  });

  test.each(WORLDS)("a twentieth more of the mean in %s", (name, world) => {
    const record = recordOf(name);
    const worse = worseBy({ ...record, mean: record.mean.map((ms) => 1.05 * ms) }, record);
    expect(tooBad(worse, world)).toEqual(["mean"]);
  });

  test("a twentieth more of the p99 in one region", () => {
    const record = recordOf("one region");
    const worse = worseBy({ ...record, p99: record.p99.map((ms) => 1.05 * ms) }, record);
    expect(tooBad(worse, SMALL_WORLDS["one region"])).toEqual(["p99"]);
  });
});
