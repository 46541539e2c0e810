/**
 * The checkers' own account of every lease of a run, kept apart from the tables of the core so that the two can disagree,
 * and the list of what was broken.
 */
import type { Grant } from "../../../src/routing/core/shard-messages.ts";
import type { SimAttempt } from "./requests.ts";
import type { ProductionRouter } from "./router.ts";
import type { Rule } from "./rules-broken.ts";

/** Violations kept of a run; the first one is what matters. */
const VIOLATIONS_MAX = 20;

export type LeaseFacts = {
  readonly id: string;
  readonly endpointId: string;
  /** Epoch that granted it; 0: an edge gave it to itself. */
  readonly epoch: number;
  readonly knownSinceMs: number;
  /** Granted in answer to a request that waited for it, which needs no word more. */
  readonly direct: boolean;
  heldSinceMs: number | null;
  attempt: number | null;
  /** What became of it. */
  sent: SimAttempt | null;
  /** When the edge ended it, and how. */
  endedMs: number | null;
  outcome: string | null;
  /** When its end first reached its shard; with the shard's epoch. */
  toldMs: number | null;
  toldEpoch: number;
};

export type Violation = { readonly rule: Rule; readonly atMs: number; readonly what: string };

export class Ledger {
  readonly violations: Violation[] = [];
  readonly leases = new Map<string, LeaseFacts>();
  readonly byAttempt = new Map<number, LeaseFacts>();
  /** Ids under which another shard is asked, and how long their requests had waited then, ms. */
  readonly followed = new Map<string, number>();
  /** Leases of whose end some shard has heard. */
  readonly everTold = new Set<string>();
  readonly #router: ProductionRouter;

  constructor(router: ProductionRouter) {
    this.#router = router;
  }

  get nowMs(): number {
    return this.#router.world.nowMs;
  }

  /** Every message arrives once and soon, so that what should be known is known. */
  get isLossless(): boolean {
    const { wire, world, options } = this.#router;
    const isCalm = world.scenario.faults.every(({ kind }) => kind !== "evict" && kind !== "jitter");
    return isCalm && wire.lost === 0 && options.doubledShare === 0;
  }

  get isFull(): boolean {
    return this.violations.length >= VIOLATIONS_MAX;
  }

  broken(rule: Rule, what: string): void {
    if (!this.isFull) this.violations.push({ rule, atMs: this.nowMs, what });
  }

  /** A grant; a later incarnation may grant again what an earlier one had granted, and lost. */
  note(id: string, grant: Grant, direct: boolean): LeaseFacts {
    const known = this.leases.get(id);
    const facts: LeaseFacts = {
      id,
      endpointId: grant.endpointId,
      epoch: grant.epoch,
      knownSinceMs: this.nowMs,
      direct,
      heldSinceMs: known?.heldSinceMs ?? null,
      attempt: known?.attempt ?? null,
      sent: known?.sent ?? null,
      endedMs: known?.endedMs ?? null,
      outcome: known?.outcome ?? null,
      toldMs: null,
      toldEpoch: -1,
    };
    this.leases.set(id, facts);
    if (facts.attempt !== null) this.byAttempt.set(facts.attempt, facts);
    return facts;
  }
}
