import { describe, expect, test } from "vitest";
import { LEDGERS_ASKED_MAX, ledgersToAsk, noteShares, spendSights } from "../../../src/sight/core/spend-watch.ts";
import type { SpendBook, SpendShare } from "../../../src/sight/core/spend-watch.ts";

const HALF: SpendShare = { key: null, period: "day", share: 0.5 };
const NOBODY: ReadonlySet<string> = new Set();
const bookOf = (
  ...answers: readonly (readonly [tenant: string, cost: number, shares: readonly SpendShare[] | null])[]
) => {
  const book: SpendBook = new Map();
  for (const [at, [tenant, cost, shares]] of answers.entries()) noteShares(book, tenant, { cost, shares }, at + 1);
  return book;
};

describe("a ledger is asked", () => {
  test("when its tenant's cost has changed, and once more, and then no more", () => {
    const costs = new Map([["acme", 5]]);
    expect(ledgersToAsk(bookOf(), costs, NOBODY)).toEqual(["acme"]);
    expect(ledgersToAsk(bookOf(["acme", 5, [HALF]]), costs, NOBODY)).toEqual(["acme"]);
    expect(ledgersToAsk(bookOf(["acme", 5, [HALF]], ["acme", 5, [HALF]]), costs, NOBODY)).toEqual([]);
    expect(ledgersToAsk(bookOf(["acme", 4, [HALF]], ["acme", 4, [HALF]]), costs, NOBODY)).toEqual(["acme"]);
  });

  test("at every look while its tenant is told of, also where it costs nothing any more", () => {
    const settled = bookOf(["acme", 5, [HALF]], ["acme", 5, [HALF]]);
    expect(ledgersToAsk(settled, new Map([["acme", 5]]), new Set(["acme"]))).toEqual(["acme"]);
    expect(ledgersToAsk(bookOf(), new Map(), new Set(["acme"]))).toEqual(["acme"]);
  });

  test("again where it did not answer", () => {
    const book = bookOf(["acme", 5, [HALF]], ["acme", 5, null]);
    expect(ledgersToAsk(book, new Map([["acme", 5]]), NOBODY)).toEqual(["acme"]);
  });

  test("among so many in a look and no more: who is told of first, then who waits for longest", () => {
    const names = Array.from({ length: LEDGERS_ASKED_MAX + 1 }, (_, nth) => `t${nth}`);
    const costs = new Map(names.map((name) => [name, 1]));
    const asked = ledgersToAsk(bookOf(["t0", 0, []], ["t1", 0, []]), costs, new Set(["t1"]));
    expect(asked).toHaveLength(LEDGERS_ASKED_MAX);
    expect(asked[0]).toBe("t1");
    expect(asked).not.toContain("t0");
    costs.delete("t2");
    expect(ledgersToAsk(bookOf(["t0", 0, []], ["t1", 0, []]), costs, new Set(["t1"]))).toContain("t0");
  });
});

describe("what is known of spending", () => {
  test("is what the ledgers said last; of one that fell silent it is there, and not known", () => {
    const ofKey: SpendShare = { key: "k", period: "month", share: 0.9 };
    const book = bookOf(["acme", 1, [HALF, ofKey]], ["globex", 1, [HALF]], ["globex", 2, null]);
    expect(spendSights(book, [])).toEqual([
      { tenant: "acme", ...HALF },
      { tenant: "acme", ...ofKey },
      { tenant: "globex", ...HALF, share: null },
    ]);
  });

  test("is nothing of what was told before a restart, until its ledger was asked; then a cap that is gone is gone", () => {
    expect(spendSights(bookOf(), [["acme", "k"]])).toEqual([{ tenant: "acme", key: "k", period: "day", share: null }]);
    expect(spendSights(bookOf(["acme", 1, []]), [["acme", "k"]])).toEqual([]);
  });
});
