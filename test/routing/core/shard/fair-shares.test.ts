import { describe, expect, test } from "vitest";
import {
  addService,
  createShares,
  HALF_LIFE_MS,
  noteLine,
  OUTPUT_TOKENS_PRIOR,
  OUTPUT_WEIGHT,
  serviceOf,
  sessionService,
  SESSIONS_MAX,
  severalLately,
  tenantService,
  TENANTS_MAX,
} from "../../../../src/routing/core/shard/fair-shares.ts";

const A = { tenant: "a" };

describe("service", () => {
  test("counts a prompt's tokens once and an answer's twice; an answer of unknown length as a usual one", () => {
    expect(serviceOf(100, 50)).toBe(200);
    expect(serviceOf(100, null)).toBe(100 + OUTPUT_WEIGHT * OUTPUT_TOKENS_PRIOR);
  });

  test("is half forgotten after a minute, and adds up", () => {
    const shares = createShares();
    addService(shares, A, 1_000, 0);
    expect(tenantService(shares, A, HALF_LIFE_MS)).toBeCloseTo(500, 6);
    addService(shares, A, 500, HALF_LIFE_MS);
    expect(tenantService(shares, A, HALF_LIFE_MS)).toBeCloseTo(1_000, 6);
  });

  test("of a tenant is that of all its sessions; a session's is its own, and none is another tenant's", () => {
    const shares = createShares();
    addService(shares, { tenant: "a", session: "s" }, 10, 0);
    addService(shares, { tenant: "a", session: "t" }, 20, 0);
    addService(shares, { tenant: "b", session: "s" }, 40, 0);
    expect(tenantService(shares, A, 0)).toBe(30);
    expect(sessionService(shares, { tenant: "a", session: "s" }, 0)).toBe(10);
    expect(sessionService(shares, { tenant: "b", session: "s" }, 0)).toBe(40);
    expect(sessionService(shares, A, 0)).toBe(0);
  });

  test("that is given back never leaves a debt", () => {
    const shares = createShares();
    addService(shares, A, 10, 0);
    addService(shares, A, -20, 0);
    expect(tenantService(shares, A, 0)).toBe(0);
  });
});

describe("memory", () => {
  test.each([
    { most: TENANTS_MAX, sender: (index: number) => ({ tenant: `t${index}` }), of: "tenants" as const },
    { most: SESSIONS_MAX, sender: (index: number) => ({ tenant: "a", session: `s${index}` }), of: "sessions" as const },
  ])("of $of holds $most, and with one more forgets who was charged longest ago", ({ most, sender, of }) => {
    const shares = createShares();
    for (let index = 0; index < most; index++) addService(shares, sender(index), 1, 0);
    addService(shares, sender(0), 1, 0);
    expect(shares[of].size).toBe(most);
    addService(shares, sender(most), 1, 0);
    expect(shares[of].size).toBe(most);
    const left = (index: number) => (of === "tenants" ? tenantService : sessionService)(shares, sender(index), 0);
    expect([left(0), left(1), left(2)]).toEqual([2, 0, 1]);
  });
});

describe("several lines lately", () => {
  test("are two tenants, or two classes, within a half-life; one alone is not", () => {
    const shares = createShares();
    noteLine(shares, 1, A, 0);
    noteLine(shares, 1, A, 10);
    expect(severalLately(shares, 10)).toBe(false);
    noteLine(shares, 1, { tenant: "b" }, 20);
    expect([severalLately(shares, 20), severalLately(shares, 9 + HALF_LIFE_MS)]).toEqual([true, true]);
    expect(severalLately(shares, 10 + HALF_LIFE_MS)).toBe(false);
    const classes = createShares();
    noteLine(classes, 0, A, 0);
    noteLine(classes, 2, A, 0);
    expect(severalLately(classes, 0)).toBe(true);
  });
});
