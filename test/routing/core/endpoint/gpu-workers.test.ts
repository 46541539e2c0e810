import { describe, expect, test } from "vitest";
import {
  createGpuWorkers,
  lostWorker,
  pickWorker,
  seenWorker,
  WORKERS_KNOWN_MAX,
} from "../../../../src/routing/core/endpoint/gpu-workers.ts";
import type { WorkerRequest } from "../../../../src/routing/core/endpoint/gpu-workers.ts";

const known = (...ids: string[]) => {
  const workers = createGpuWorkers();
  for (const id of ids) seenWorker(workers, id, 0);
  return workers;
};

const leaseRequest = (
  inFlight: Readonly<Record<string, number>>,
  changes: Partial<WorkerRequest> = {},
): WorkerRequest => ({
  home: null,
  warmWorkers: 2,
  concurrency: 4,
  idleTimeoutMs: 60_000,
  inFlightOf: (id) => inFlight[id] ?? 0,
  ...changes,
});

describe("a request", () => {
  test.each([
    { name: "the emptiest GPU worker", leaseRequest: leaseRequest({ a: 2, b: 1 }), is: "b" },
    { name: "nobody while one is not known", leaseRequest: leaseRequest({ a: 0, b: 0 }, { warmWorkers: 3 }), is: null },
    { name: "nobody when all are full", leaseRequest: leaseRequest({ a: 4, b: 4 }), is: null },
    { name: "the one with a slot below the concurrency", leaseRequest: leaseRequest({ a: 4, b: 3 }), is: "b" },
    { name: "its home, although it is fuller", leaseRequest: leaseRequest({ a: 3, b: 0 }, { home: "a" }), is: "a" },
    {
      name: "its home, also while others are not known",
      leaseRequest: leaseRequest({}, { home: "a", warmWorkers: 9 }),
      is: "a",
    },
    { name: "another when its home is full", leaseRequest: leaseRequest({ a: 4, b: 0 }, { home: "a" }), is: "b" },
    {
      name: "another when its home is not there any more",
      leaseRequest: leaseRequest({ a: 1, b: 0 }, { home: "gone" }),
      is: "b",
    },
  ])("asks for $name", ({ leaseRequest: wished, is }) => {
    expect(pickWorker(known("a", "b"), wished, 0)).toBe(is);
  });
});

describe("a GPU worker", () => {
  test("that was silent for longer than the idle time-out is not asked for, unless it runs something", () => {
    const workers = known("a", "b");
    seenWorker(workers, "b", 30_000);
    expect(pickWorker(workers, leaseRequest({ a: 1 }, { home: "a" }), 60_001)).toBe("a");
    expect(pickWorker(workers, leaseRequest({}, { home: "a", warmWorkers: 1 }), 60_001)).toBe("b");
    expect([...workers.keys()]).toEqual(["b"]);
  });

  test("that was lost is not asked for", () => {
    const workers = known("a", "b");
    lostWorker(workers, "a");
    expect(pickWorker(workers, leaseRequest({}, { home: "a", warmWorkers: 1 }), 0)).toBe("b");
  });

  test("that was silent longest makes room for one more than WORKERS_KNOWN_MAX", () => {
    const workers = known(...Array.from({ length: WORKERS_KNOWN_MAX }, (_, index) => `w${index}`));
    seenWorker(workers, "w0", 1);
    seenWorker(workers, "new", 2);
    expect(workers.size).toBe(WORKERS_KNOWN_MAX);
    expect(["w0", "w1", "new"].map((id) => workers.has(id))).toEqual([true, false, true]);
  });
});
