/**
 * The policy is not worse than it was: p99 in small fixed worlds against the record beside this file.
 *
 * A change that is meant to make it worse here, or has made it better, renews the record and says why:
 *   RENEW_P99=1 npx vitest run --project unit test/tools/sim/small-worlds.test.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CoreCalls } from "../../../tools/sim/production/core-calls.ts";
import { p99sOf, SMALL_WORLDS, worseBy } from "./small-worlds.ts";

const FILE = join(import.meta.dirname, "small-worlds.json");
const RENEW = "RENEW_P99=1 npx vitest run --project unit test/tools/sim/small-worlds.test.ts";

const recordOf = (): Record<string, number[] | undefined> =>
  JSON.parse(readFileSync(FILE, "utf8")) as Record<string, number[] | undefined>;

describe.each(Object.entries(SMALL_WORLDS))("in %s", (name, world) => {
  test("the p99 is not above its record", { timeout: 300_000 }, async () => {
    const p99s = await p99sOf(world);
    const record = recordOf();
    if (process.env["RENEW_P99"] === "1")
      writeFileSync(FILE, `${JSON.stringify({ ...record, [name]: p99s }, null, 2)}\n`);
    const worse = worseBy(p99s, recordOf()[name] ?? []);
    expect(worse, `p99s are ${p99s.join(", ")} ms; if that is meant: ${RENEW}`).toBeLessThanOrEqual(world.tolerance);
  });
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

test("one slot of 48 that is forgotten is found", { timeout: 300_000 }, async () => {
  const world = SMALL_WORLDS["one region"];
  const worse = worseBy(await p99sOf(world, slotForgotten), recordOf()["one region"] ?? []);
  expect(worse).toBeGreaterThan(world.tolerance);
});

test("a p99 that is 5 % above its record is too much in one region", () => {
  const record = recordOf()["one region"] ?? [];
  const worse = worseBy(
    record.map((p99) => 1.05 * p99),
    record,
  );
  expect(worse).toBeCloseTo(0.05, 6);
  expect(worse).toBeGreaterThan(SMALL_WORLDS["one region"].tolerance);
});
