/** A tenant's ledger in its runtime: what was lent when it ends, the calendar, those who never come back, and its storage. */
import { abortAllDurableObjects, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ask, createLedger, report } from "../../src/tenants/core/ledger.ts";
import { imageOf } from "../../src/tenants/core/ledger-image.ts";
import { ledgerOf } from "../../src/tenants/ledger-of.ts";
import type { LedgerCalls } from "../../src/tenants/object/ledger-calls.ts";
import { LedgerStore } from "../../src/tenants/object/ledger-store.ts";
import type { TenantLedger } from "../../src/tenants/object/tenant-ledger.ts";
import { Isolate } from "./ledger-isolate.ts";
import type { Asked } from "./ledger-isolate.ts";

const { TENANT_LEDGER } = env as unknown as { readonly TENANT_LEDGER: DurableObjectNamespace<TenantLedger> };
const START_MS = Date.UTC(2026, 10, 15, 12);
const MINUTE_MS = 60_000;

const ASK = { isolate: "i", micros: 0, wants: 1, holdMs: 60_000, queueMax: 0, queueWaitMs: 0 };

const stub = () => TENANT_LEDGER.getByName("tenant:acme");
const ledger = (): LedgerCalls => {
  const found = ledgerOf(env as unknown as { readonly TENANT_LEDGER: unknown }, "acme");
  if (found === null) throw new Error("it is not bound");
  return found;
};
const isolatesOf = (count: number) => Array.from({ length: count }, (_, index) => new Isolate(`i${index}`, ledger));

let now = START_MS;
function pass(ms: number): void {
  now += ms;
  vi.setSystemTime(now);
}

beforeEach(async () => {
  await reset();
  now = START_MS;
  vi.useFakeTimers({ toFake: ["Date"], now });
});
afterEach(() => vi.useRealTimers());

/** Its memory is lost in the middle of what it did; what is on the disk stays. */
const crash = async (): Promise<void> => abortAllDurableObjects();

async function rowsIn(table: string): Promise<number> {
  return runInDurableObject(
    stub(),
    (_, { storage }) => storage.sql.exec<{ count: number }>(`SELECT COUNT(*) AS count FROM ${table}`).one().count,
  );
}

describe("over crashes in the middle of what is lent", () => {
  test("three isolates get what a minute allows, never more, and within 1 % of it", async () => {
    const limit = 1_000;
    const asked: Asked = { tenant: { requestsPerMinute: limit } };
    const isolates = isolatesOf(3);
    let passed = 0;
    for (let tick = 0; tick < 100; tick += 1) {
      for (const isolate of isolates) passed += await isolate.many(8, asked);
      // Loans are out: nobody has told what became of them.
      if (tick === 5 || tick === 25) await crash();
      if (tick % 3 === 0) for (const isolate of isolates) await isolate.tell();
      pass(50);
    }
    expect(passed).toBeLessThanOrEqual(limit);
    expect(passed).toBeGreaterThanOrEqual(limit * 0.98);
    // Two crashes took a 200th each; the next minute has all of it.
    for (const isolate of isolates) await isolate.tell();
    pass(MINUTE_MS);
    let next = 0;
    for (let tick = 0; tick < 100; tick += 1) {
      for (const isolate of isolates) next += await isolate.many(8, asked);
      for (const isolate of isolates) await isolate.tell();
      pass(50);
    }
    expect(next).toBeLessThanOrEqual(limit);
    expect(next).toBeGreaterThanOrEqual(limit * 0.99);
  });

  test("money is spent to the cap and not beyond, also what ran while the ledger ended", async () => {
    const cap = 100_000;
    const asked: Asked = { tenant: { microsPerDay: cap }, micros: 90 };
    const isolates = isolatesOf(3);
    let spent = 0;
    for (let round = 0; round < 900; round += 1) {
      const isolate = isolates[round % 3] ?? isolates[0];
      const found = await isolate?.take(asked);
      if (found === undefined || "kind" in found) continue;
      // A third of what was reserved, every other time.
      const micros = round % 2 === 0 ? 30 : 90;
      spent += micros;
      isolate?.end(found, { micros });
      if (round % 7 === 0) await isolate?.tell();
      if (round % 300 === 150) await crash();
      pass(100);
    }
    expect(spent).toBeLessThanOrEqual(cap);
    // What was reserved before a crash comes home as it is told, and can be spent.
    for (let round = 0; round < 2_000; round += 1) {
      for (const isolate of isolates) {
        const found = await isolate.take(asked);
        if (!("kind" in found)) {
          spent += 90;
          isolate.end(found, { micros: 90 });
        }
        await isolate.tell();
      }
      pass(300);
      if (spent > cap * 0.995) break;
    }
    expect(spent).toBeLessThanOrEqual(cap);
    expect(spent).toBeGreaterThan(cap * 0.99);
  });

  test("what was used is in the usage once, told before and after", async () => {
    const asked: Asked = { tenant: { tokensPerDay: 1e9 }, tokens: 10 };
    const [one, two] = isolatesOf(2);
    await one?.many(20, asked);
    await one?.tell();
    await crash();
    await one?.tell();
    await two?.many(5, asked);
    await two?.tell();
    await two?.tell();
    const rows = await ledger().usage({ from: "2026-11-01", to: "2026-11-30", key: null });
    expect(rows).toMatchObject([{ day: "2026-11-15", requests: 25, output: 250 }]);
    await crash();
    expect(await ledger().usage({ from: "2026-11-01", to: "2026-11-30", key: null })).toEqual(rows);
  });

  test("who waits in line is told that it is gone, and may ask again", async () => {
    const [one, two] = isolatesOf(2);
    const asked: Asked = { tenant: { concurrency: 1 }, queueMax: 5 };
    await one?.take(asked);
    const queued = await two?.take(asked);
    expect(queued).toMatchObject({ kind: "queued" });
    await crash();
    if (queued === undefined || !("wait" in queued)) throw new Error("it does not wait");
    await expect(queued.wait()).rejects.toThrow(/forgotten/);
  });
});

