/**
 * `node tools/sim/report/planted-policy.ts BUG`: what clients feel in a small world of a core that one changed line makes
 * worse, as a line of JSON; `harmless WORLD`: of one that a line makes another, and no worse.
 */
import { invariant } from "../../../src/lib/invariant.ts";
import { HARMLESS, POLICY_BUGS } from "./policy-bugs.ts";
import { figuresOf, SMALL_WORLDS, type SmallWorld } from "./small-worlds.ts";
import { plant } from "./plant.ts";

const [name = "", worldName] = process.argv.slice(2);
const bug = POLICY_BUGS[name];
const worlds = new Map<string, SmallWorld>(Object.entries(SMALL_WORLDS));
const world = worlds.get(worldName ?? bug?.world ?? "");
invariant(world !== undefined && (bug !== undefined || name === "harmless"), `no such bug, or world: ${name}`);
const { production } = (await import(
  plant(name, bug ?? HARMLESS, "router.ts")
)) as typeof import("../production/router.ts");
console.log(JSON.stringify(await figuresOf(world, production())));
