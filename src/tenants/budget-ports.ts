/** The platform, as whoever keeps to limits needs it (`budget-client.ts`). */
import type { EdgeEnv, Waiting } from "../dispatch/runtime.ts";
import type { BudgetPorts } from "./budget-client.ts";
import { ledgerOf } from "./ledger-of.ts";

/** Most requests call nothing: what a call needs is made with the first. */
class Platform implements BudgetPorts {
  readonly #env: EdgeEnv;
  readonly #ctx: Waiting;
  readonly #tenant: string;
  #ledger: BudgetPorts["ledger"] | null = null;

  constructor(env: EdgeEnv, ctx: Waiting, tenant: string) {
    this.#env = env;
    this.#ctx = ctx;
    this.#tenant = tenant;
  }

  get ledger(): BudgetPorts["ledger"] {
    return (this.#ledger ??= ledgerOf(this.#env, this.#tenant) ?? NOT_BOUND);
  }

  now(): number {
    return Date.now();
  }

  after(ms: number, fn: () => void): () => void {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  }

  spawn(work: Promise<unknown>): void {
    this.#ctx.waitUntil(work);
  }
}

export const budgetPorts = (env: EdgeEnv, ctx: Waiting, tenant: string): BudgetPorts => new Platform(env, ctx, tenant);

/** Limits without anybody who keeps them: as if he were away. */
const NOT_BOUND: BudgetPorts["ledger"] = {
  ask: async () => Promise.reject(new Error("TENANT_LEDGER is not bound")),
  awaitTurn: async () => null,
  report: async () => Promise.reject(new Error("TENANT_LEDGER is not bound")),
};
