/** Reaches a tenant's ledger: the only place that knows its binding and its name. */
import { createBudgetMemory } from "./budget-client.ts";
import type { BudgetMemory } from "./budget-client.ts";
import { createPurse } from "./core/purse.ts";
import type { AskReply, CapShare, EntryReply } from "./core/ledger-messages.ts";
import type { LedgerCalls, UsageRow } from "./object/ledger-calls.ts";

type LedgerNamespace = { getByName(name: string): { call(name: string, argument: unknown): Promise<unknown> } };

/** Null where the deployment binds none: then no limit of a tenant holds, and its config says so at start. */
export function ledgerOf(env: { readonly TENANT_LEDGER?: unknown }, tenant: string): LedgerCalls | null {
  const namespace = env.TENANT_LEDGER as LedgerNamespace | undefined;
  if (namespace === undefined) return null;
  // Most requests call nothing, and to make a stub costs as much as all the rest of a limit.
  const stub = {
    call: async (name: string, argument: unknown) => namespace.getByName(`tenant:${tenant}`).call(name, argument),
  };
  return {
    ask: async (asked) => stub.call("ask", asked) as Promise<AskReply>,
    awaitTurn: async (id) => stub.call("awaitTurn", id) as Promise<AskReply | null>,
    report: async (report) => stub.call("report", report) as Promise<EntryReply>,
    usage: async (asked) => stub.call("usage", asked) as Promise<readonly UsageRow[]>,
    erase: async () => stub.call("erase", null) as Promise<number>,
    capShares: async (limits) => stub.call("capShares", limits) as Promise<readonly CapShare[] | null>,
  };
}

/** Tenants remembered by an isolate; beyond it the one that was remembered first, and owes nothing, is forgotten. */
const TENANTS_MAX = 4_096;

/** What one isolate, or one object, remembers of tenants. */
export class BudgetMemories {
  readonly #byTenant = new Map<string, BudgetMemory>();

  of(tenant: string): BudgetMemory {
    const known = this.#byTenant.get(tenant);
    if (known !== undefined) return known;
    if (this.#byTenant.size >= TENANTS_MAX) this.#forgetOne();
    const made = createBudgetMemory(createPurse(crypto.randomUUID().replaceAll("-", "").slice(0, 12)));
    this.#byTenant.set(tenant, made);
    return made;
  }

  #forgetOne(): void {
    for (const [tenant, { purse }] of this.#byTenant) {
      if (purse.entries.length + purse.closes.size + purse.usage.size > 0) continue;
      this.#byTenant.delete(tenant);
      return;
    }
  }
}
