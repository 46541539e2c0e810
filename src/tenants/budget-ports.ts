/** The platform, as whoever keeps to limits needs it (`budget-client.ts`). */
import type { EdgeEnv, Waiting } from "../dispatch/runtime.ts";
import type { BudgetPorts } from "./budget-client.ts";
import { ledgerOf } from "./ledger-of.ts";

export function budgetPorts(env: EdgeEnv, ctx: Waiting, tenant: string): BudgetPorts {
  return {
    now: () => Date.now(),
    after(ms, fn) {
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
    spawn: (work) => ctx.waitUntil(work),
    ledger: ledgerOf(env, tenant) ?? NOT_BOUND,
  };
}

/** Limits without anybody who keeps them: as if he were away. */
const NOT_BOUND: BudgetPorts["ledger"] = {
  ask: async () => Promise.reject(new Error("TENANT_LEDGER is not bound")),
  awaitTurn: async () => null,
  report: async () => Promise.reject(new Error("TENANT_LEDGER is not bound")),
};
