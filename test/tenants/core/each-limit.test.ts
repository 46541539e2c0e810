/** Each limit by itself, of a tenant and of a key: what comes to it is granted, and one more is refused by its name. */
import { expect, test } from "vitest";
import type { LimitName } from "../../../src/tenants/core/amounts.ts";
import { ask, createLedger } from "../../../src/tenants/core/ledger.ts";
import type { Whose } from "../../../src/tenants/core/ledger-messages.ts";

const NOON = Date.UTC(2026, 10, 30, 12);
/** One request comes to this many tokens, and as much money. */
const ONE = 5;

const LIMITS: Readonly<Record<LimitName, number>> = {
  requestsPerMinute: 2,
  tokensPerMinute: 2 * ONE,
  concurrency: 2,
  tokensPerDay: 2 * ONE,
  tokensPerMonth: 2 * ONE,
  microsPerDay: 2 * ONE,
  microsPerMonth: 2 * ONE,
};

const rows = Object.entries(LIMITS).flatMap(([limit, most]) =>
  (["tenant", "key"] as const).map((whose): [Whose, LimitName, number] => [whose, limit as LimitName, most]),
);

test.each(rows)("of a %s, %s holds for the request that is beyond it and for none before", (whose, limit, most) => {
  const asked = (bound: number) => {
    const ledger = createLedger(NOON);
    const bounds = { tenant: {}, key: {}, [whose]: { [limit]: bound } };
    const rest = { tokens: ONE, micros: ONE, wants: 1, holdMs: 60_000, queueMax: 0, queueWaitMs: 0 };
    const replies = ["a", "b", "c"].map((id) => ask(ledger, { id, isolate: "i", key: "k", bounds, ...rest }, NOON));
    return replies.map((reply) => (reply.kind === "refused" ? `${reply.whose} ${reply.limit}` : reply.kind));
  };
  expect(asked(most)).toEqual(["granted", "granted", `${whose} ${limit}`]);
  // A limit that is one short refuses one more.
  expect(asked(most - 1)).toEqual(["granted", `${whose} ${limit}`, `${whose} ${limit}`]);
});
