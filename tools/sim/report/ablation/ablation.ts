/**
 * The production core without one of its parts, so that what each part is worth can be measured.
 *
 * Model. The router and all it imports are loaded a second time, under addresses that end in `?without=PART`. In that
 * copy one module is replaced by its stand-in from `stand-ins/`, which wraps the real one and sets a single thing to
 * nothing. So a part is really absent, for shards and edges alike, and the core has no switch for it.
 * Rejected: wrapping the calls into the core as `sabotage.ts` does, because the terms of the cost are summed deep
 * inside a call; and options through the core, which production would carry for the sake of a measurement.
 */
import { registerHooks } from "node:module";
import { invariant } from "../../../../src/lib/invariant.ts";
import type { RouterFactory } from "../../router.ts";
import { withoutOf, WITHOUT } from "./without.ts";

export type Part = {
  readonly name: string;
  /** What the core is like without it. */
  readonly about: string;
  /** The module that is replaced. */
  readonly module: string;
  readonly standIn: string;
};

const COST = { module: "src/routing/core/cost/cost.ts", standIn: "cost.ts" } as const;
const PLAN = { module: "src/routing/core/cost/plan.ts", standIn: "plan.ts" } as const;
const EDGE = { module: "src/routing/core/lease-client/edge-lease.ts", standIn: "edge-lease.ts" } as const;
const KEYS = { module: "tools/sim/production/prompt-key.ts", standIn: "prompt-key.ts" } as const;
const SCALE = { module: "src/routing/core/shard/shard-scale.ts", standIn: "shard-scale.ts" } as const;
const CREDITS = { module: "src/routing/core/shard/credits.ts", standIn: "credits.ts" } as const;

/** In the order of the tables. */
export const PARTS: readonly Part[] = [
  { name: "net", about: "distance costs nothing", ...COST },
  { name: "wait", about: "a full endpoint costs no wait", ...COST },
  { name: "variance", about: "a digest is taken as if it were exact", ...COST },
  { name: "load", about: "a busy engine is as fast as an idle one", ...COST },
  { name: "pre", about: "prompts cost nothing, cached or not", ...COST },
  { name: "affinity", about: "nobody names a session or prefix", ...KEYS },
  { name: "cold", about: "a cold start takes no time", ...COST },
  { name: "risk", about: "failures cost nothing; the breaker stays", ...COST },
  { name: "prewarm", about: "nothing is woken before a request needs it", ...SCALE },
  { name: "credits", about: "one lease a call", ...CREDITS },
  { name: "plan", about: "who finds no slot is bound at once, to the shortest wait", ...PLAN },
  { name: "early", about: "who finds no slot waits until one is free", ...PLAN },
  { name: "commit", about: "another region's shard is always asked first", ...EDGE },
  { name: "avoid-region", about: "a retry may go to the region that gave no answer", ...EDGE },
];

/** The production router without one of PARTS. */
export async function without(name: string): Promise<RouterFactory> {
  invariant(
    PARTS.some((part) => part.name === name),
    `no such part: ${name}`,
  );
  registerOnce();
  const copy = new URL(`../../production/router.ts?${WITHOUT}=${name}`, import.meta.url);
  const { production } = (await import(copy.href)) as typeof import("../../production/router.ts");
  return production();
}

const ROOT = new URL("../../../../", import.meta.url);
/** What a copy is made of. */
const COPIED = ["src/", "tools/sim/"].map((folder) => new URL(folder, ROOT).href);
const STAND_INS = new URL("stand-ins/", import.meta.url);

let isRegistered = false;

/** Imports of a module in a copy are of the same copy; other imports are left alone. */
function registerOnce(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const parent = context.parentURL ?? "";
      const name = withoutOf(parent);
      if (name === null || !COPIED.some((folder) => resolved.url.startsWith(folder))) return resolved;
      const part = PARTS.find((one) => one.name === name);
      const isReplaced = part !== undefined && resolved.url === new URL(part.module, ROOT).href;
      const isWrapped = parent.startsWith(STAND_INS.href);
      const url = isReplaced && !isWrapped ? new URL(part.standIn, STAND_INS).href : resolved.url;
      return { ...resolved, url: `${url}?${WITHOUT}=${name}` };
    },
  });
}
