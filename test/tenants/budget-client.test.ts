import { expect, test } from "vitest";
import { BudgetClient, createBudgetMemory } from "../../src/tenants/budget-client.ts";
import type { Admission } from "../../src/tenants/budget-client.ts";
import type { EntryReport } from "../../src/tenants/core/ledger-messages.ts";
import { createPurse } from "../../src/tenants/core/purse.ts";
import type { LedgerCalls } from "../../src/tenants/object/ledger-calls.ts";

/** A clock that a test moves, and a ledger that is away until it is told to be there. */
function world(mayGoAlone: boolean) {
  let now = 1_700_000_000_000;
  let timers: { readonly atMs: number; readonly fn: () => void }[] = [];
  const reports: EntryReport[] = [];
  const state = { isAway: true, asks: 0 };
  const away = async (): Promise<never> => Promise.reject(new Error("away"));
  const ledger: Pick<LedgerCalls, "ask" | "awaitTurn" | "report"> = {
    ask: async () => {
      state.asks += 1;
      return away();
    },
    awaitTurn: async () => null,
    report: async (report) => {
      if (state.isAway) return away();
      reports.push(report);
      const last = report.entries.at(-1)?.seq ?? report.from;
      return { heard: last, kept: last };
    },
  };
  const memory = createBudgetMemory(createPurse("i1"));
  const ports = {
    now: () => now,
    after(ms: number, fn: () => void) {
      const timer = { atMs: now + ms, fn };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
    spawn: () => undefined,
    ledger,
  };
  return {
    state,
    reports,
    client: new BudgetClient(memory, ports, mayGoAlone),
    async pass(ms: number): Promise<void> {
      const untilMs = now + ms;
      for (;;) {
        const due = timers.filter(({ atMs }) => atMs <= untilMs).toSorted((one, other) => one.atMs - other.atMs)[0];
        if (due === undefined) break;
        timers = timers.filter((one) => one !== due);
        now = Math.max(now, due.atMs);
        due.fn();
        // What it set off ends before the next one.
        for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      }
      now = untilMs;
    },
  };
}

const wish = {
  key: "k",
  bounds: { tenant: { requestsPerMinute: 100, microsPerDay: 100_000 }, key: {} },
  tokens: 10,
  micros: 10,
  holdMs: 60_000,
  queueMax: 0,
  queueWaitMs: 0,
};

async function kinds(client: BudgetClient, count: number): Promise<readonly Admission["kind"][]> {
  const found: Admission["kind"][] = [];
  for (let index = 0; index < count; index += 1) found.push((await client.take(wish)).kind);
  return found;
}

test("while the ledger is away a tenth of the limits of a minute passes, and it is not asked for each", async () => {
  const { client, state } = world(true);
  const found = await kinds(client, 15);
  expect(found.filter((kind) => kind === "spent")).toHaveLength(10);
  expect(found.slice(10)).toEqual(Array.from({ length: 5 }, () => "away"));
  expect(state.asks).toBe(1);
});

test("a tenant that would rather be refused is", async () => {
  const { client } = world(false);
  expect(await kinds(client, 2)).toEqual(["away", "away"]);
});

test("what passed while it was away is told when it is back", async () => {
  const { client, state, reports, pass } = world(true);
  const admission = await client.take(wish);
  if (admission.kind !== "spent") throw new Error(admission.kind);
  const used = {
    key: "k",
    model: "m",
    outcome: "served",
    requests: 1,
    input: 4,
    cached: 0,
    output: 5,
    micros: 9,
    estimated: 0,
  };
  client.settle(admission.spent, used, true);
  await pass(3_000);
  expect(reports).toEqual([]);
  state.isAway = false;
  await pass(5_000);
  expect(reports.flatMap(({ entries }) => entries).flatMap(({ usage }) => usage)).toEqual([used]);
});
