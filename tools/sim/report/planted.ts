/**
 * `node tools/sim/report/planted.ts BUG SIM_SECONDS SEEDS_MAX`: a mistake in a shell that ships, and the first seed at which
 * the checkers find it, as one line of JSON: `{seed, rule, what, isCleanWithout}`, or `null`. `plant.ts` puts it in.
 */
import { invariant } from "../../../src/lib/invariant.ts";
import { runSeed } from "../production/soak.ts";
import { SHELL_BUGS, type ShellBug } from "../production/shell-bugs.ts";
import { plant } from "./plant.ts";

async function main([name = "", simSeconds = "15", seedsMax = "1000"]: readonly string[]): Promise<void> {
  const bug: ShellBug | undefined = new Map(Object.entries<ShellBug>(SHELL_BUGS)).get(name);
  invariant(bug !== undefined, `no such bug: ${name}`);
  const planted = (await import(plant(name, bug, "soak.ts"))) as typeof import("../production/soak.ts");
  for (let seed = 1; seed <= Number(seedsMax); seed += 1) {
    const { violations } = await planted.runSeed(seed, Number(simSeconds));
    const found = violations.find(({ rule }) => bug.breaks.includes(rule));
    if (found === undefined) continue;
    const without = await runSeed(seed, Number(simSeconds));
    const { rule, what } = found;
    console.log(JSON.stringify({ seed, rule, what, isCleanWithout: without.violations.length === 0 }));
    return;
  }
  console.log("null");
}

await main(process.argv.slice(2));
