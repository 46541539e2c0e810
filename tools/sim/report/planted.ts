/**
 * `node tools/sim/report/planted.ts BUG SIM_SECONDS SEEDS_MAX`: a mistake in a shell that ships, and the first seed at which
 * the checkers find it, as one line of JSON: `{seed, rule, what, isCleanWithout}`, or `null`.
 *
 * Model. The simulator and all it runs are loaded a second time, under addresses that end in `?planted=BUG`. In that copy one
 * line of one module is another one as it is loaded, so what is found is found in the shell itself, and no shell has a switch.
 * A line that is not there, or there twice, ends the run: the bug must be written anew.
 * Rejected: wrapping the calls into the core (`sabotage.ts`), which cannot leave out what a shell does by itself.
 */
import { registerHooks } from "node:module";
import { invariant } from "../../../src/lib/invariant.ts";
import { runSeed } from "../production/soak.ts";
import { SHELL_BUGS, type ShellBug } from "../production/shell-bugs.ts";

const ROOT = new URL("../../../", import.meta.url);
/** What a copy is made of. */
const COPIED = ["src/", "tools/sim/production/", "tools/sim/world.ts"].map((path) => new URL(path, ROOT).href);
const MARK = "?planted=";

async function main([name = "", simSeconds = "15", seedsMax = "1000"]: readonly string[]): Promise<void> {
  const bug: ShellBug | undefined = new Map(Object.entries<ShellBug>(SHELL_BUGS)).get(name);
  invariant(bug !== undefined, `no such bug: ${name}`);
  plant(name, bug);
  const copy = new URL(`../production/soak.ts${MARK}${name}`, import.meta.url);
  const planted = (await import(copy.href)) as typeof import("../production/soak.ts");
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

function plant(name: string, { module, line, instead }: ShellBug): void {
  const target = new URL(module, ROOT).href + MARK + name;
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const isOfCopy = context.parentURL?.endsWith(MARK + name) === true;
      const isCopied = COPIED.some((path) => resolved.url.startsWith(path)) && !resolved.url.includes("?");
      return isOfCopy && isCopied ? { ...resolved, url: resolved.url + MARK + name } : resolved;
    },
    load(url, context, next) {
      const loaded = next(url, context);
      if (url !== target) return loaded;
      const source = String(loaded.source);
      invariant(source.split(line).length === 2, `${module} has this line not once: ${line}`);
      return { ...loaded, source: source.replace(line, instead) };
    },
  });
}

await main(process.argv.slice(2));
