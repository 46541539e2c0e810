import { expect, test } from "vitest";
import { DELIVERIES_MAX, HOST_DELIVERIES_MAX, mayDeliver, turns } from "../../../src/jobs/core/fair-delivery.ts";
import type { Bound } from "../../../src/jobs/core/fair-delivery.ts";

/** Begins as many as may go, each to a host of its own. */
function fill(underWay: Bound[], tenant: string): number {
  let begun = 0;
  for (; mayDeliver(underWay, { tenant, host: `${tenant}-${begun}` }); begun++) {
    underWay.push({ tenant, host: `${tenant}-${begun}` });
  }
  return begun;
}

test("one tenant alone gets half of the slots, however many of its receivers hang", () => {
  expect(fill([], "a")).toBe(DELIVERIES_MAX / 2);
});

test("a tenant with nothing under way has a slot while all but one are taken, and none when all are", () => {
  const underWay: Bound[] = [];
  expect(["a", "b", "c", "d"].map((tenant) => fill(underWay, tenant))).toEqual([2, 1, 1, 0]);
  expect(underWay).toHaveLength(DELIVERIES_MAX);
});

test("one receiver gets no more than its bound, whosever it is", () => {
  const same = (tenant: string): Bound => ({ tenant, host: "hooks.example.com" });
  const underWay = Array.from({ length: HOST_DELIVERIES_MAX - 1 }, (_, at) => same(`t${at}`));
  expect(mayDeliver(underWay, same("z"))).toBe(true);
  underWay.push(same("y"));
  expect(mayDeliver(underWay, same("z"))).toBe(false);
  expect(mayDeliver(underWay, { tenant: "z", host: "elsewhere.example.com" })).toBe(true);
});

test("the turn goes round the tenants", () => {
  expect(turns(["a", "b", "c"], "")).toEqual(["a", "b", "c"]);
  expect(turns(["a", "b", "c"], "a")).toEqual(["b", "c", "a"]);
  expect(turns(["a", "b", "c"], "c")).toEqual(["a", "b", "c"]);
  expect(turns(["a", "c"], "b")).toEqual(["c", "a"]);
  expect(turns([], "a")).toEqual([]);
});