describe("an isolate that never comes back", () => {
  test("has its slots and its money come home when the longest attempt is over", async () => {
    const [lost, other] = isolatesOf(2);
    const asked: Asked = { tenant: { concurrency: 4, microsPerDay: 400 }, micros: 100, holdMs: 60_000 };
    expect(await lost?.many(4, asked, false)).toBe(4);
    expect(await other?.take(asked)).toMatchObject({ kind: "refused" });
    pass(60_000);
    expect(await other?.take(asked)).toMatchObject({ kind: "refused" });
    pass(1_000);
    expect(await other?.many(4, asked, false)).toBe(4);
  });

  test("has them come home though another's attempt may run for longer", async () => {
    const [lost, other] = isolatesOf(2);
    const tenant = { concurrency: 4 };
    expect(await other?.many(1, { tenant, holdMs: 3_600_000 }, false)).toBe(1);
    expect(await lost?.many(3, { tenant, holdMs: 60_000 }, false)).toBe(3);
    pass(61_000);
    expect(await other?.many(4, { tenant, holdMs: 60_000 }, false)).toBe(3);
  });

  test("has them come home over a crash, by when no request of before can run", async () => {
    const [lost, other] = isolatesOf(2);
    const asked: Asked = { tenant: { concurrency: 4 }, holdMs: 3_600_000 };
    expect(await lost?.many(4, asked, false)).toBe(4);
    await crash();
    for (const waitMs of [0, 600_000, 2_999_000]) {
      pass(waitMs);
      expect(await other?.take(asked)).toMatchObject({ kind: "refused", limit: "concurrency" });
    }
    pass(2_000);
    expect(await other?.many(5, asked, false)).toBe(4);
  });
});

