/** A tenant's ledger as the rest of the house sees it. Calls reject when it cannot be reached. */
import type { DayUsage } from "../core/usage-sum.ts";
import type { Limits } from "../core/amounts.ts";
import type { Ask, AskReply, CapShare, EntryReply, EntryReport } from "../core/ledger-messages.ts";

/** Days of UTC, both in it. `key` null: all. */
export type UsageAsked = { readonly from: string; readonly to: string; readonly key: string | null };

export type UsageRow = DayUsage;

export type LedgerCalls = {
  ask(asked: Ask): Promise<AskReply>;
  /** The answer to an ask that was queued; null: nobody knows of it. */
  awaitTurn(id: string): Promise<AskReply | null>;
  report(report: EntryReport): Promise<EntryReply>;
  usage(asked: UsageAsked): Promise<readonly UsageRow[]>;
  /** Forgets what was used and what is counted; how many rows there were. */
  erase(): Promise<number>;
  /** By the tenant's limits as they are now. Null: a ledger of a version that cannot tell. */
  capShares(limits: Limits): Promise<readonly CapShare[] | null>;
};
