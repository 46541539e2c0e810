/**
 * Runs random worlds with the production core and all checkers: one seed, one world, one verdict.
 */
import { World } from "../world.ts";
import { Checkers } from "./checkers.ts";
import { CORE, type CoreCalls } from "./core-calls.ts";
import type { Violation } from "./ledger.ts";
import { randomWorld } from "./random-world.ts";
import { ProductionRouter } from "./router.ts";

/** What a planted bug may do: wrap the calls into the core, or the router. */
export type Sabotage = {
  readonly core?: (core: CoreCalls) => CoreCalls;
  readonly router?: (router: ProductionRouter) => void;
};

export type SeedVerdict = {
  readonly seed: number;
  /** Of every event of the run. */
  readonly hash: string;
  readonly violations: readonly Violation[];
  readonly requests: number;
  readonly attempts: number;
};

export async function runSeed(seed: number, simSeconds: number, sabotage: Sabotage = {}): Promise<SeedVerdict> {
  const { scenario, options, workload } = randomWorld(seed, simSeconds * 1_000);
  const world = new World({ scenario, workload, seed });
  const found: { checkers: Checkers | null } = { checkers: null };
  try {
    await world.run((given) => {
      const router = new ProductionRouter(given, {
        options,
        core: sabotage.core === undefined ? CORE : sabotage.core(CORE),
        watch: (its) => (found.checkers = new Checkers(its)),
      });
      router.onDrain = () => comeToRest(router, REST_MS_MAX, () => found.checkers?.atRest());
      sabotage.router?.(router);
      return router;
    });
  } catch (error) {
    found.checkers?.broken("crash", error instanceof Error ? error.message : "unknown");
  }
  return {
    seed,
    hash: world.hash.read(),
    violations: found.checkers?.violations ?? [],
    requests: workload.requests.count - 1,
    attempts: world.attempts.count,
  };
}

/** How often it is looked whether all requests are over, ms. */
const LOOK_MS = 1_000;

/** Then every lease must have ended within its life and this, ms: a flush, a failed call, the slow alarm. */
const REST_MS = 10_000;

/** No request takes longer than this, ms: two dispatches with their queues and the longest attempt. */
const REST_MS_MAX = 300_000;

/** Waits until every request is over and every lease may be, then gives the mark its outcome, and with it the run its end. */
function comeToRest(router: ProductionRouter, leftMs: number, atRest: () => void): void {
  const { wire, world, options, open, upstream } = router;
  if (leftMs > 0 && (open.size > 0 || upstream.running.size > 0)) {
    wire.later(LOOK_MS, () => comeToRest(router, leftMs - LOOK_MS, atRest));
    return;
  }
  wire.later(options.leaseTtlMs + REST_MS, () => {
    atRest();
    world.shed(world.requests.count - 1, 0);
  });
}

/** The command that runs this seed again. */
export function replayCommand(seed: number, simSeconds: number): string {
  return `npm run sim -- --soak 1 --seed ${seed} --sim-seconds ${simSeconds}`;
}
