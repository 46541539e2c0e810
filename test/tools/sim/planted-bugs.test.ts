/**
 * The checkers find bugs: each planted one within 1,000 seeds, and nothing where none was planted.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { PLANTED_BUGS, type PlantedBug } from "../../../tools/sim/production/sabotage.ts";
import { SHELL_BUGS, type ShellBug } from "../../../tools/sim/production/shell-bugs.ts";
import { runSeed } from "../../../tools/sim/production/soak.ts";

const SEEDS_MAX = 1_000;

/** Short worlds have every kind of fault too, and a bug shows in the first of them. */
const SIM_SECONDS = 15;

/** The first seed that shows the bug as what it is, with what was found; null when none does. */
async function findBug(bug: PlantedBug): Promise<{ readonly seed: number; readonly what: string } | null> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const found = (await runSeed(seed, SIM_SECONDS, bug)).violations.find(({ rule }) => bug.breaks.includes(rule));
    if (found !== undefined) return { seed, what: found.what };
  }
  return null;
}

describe("the checkers", () => {
  test.each(Object.entries<PlantedBug>(PLANTED_BUGS))("find within 1,000 seeds: %s", async (_name, bug) => {
    const found = await findBug(bug);
    expect(found, bug.what).not.toBeNull();
    const without = await runSeed(found?.seed ?? 0, SIM_SECONDS);
    expect(without.violations, "the same seed is clean without the bug").toEqual([]);
  });

  test.each(Object.entries<ShellBug>(SHELL_BUGS))(
    "find within 1,000 seeds, in a shell that ships: %s",
    async (name, { what, breaks }) => {
      const program = join(import.meta.dirname, "../../../tools/sim/report/planted.ts");
      const args = [program, name, String(SIM_SECONDS), String(SEEDS_MAX)];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const found: unknown = JSON.parse(stdout);
      expect(found, what).toMatchObject({ isCleanWithout: true });
      expect(breaks, what).toContain((found as { readonly rule: string }).rule);
    },
  );

  test("are tried with at least twelve bugs", () => {
    expect(Object.keys(PLANTED_BUGS).length).toBeGreaterThanOrEqual(12);
  });
});
