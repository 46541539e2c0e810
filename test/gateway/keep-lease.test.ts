import { expect, test } from "vitest";
import { keepLease } from "../../src/gateway/keep-lease.ts";
import type { LeaseAnswer, LeaseClient } from "../../src/routing/host/lease-client.ts";

type Timer = { readonly atMs: number; readonly fn: () => void };

test("a lease that waits for the rails is kept by the clock of its client, until they have spoken", async () => {
  let now = 1_000;
  let timers: Timer[] = [];
  const kept: number[] = [];
  const clock = {
    now: () => now,
    after: (ms: number, fn: () => void) => {
      const timer = { atMs: now + ms, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
  };
  const heldLease = { confirmDueMs: 1_400 };
  const keep = (held: { confirmDueMs: number }): void => {
    kept.push(now);
    held.confirmDueMs = now + 400;
  };
  const leases = { ports: { clock }, keep } as unknown as LeaseClient;
  let over: () => void = () => undefined;
  const rails = new Promise<void>((resolve) => {
    over = resolve;
  });
  const keeping = keepLease(leases, Promise.resolve({ kind: "leased", heldLease } as unknown as LeaseAnswer), rails);
  for (let turn = 0; turn < 3; turn++) {
    await Promise.resolve();
    await Promise.resolve();
    const [next] = timers.splice(0, 1);
    if (next === undefined) throw new Error("nobody keeps it");
    now = next.atMs;
    next.fn();
  }
  expect(kept).toEqual([1_000, 1_400, 1_800, 2_200]);
  over();
  await keeping;
  expect(timers).toEqual([]);
});
