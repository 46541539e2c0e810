import { describe, expect, test } from "vitest";
import {
  acquireLease,
  BUCKET_MS,
  checkLeaseTable,
  createLeaseTable,
  expireLeases,
  inFlight,
  LEASES_MAX,
  noteRead,
  promptTokensAt,
  renewLease,
  settleLease,
  unreadAt,
  TOMBSTONE_MS,
  TOMBSTONES_MAX,
} from "../../../../src/routing/core/shard/leases.ts";
import type { LeasePrompt } from "../../../../src/routing/core/endpoint/prompt-line.ts";
import type { LeaseGrant, LeaseTable, Renewal } from "../../../../src/routing/core/shard/leases.ts";

const grant = (id: string, changes: Partial<LeaseGrant> = {}): LeaseGrant => ({
  id,
  endpointId: "e1",
  ttlMs: 1_000,
  capMs: 10_000,
  spent: true,
  ...changes,
});

const renewal = (id: string, changes: Partial<Renewal> = {}): Renewal => ({
  id,
  endpointId: "e1",
  epoch: 2,
  ttlMs: 1_000,
  capLeftMs: 5_000,
  ...changes,
});

/** A table of epoch 2 with one lease `a` granted at 0. */
function tableWithOne(changes: Partial<LeaseGrant> = {}): LeaseTable {
  const table = createLeaseTable(2);
  acquireLease(table, grant("a", changes), 0);
  return table;
}

const idsOf = (leases: readonly { readonly id: string }[]): string[] => leases.map(({ id }) => id);

describe("acquiring", () => {
  test("counts a lease once, however often the same id asks", () => {
    const table = tableWithOne();
    const again = acquireLease(table, grant("a", { endpointId: "e2", ttlMs: 9_000 }), 10);
    expect(again).toMatchObject({ kind: "existing", lease: { endpointId: "e1", expiresAtMs: 1_000, epoch: 2 } });
    expect([inFlight(table, "e1"), inFlight(table, "e2")]).toEqual([1, 0]);
    checkLeaseTable(table);
  });

  test.each([
    ["settled", (table: LeaseTable) => settleLease(table, "a", 10)],
    ["expired", (table: LeaseTable) => expireLeases(table, 1_000)],
  ] as const)("does not revive an id that was %s", (_, end) => {
    const table = tableWithOne();
    end(table);
    expect(acquireLease(table, grant("a"), 1_001)).toEqual({ kind: "ended" });
    expect(renewLease(table, renewal("a", { epoch: 1 }), 1_001)).toBe("gone");
    expect(inFlight(table, "e1")).toBe(0);
    checkLeaseTable(table);
  });

  test("refuses an id whose settlement came first", () => {
    const table = createLeaseTable(1);
    expect(settleLease(table, "late", 0)).toEqual({ kind: "unknown" });
    expect(acquireLease(table, grant("late"), 1)).toEqual({ kind: "ended" });
  });

  test("never grants a life beyond the absolute one", () => {
    const table = tableWithOne({ ttlMs: 1_250, capMs: 200 });
    expect(idsOf(expireLeases(table, 199))).toEqual([]);
    expect(idsOf(expireLeases(table, 200))).toEqual(["a"]);
  });

  test("fills the table to LEASES_MAX and not beyond, and has room again when one ends", () => {
    const table = createLeaseTable(2);
    for (let i = 0; i < LEASES_MAX; i++) expect(acquireLease(table, grant(`l${i}`), 0).kind).toBe("granted");
    expect(acquireLease(table, grant("more"), 0)).toEqual({ kind: "table_full" });
    expect(acquireLease(table, grant("l0"), 0).kind).toBe("existing");
    expect(renewLease(table, renewal("adopt", { epoch: 1 }), 0)).toBe("gone");
    checkLeaseTable(table);
    settleLease(table, "l0", 0);
    expect(acquireLease(table, grant("more"), 0).kind).toBe("granted");
    checkLeaseTable(table);
  });
});

