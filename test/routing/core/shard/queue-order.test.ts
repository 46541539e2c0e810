import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addService, createShares } from "../../../../src/routing/core/shard/fair-shares.ts";
import type { Sender } from "../../../../src/routing/core/shard/fair-shares.ts";
import { PRIORITIES } from "../../../../src/routing/core/shard/priority.ts";
import type { Priority } from "../../../../src/routing/core/shard/priority.ts";
import { AGE_TURN, inOrder, lastInLine } from "../../../../src/routing/core/shard/queue-order.ts";
import type { Waiter } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquireRequest } from "./shard-fixture.ts";

const SERVICE = 400;

type Held = { readonly id: string; readonly sender?: Sender; readonly priority?: Priority; readonly sinceMs?: number };

const waiter = ({ id, sender, priority, sinceMs = 0 }: Held): Waiter => ({
  request: acquireRequest(id, {
    ...(sender === undefined ? {} : { sender }),
    ...(priority === undefined ? {} : { priority }),
  }),
  sinceMs,
  giveUpAtMs: sinceMs + 10_000,
  etaMs: 0,
  service: SERVICE,
});

const ids = (waiters: readonly Waiter[]) => waiters.map(({ request }) => request.leaseId);

/** Seven turns by share come next. */
const AFTER_AGE = 4;

const order = (held: readonly Held[], shares = createShares(), turns = AFTER_AGE, most = held.length) =>
  ids(inOrder(held.map(waiter), shares, { turns, most, now: 1_000 }));

const many = (count: number, of: Omit<Held, "id">, name = "h"): Held[] =>
  Array.from({ length: count }, (_, index) => ({ ...of, id: `${name}${index}` }));

