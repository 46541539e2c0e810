/**
 * Loads the simulator and all it runs a second time, with one line of one module being another.
 *
 * Model. The copy's modules have addresses that end in `?planted=NAME`; in it the line is replaced as its module is loaded,
 * so what is found is found in what ships, and nothing that ships has a switch. A line that is not there, or there twice,
 * ends the run: the change must be written anew.
 * Rejected: wrapping the calls into the core (`sabotage.ts`), which cannot leave out what happens within one.
 */
import { registerHooks } from "node:module";
import { invariant } from "../../../src/lib/invariant.ts";

export type PlantedLine = { readonly module: string; readonly line: string; readonly instead: string };

const ROOT = new URL("../../../", import.meta.url);
/** What a copy is made of. */
const COPIED = ["src/", "tools/sim/production/", "tools/sim/world.ts"].map((path) => new URL(path, ROOT).href);
const MARK = "?planted=";

/** The address under which a module of `tools/sim/production/` is the copy's, from now on. */
export function plant(name: string, { module, line, instead }: PlantedLine, entry: string): string {
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
  return new URL(`tools/sim/production/${entry}${MARK}${name}`, ROOT).href;
}
