import { describe, expect, test } from "vitest";
import { createFailingRequests, noteServed } from "../../../src/dispatch/core/failing-requests.ts";
import {
  FULL_MS,
  FULL_MS_MAX,
  FULL_TENANTS_MAX,
  FULL_TIMES,
  fullFor,
  noteFull,
} from "../../../src/dispatch/core/full-lately.ts";

function refused(times: number, now = 0) {
  const failing = createFailingRequests();
  for (let time = 0; time < times; time++) noteFull(failing.full, "e1", "acme", now);
  return failing;
}

describe("an idle endpoint that refuses a tenant's requests", () => {
  test("is full for that tenant from the FULL_TIMESth in a row on, and not one sooner", () => {
    expect(fullFor(refused(FULL_TIMES - 1).full, "acme", 0)).toEqual([]);
    const { full } = refused(FULL_TIMES);
    expect(fullFor(full, "acme", 0)).toEqual(["e1"]);
    expect(fullFor(full, "another", 0), "nobody else").toEqual([]);
  });

  test("is tried again when FULL_MS are over, and then after twice as long, up to FULL_MS_MAX", () => {
    const { full } = refused(FULL_TIMES);
    const waits: number[] = [];
    let now = 0;
    for (let wait = 0; wait < 5; wait++) {
      const sinceMs = now;
      while (fullFor(full, "acme", now).length > 0) now += 1;
      waits.push(now - sinceMs);
      noteFull(full, "e1", "acme", now);
    }
    expect(waits).toEqual([FULL_MS, 2 * FULL_MS, FULL_MS_MAX, FULL_MS_MAX, FULL_MS_MAX]);
  });

  test("is full no longer for what it refuses within its wait, but from then on", () => {
    const { full } = refused(FULL_TIMES);
    for (let now = 0; now < FULL_MS; now += 10) noteFull(full, "e1", "acme", now);
    expect(fullFor(full, "acme", FULL_MS - 10 + FULL_MS - 1)).toEqual(["e1"]);
    expect(fullFor(full, "acme", FULL_MS - 10 + FULL_MS)).toEqual([]);
  });

  test("has room again with the first request that it serves, whoever's it is", () => {
    const failing = refused(10);
    noteServed(failing, "e2", 1);
    expect(fullFor(failing.full, "acme", 1)).toEqual(["e1"]);
    noteServed(failing, "e1", 1);
    expect(fullFor(failing.full, "acme", 1)).toEqual([]);
  });

  test("is remembered for FULL_TENANTS_MAX tenants, of which the first goes for one more", () => {
    const { full } = createFailingRequests();
    const note = (tenant: string): void => {
      for (let time = 0; time < FULL_TIMES; time++) noteFull(full, "e1", tenant, 0);
    };
    for (let tenant = 0; tenant < FULL_TENANTS_MAX; tenant++) note(`t${tenant}`);
    expect(fullFor(full, "t0", 0)).toEqual(["e1"]);
    note("one-more");
    expect([fullFor(full, "t0", 0), fullFor(full, "t1", 0)]).toEqual([[], ["e1"]]);
  });
});