describe("the calendar of UTC", () => {
  const asked: Asked = { tenant: { microsPerDay: 350, microsPerMonth: 550 }, micros: 100 };

  test.each([
    ["a month ends", Date.UTC(2026, 10, 30, 23, 59, 50), "2026-11-30", "2026-12-01", 3],
    ["a day ends", Date.UTC(2026, 10, 14, 23, 59, 50), "2026-11-14", "2026-11-15", 2],
    ["a year ends", Date.UTC(2026, 11, 31, 23, 59, 50), "2026-12-31", "2027-01-01", 3],
    ["a leap day ends", Date.UTC(2028, 1, 29, 23, 59, 50), "2028-02-29", "2028-03-01", 3],
  ])(
    "%s: what was used counts no more, as far as the caps go, and stays in the usage",
    async (_, startMs, day, next, then) => {
      pass(startMs - now);
      const [one] = isolatesOf(1);
      expect(await one?.many(5, asked)).toBe(3);
      await one?.tell();
      const refused = await one?.take(asked);
      expect(refused).toMatchObject({ kind: "refused", limit: "microsPerDay" });
      expect((refused as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(10_000);
      await crash();
      // As an isolate does until it knows that it is on the disk.
      await one?.tell();
      pass(9_000);
      expect(await one?.take(asked)).toMatchObject({ kind: "refused", limit: "microsPerDay" });
      pass(1_000);
      // In the same month 250 of 550 are left.
      expect(await one?.many(5, asked)).toBe(then);
      await one?.tell();
      const rows = await ledger().usage({ from: day, to: next, key: null });
      expect(rows.map((row) => [row.day, row.micros])).toEqual([
        [day, 300],
        [next, then * 100],
      ]);
    },
  );
});

describe("storage", () => {
  test("has one image and sums, however many requests there were", async () => {
    const [one] = isolatesOf(1);
    const asked: Asked = { tenant: { requestsPerMinute: 100_000 }, own: { tokensPerMinute: 1e9 }, tokens: 5 };
    for (let round = 0; round < 50; round += 1) {
      await one?.many(40, asked);
      await one?.tell();
      pass(300);
    }
    await ledger().usage({ from: "2026-11-15", to: "2026-11-15", key: null });
    expect([await rowsIn("image"), await rowsIn("usage")]).toEqual([1, 1]);
  });

  test("holds a tenant of many keys, each with a full minute of its own, and a crash forgets none", async () => {
    const own = { requestsPerMinute: 1_000, tokensPerMinute: 1e6 };
    const keys = Array.from({ length: 400 }, (_, index) => `k${index}`);
    // The object's own code, in one go: by calls it would be a hundred thousand.
    const bytes = await runInDurableObject(stub(), (_, { storage }) => {
      const store = new LedgerStore(storage);
      const full = createLedger(now);
      let seq = 0;
      for (let slot = 0; slot < 240; slot += 1) {
        for (const key of keys) {
          seq += 1;
          const id = `i-${slot}-${key}`;
          const asked = { ...ASK, id, key, bounds: { tenant: {}, key: own }, tokens: 3 };
          const granted = ask(full, asked, now + slot * 250);
          if (granted.kind !== "granted") throw new Error("it was refused");
          // One was served; what was lent besides goes back.
          const { requests, tokens, micros, atMs } = granted;
          const reserved = { requests, tokens, micros };
          const unused = { requests: requests - 1, tokens: tokens - 3 };
          const close = { id, key, atMs, reserved, unused, heldMs: 1 };
          report(full, { isolate: "i", from: seq, entries: [{ seq, closes: [close], dropped: [], usage: [] }] }, now);
        }
      }
      const written = imageOf(full);
      store.save(written);
      return JSON.stringify(written).length;
    });
    // More than a row of SQLite may hold here.
    expect(bytes).toBeGreaterThan(2_100_000);
    await crash();
    pass(MINUTE_MS / 2);
    const [one] = isolatesOf(1);
    for (const key of ["k0", "k399"]) {
      const found = await one?.take({ key, own, tokens: 3 });
      if (found === undefined || "kind" in found) throw new Error("it was refused");
      // 240 were used, this one, and a restart counts 5 that it may have granted.
      expect(found.standing.requests?.left).toBe(1_000 - 240 - 1 - 5);
    }
  });

  test("of a key that was not used since is not written again", async () => {
    const [one] = isolatesOf(1);
    const use = async (key: string) => {
      await one?.many(1, { key, own: { tokensPerDay: 1e6 }, tokens: 1 });
      await one?.tell();
      await ledger().usage({ from: "2026-11-15", to: "2026-11-15", key: null });
    };
    for (let key = 0; key < 100; key += 1) await use(`k${key}`);
    const written = await runInDurableObject(stub(), async (_, { storage }) => {
      storage.sql.exec("CREATE TABLE log (page INTEGER)");
      storage.sql.exec("CREATE TRIGGER noted AFTER INSERT ON page BEGIN INSERT INTO log VALUES (NEW.page); END");
      return storage.sql.exec<{ count: number }>("SELECT COUNT(*) AS count FROM page").one().count;
    });
    expect(written).toBe(4);
    await use("k50");
    expect(await rowsIn("log")).toBe(1);
  });

  test("forgets usage after 760 days, and not before", async () => {
    const [one] = isolatesOf(1);
    const use = async () => {
      await one?.many(1, { tenant: { tokensPerDay: 1e6 }, tokens: 1 });
      await one?.tell();
      await ledger().usage({ from: "2026-01-01", to: "2026-01-01", key: null });
    };
    await use();
    pass(760 * 86_400_000);
    await use();
    expect(await rowsIn("usage")).toBe(2);
    pass(86_400_000);
    await use();
    expect(await rowsIn("usage")).toBe(2);
    const rows = await ledger().usage({ from: "2026-11-15", to: "2026-11-15", key: null });
    expect(rows).toEqual([]);
  });
});