describe("requests that wait", () => {
  test("of one sender and class go in order of arrival, as those of nobody do", () => {
    expect(order(many(5, { sender: { tenant: "a" } }))).toEqual(["h0", "h1", "h2", "h3", "h4"]);
    expect(order(many(3, {}))).toEqual(["h0", "h1", "h2"]);
  });

  test("go by class, whoever sends them and however much it has had", () => {
    const shares = createShares();
    addService(shares, { tenant: "busy" }, 1e6, 0);
    const held: Held[] = [
      { id: "low", priority: "low", sender: { tenant: "idle" } },
      { id: "none", sender: { tenant: "idle" } },
      { id: "normal", priority: "normal", sender: { tenant: "idle" } },
      { id: "high", priority: "high", sender: { tenant: "busy" } },
    ];
    expect(order(held, shares)).toEqual(["high", "none", "normal", "low"]);
  });

  test("of a class that this version does not know go as normal ones", () => {
    const held: Held[] = [
      { id: "low", priority: "low" },
      { id: "odd", priority: "urgent" as Priority },
      { id: "high", priority: "high" },
    ];
    expect(order(held)).toEqual(["high", "odd", "low"]);
  });

  test("go first where their tenant has had least, though others came before", () => {
    const shares = createShares();
    addService(shares, { tenant: "heavy" }, 10 * SERVICE, 0);
    const held = [
      ...many(3, { sender: { tenant: "heavy" } }),
      { id: "small", sender: { tenant: "light" }, sinceMs: 900 },
    ];
    expect(order(held, shares)).toEqual(["small", "h0", "h1", "h2"]);
  });

  test("of two tenants that had as much take turns, however many each has waiting", () => {
    const held = [...many(6, { sender: { tenant: "a" } }, "a"), ...many(2, { sender: { tenant: "b" } }, "b")];
    expect(order(held)).toEqual(["a0", "b0", "a1", "b1", "a2", "a3", "a4", "a5"]);
  });

  test("of two sessions of one tenant take turns likewise", () => {
    const session = (name: string) => ({ sender: { tenant: "a", session: name } });
    const held = [...many(4, session("s"), "s"), ...many(2, session("t"), "t")];
    expect(order(held)).toEqual(["s0", "t0", "s1", "t1", "s2", "s3"]);
  });

  test("gain nothing for their tenant by many sessions", () => {
    const held = [
      ...Array.from({ length: 4 }, (_, index) => ({ id: `a${index}`, sender: { tenant: "a", session: `s${index}` } })),
      ...many(2, { sender: { tenant: "b" } }, "b"),
    ];
    expect(order(held)).toEqual(["a0", "b0", "a1", "b1", "a2", "a3"]);
  });

  test("go by who waited longer where their tenants had nearly as much: 0.2 of the score is the wait", () => {
    const shares = createShares();
    addService(shares, { tenant: "a" }, 100, 1_000);
    addService(shares, { tenant: "b" }, 80, 1_000);
    const held: Held[] = [
      { id: "a", sender: { tenant: "a" }, sinceMs: 0 },
      { id: "b", sender: { tenant: "b" }, sinceMs: 999 },
    ];
    // a: 0.8 · 0 + 0.2 · 1; b: 0.8 · 0.2 + 0.2 · 0.001.
    expect(order(held, shares)).toEqual(["a", "b"]);
    addService(shares, { tenant: "b" }, -10, 1_000);
    expect(order(held, shares)).toEqual(["b", "a"]);
  });

  test(`go by age alone once in ${AGE_TURN} turns`, () => {
    const held = [{ id: "old", priority: "low" as const }, ...many(9, { priority: "high", sinceMs: 500 })];
    expect(order(held, createShares(), 0).indexOf("old")).toBe(3);
    expect(order(held, createShares(), 3).indexOf("old")).toBe(0);
    expect(order(held, createShares(), 4).indexOf("old")).toBe(3);
    expect(order(held, createShares(), AGE_TURN).indexOf("old")).toBe(3);
  });

  test(`go from a lower class once in ${AGE_TURN} turns, though none of it is the oldest`, () => {
    const held = [
      ...many(20, { priority: "high" }),
      { id: "low", priority: "low" as const, sinceMs: 10 },
      { id: "normal", sinceMs: 11 },
    ];
    const sorted = order(held, createShares(), 0);
    expect([sorted.indexOf("low"), sorted.indexOf("normal")]).toEqual([7, 15]);
  });

  test("nobody starves: n that came before delay one by no more than AGE_TURN turns each, whatever comes after", () => {
    const held = fc.record({
      tenant: fc.constantFrom("a", "b", "c"),
      session: fc.constantFrom("s", "t"),
      priority: fc.constantFrom(...PRIORITIES),
      served: fc.nat(10_000),
    });
    fc.assert(
      fc.property(fc.array(held, { minLength: 1, maxLength: 60 }), fc.nat(20), (all, turns) => {
        const shares = createShares();
        for (const { tenant, session, served } of all) addService(shares, { tenant, session }, served, 0);
        const waiters = all.map(({ tenant, session, priority }, index) =>
          waiter({ id: `${index}`, sender: { tenant, session }, priority, sinceMs: index }),
        );
        const sorted = inOrder(waiters, shares, { turns, most: waiters.length, now: 1_000 });
        expect(new Set(sorted)).toEqual(new Set(waiters));
        for (const [arrived, one] of waiters.entries()) {
          expect(sorted.indexOf(one)).toBeLessThan(AGE_TURN * (arrived + 1));
        }
      }),
    );
  });

  test("are ordered as far as is asked for, and the same whatever is beyond", () => {
    const held = [...many(20, { sender: { tenant: "a" } }, "a"), ...many(5, { sender: { tenant: "b" } }, "b")];
    expect(order(held, createShares(), 0, 6)).toEqual(order(held, createShares(), 0).slice(0, 6));
  });
});

describe("who goes when one has to", () => {
  const last = (held: readonly Held[], shares = createShares()) =>
    lastInLine(held.map(waiter), shares, 1_000)?.request.leaseId;

  test("is the last of the lowest class", () => {
    const held: Held[] = [
      { id: "l1", priority: "low" },
      { id: "l2", priority: "low" },
      { id: "n1" },
      { id: "h1", priority: "high" },
    ];
    expect(last(held)).toBe("l2");
    expect(last(held.slice(2))).toBe("n1");
  });

  test("is of the tenant, then of the session, that would have had most", () => {
    const held = [
      ...many(3, { sender: { tenant: "a", session: "s" } }, "s"),
      ...many(2, { sender: { tenant: "a", session: "t" } }, "t"),
      ...many(4, { sender: { tenant: "b" } }, "b"),
    ];
    expect(last(held)).toBe("s2");
    const shares = createShares();
    addService(shares, { tenant: "b" }, 2 * SERVICE, 1_000);
    expect(last(held, shares)).toBe("b3");
  });

  test("is the one that came last where all are one sender's; nobody of nobody", () => {
    expect(last(many(3, {}))).toBe("h2");
    expect(last([])).toBeUndefined();
  });
});