describe("renewing", () => {
  test("moves the expiry on, marks the lease as spent, and stops at the cap", () => {
    const table = tableWithOne({ spent: false, ttlMs: 1_000, capMs: 1_800 });
    expect(renewLease(table, renewal("a", { ttlMs: 1_000 }), 500)).toBe("renewed");
    expect(table.live.get("a")).toMatchObject({ spent: true, expiresAtMs: 1_500 });
    expect(renewLease(table, renewal("a", { ttlMs: 1_000 }), 1_400)).toBe("renewed");
    expect(table.live.get("a")?.expiresAtMs).toBe(1_800);
    expect(idsOf(expireLeases(table, 1_799))).toEqual([]);
    expect(idsOf(expireLeases(table, 1_800))).toEqual(["a"]);
  });

  test.each([
    { name: "an earlier epoch", epoch: 1, capLeftMs: 5_000, outcome: "adopted" },
    { name: "the edge's own epoch", epoch: 0, capLeftMs: 5_000, outcome: "adopted" },
    { name: "this epoch", epoch: 2, capLeftMs: 5_000, outcome: "gone" },
    { name: "a later epoch", epoch: 3, capLeftMs: 5_000, outcome: "gone" },
    { name: "an earlier epoch with its life used up", epoch: 1, capLeftMs: 0, outcome: "gone" },
  ] as const)("answers $outcome for an unknown id of $name", ({ epoch, capLeftMs, outcome }) => {
    const table = createLeaseTable(2);
    expect(renewLease(table, renewal("x", { epoch, capLeftMs }), 0)).toBe(outcome);
    expect(inFlight(table, "e1")).toBe(outcome === "adopted" ? 1 : 0);
    checkLeaseTable(table);
  });

  test("adopts for what is left of the life, keeps the epoch of the grant, and then renews as any other", () => {
    const table = createLeaseTable(7);
    renewLease(table, renewal("x", { epoch: 3, ttlMs: 1_000, capLeftMs: 400 }), 100);
    expect(table.live.get("x")).toMatchObject({ epoch: 3, expiresAtMs: 500, capAtMs: 500, spent: true });
    expect(renewLease(table, renewal("x", { epoch: 3, ttlMs: 1_000 }), 300)).toBe("renewed");
    expect(idsOf(expireLeases(table, 500))).toEqual(["x"]);
  });
});

describe("settling", () => {
  test("ends a lease once and says so for the second message", () => {
    const table = tableWithOne();
    expect(settleLease(table, "a", 5)).toMatchObject({ kind: "settled", lease: { id: "a" } });
    expect(settleLease(table, "a", 6)).toEqual({ kind: "ended" });
    expect(expireLeases(table, 1e9)).toEqual([]);
    checkLeaseTable(table);
  });

  test("after expiry teaches that the lease has ended", () => {
    const table = tableWithOne();
    expireLeases(table, 1_000);
    expect(settleLease(table, "a", 1_001)).toEqual({ kind: "ended" });
  });
});

describe("expiry", () => {
  test.each([1, BUCKET_MS - 1, BUCKET_MS, BUCKET_MS + 1, 10 * BUCKET_MS, 1e6 + 7])(
    "takes a lease of %i ms at its time and not a millisecond before",
    (ttlMs) => {
      const table = tableWithOne({ ttlMs, capMs: ttlMs });
      expect(idsOf(expireLeases(table, ttlMs - 1))).toEqual([]);
      expect(inFlight(table, "e1")).toBe(1);
      expect(idsOf(expireLeases(table, ttlMs))).toEqual(["a"]);
      checkLeaseTable(table);
    },
  );

  test("finds every due lease after a pause of a month", () => {
    const table = createLeaseTable(1);
    for (let i = 0; i < 100; i++) acquireLease(table, grant(`l${i}`, { ttlMs: 10 * i + 1, capMs: 1_000_000 }), i);
    expect(expireLeases(table, 30 * 86_400_000)).toHaveLength(100);
    expect(table.live.size + table.buckets.size + table.byEndpoint.size).toBe(0);
  });

  test("finds leases that were granted after the clock had jumped back", () => {
    const table = tableWithOne({ ttlMs: 100_000, capMs: 100_000 });
    expireLeases(table, 50_000);
    acquireLease(table, grant("b", { ttlMs: 500 }), 10_000);
    expect(idsOf(expireLeases(table, 10_500))).toEqual(["b"]);
    expect(idsOf(expireLeases(table, 100_000))).toEqual(["a"]);
    checkLeaseTable(table);
  });

  test("does nothing while the clock stands still", () => {
    const table = tableWithOne();
    for (let i = 0; i < 5; i++) expect(expireLeases(table, 0)).toEqual([]);
    expect(inFlight(table, "e1")).toBe(1);
  });
});

describe("tombstones", () => {
  /** Whether `id` is remembered as ended: only then its settlement is not the first word about it. */
  const remembers = (table: LeaseTable, id: string, now: number) => settleLease(table, id, now).kind === "ended";

  test("stand for at least TOMBSTONE_MS, and are forgotten after twice that", () => {
    const table = createLeaseTable(1);
    settleLease(table, "a", 0);
    settleLease(table, "b", TOMBSTONE_MS - 1);
    settleLease(table, "c", TOMBSTONE_MS);
    expect(["a", "b"].map((id) => table.olderTombstones.has(id))).toEqual([true, true]);
    settleLease(table, "d", 2 * TOMBSTONE_MS);
    expect(["a", "b"].map((id) => table.tombstones.has(id) || table.olderTombstones.has(id))).toEqual([false, false]);
    expect(remembers(table, "c", 2 * TOMBSTONE_MS)).toBe(true);
  });

  test("are kept longer for an id that is settled again", () => {
    const table = createLeaseTable(1);
    settleLease(table, "a", 0);
    settleLease(table, "b", TOMBSTONE_MS);
    settleLease(table, "a", TOMBSTONE_MS + 1);
    settleLease(table, "c", 2 * TOMBSTONE_MS);
    expect(remembers(table, "a", 2 * TOMBSTONE_MS)).toBe(true);
  });

  test("are bounded: the one beyond TOMBSTONES_MAX begins a generation, and drops the one before the last", () => {
    const table = createLeaseTable(1);
    for (let i = 0; i < TOMBSTONES_MAX; i++) settleLease(table, `s${i}`, 0);
    settleLease(table, "more", 0);
    expect([table.tombstones.size, table.olderTombstones.size]).toEqual([1, TOMBSTONES_MAX]);
    for (let i = 0; i < TOMBSTONES_MAX; i++) settleLease(table, `t${i}`, 0);
    expect(table.olderTombstones.has("s0") || table.tombstones.has("s0")).toBe(false);
    checkLeaseTable(table);
  });
});

describe("the line of prompts", () => {
  const prompt = (tokens: number): LeasePrompt => ({
    tokens,
    work: tokens,
    atEndpointMs: 0,
    backMs: 0,
    isBlocked: false,
    reuse: null,
  });
  const inLine = (table: LeaseTable) => idsOf([...unreadAt(table, "e1")]);

  test("holds leases with a prompt from their grant to their first token, in order", () => {
    const table = tableWithOne({ prompt: prompt(100) });
    acquireLease(table, grant("b", { prompt: prompt(50) }), 0);
    acquireLease(table, grant("credit"), 0);
    expect([inLine(table), promptTokensAt(table, "e1")]).toEqual([["a", "b"], 150]);
    const a = table.live.get("a");
    if (a === undefined) throw new Error("it lives");
    noteRead(table, a);
    noteRead(table, a);
    expect([inLine(table), promptTokensAt(table, "e1")], "its memory is still taken").toEqual([["b"], 150]);
    checkLeaseTable(table);
    settleLease(table, "a", 1);
    settleLease(table, "b", 1);
    expect([inLine(table), promptTokensAt(table, "e1")]).toEqual([[], 0]);
    checkLeaseTable(table);
  });

  test("takes a prompt from whoever holds the lease, once, and only until its first token", () => {
    const table = tableWithOne();
    renewLease(table, renewal("a", { prompt: prompt(100) }), 10);
    renewLease(table, renewal("a", { prompt: prompt(900) }), 20);
    expect([inLine(table), promptTokensAt(table, "e1")]).toEqual([["a"], 100]);
    renewLease(table, renewal("a", { prompt: prompt(100), begun: true }), 30);
    expect(inLine(table)).toEqual([]);
    renewLease(table, renewal("far", { epoch: 0, prompt: prompt(70) }), 40);
    renewLease(table, renewal("late", { epoch: 0, prompt: prompt(30), begun: true }), 40);
    expect([inLine(table), promptTokensAt(table, "e1")]).toEqual([["far"], 200]);
    checkLeaseTable(table);
  });

  test("loses a lease that expires", () => {
    const table = tableWithOne({ prompt: prompt(100) });
    expireLeases(table, 1_000);
    expect([inLine(table), promptTokensAt(table, "e1")]).toEqual([[], 0]);
    checkLeaseTable(table);
  });
});
