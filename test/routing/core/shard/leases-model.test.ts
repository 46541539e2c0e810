/** The lease table against a model that anyone can check by eye: an array of leases and a list of ended ids. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  acquireLease,
  checkLeaseTable,
  createLeaseTable,
  expireLeases,
  inFlight,
  inFlightAtWorker,
  placeLease,
  renewLease,
  settleLease,
  TOMBSTONE_MS,
} from "../../../../src/routing/core/shard/leases.ts";
import type { LeaseTable } from "../../../../src/routing/core/shard/leases.ts";

type ModelLease = {
  readonly id: string;
  readonly endpointId: string;
  expiresAtMs: number;
  readonly capAtMs: number;
  workerId?: string;
};

type Model = { now: number; epoch: number; leases: ModelLease[]; ended: Map<string, number> };

type Op =
  | { kind: "acquire"; id: string; endpointId: string; ttlMs: number; extraMs: number }
  | { kind: "renew"; id: string; endpointId: string; epochsBack: number; ttlMs: number; capLeftMs: number }
  | { kind: "settle"; id: string }
  | { kind: "place"; id: string; workerId: string }
  | { kind: "pass"; ms: number }
  | { kind: "restart" };

const ENDPOINTS = ["e1", "e2", "e3"];
const id = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h");
const endpointId = fc.constantFrom(...ENDPOINTS);
const WORKERS = ["w1", "w2"];
const workerId = fc.constantFrom(...WORKERS);
const ttlMs = fc.integer({ min: 1, max: 2_000 });

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("acquire"), id, endpointId, ttlMs, extraMs: fc.nat(3_000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("renew"),
      id,
      endpointId,
      epochsBack: fc.integer({ min: -1, max: 2 }),
      ttlMs,
      capLeftMs: fc.integer({ min: -1, max: 3_000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("settle"), id }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("place"), id, workerId }) },
  {
    weight: 4,
    // Standing still, the usual step, and pauses longer than every bucket and every tombstone.
    arbitrary: fc.record({
      kind: fc.constant("pass"),
      ms: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 600 }), fc.constantFrom(59_999, 60_000, 1e7)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart") }) },
) as fc.Arbitrary<Op>;

/** An id that ended within TOMBSTONE_MS may not come back; later the table may have forgotten it. */
const mustStayEnded = (model: Model, leaseId: string): boolean =>
  model.now < (model.ended.get(leaseId) ?? Number.NEGATIVE_INFINITY) + TOMBSTONE_MS;

const bury = (model: Model, leaseId: string): void => {
  model.leases = model.leases.filter((lease) => lease.id !== leaseId);
  model.ended.set(leaseId, model.now);
};

/** Every operation begins as in the shard: what is due is dropped first, each lease once. */
function expire(table: LeaseTable, model: Model): void {
  const due = model.leases.filter((lease) => lease.expiresAtMs <= model.now);
  const expired = expireLeases(table, model.now).map((lease) => lease.id);
  expect(expired.toSorted()).toEqual(due.map((lease) => lease.id).toSorted());
  for (const lease of due) bury(model, lease.id);
}

function acquire(table: LeaseTable, model: Model, leaseRequest: Extract<Op, { kind: "acquire" }>): void {
  const capMs = leaseRequest.ttlMs + leaseRequest.extraMs;
  const outcome = acquireLease(table, { ...leaseRequest, capMs, spent: true }, model.now);
  const known = model.leases.find((lease) => lease.id === leaseRequest.id);
  if (known !== undefined) {
    expect(outcome).toMatchObject({ kind: "existing", lease: { endpointId: known.endpointId } });
  } else if (outcome.kind === "ended") {
    expect(model.ended.has(leaseRequest.id)).toBe(true);
  } else {
    expect(mustStayEnded(model, leaseRequest.id)).toBe(false);
    expect(outcome.kind).toBe("granted");
    model.leases.push({ ...leaseRequest, expiresAtMs: model.now + leaseRequest.ttlMs, capAtMs: model.now + capMs });
  }
}

function renew(table: LeaseTable, model: Model, leaseRequest: Extract<Op, { kind: "renew" }>): void {
  const { epochsBack, ...renewal } = leaseRequest;
  const outcome = renewLease(table, { ...renewal, epoch: model.epoch - epochsBack }, model.now);
  const known = model.leases.find((lease) => lease.id === leaseRequest.id);
  if (known !== undefined) {
    expect(outcome).toBe("renewed");
    known.expiresAtMs = Math.min(model.now + leaseRequest.ttlMs, known.capAtMs);
  } else if (outcome === "adopted") {
    expect(epochsBack).toBeGreaterThan(0);
    expect(leaseRequest.capLeftMs).toBeGreaterThan(0);
    expect(mustStayEnded(model, leaseRequest.id)).toBe(false);
    const capAtMs = model.now + leaseRequest.capLeftMs;
    model.leases.push({ ...leaseRequest, expiresAtMs: Math.min(model.now + leaseRequest.ttlMs, capAtMs), capAtMs });
  } else {
    expect(outcome).toBe("gone");
    const adoptable = epochsBack > 0 && leaseRequest.capLeftMs > 0 && !model.ended.has(leaseRequest.id);
    expect(adoptable).toBe(false);
  }
}

function settle(table: LeaseTable, model: Model, leaseId: string): void {
  const { kind } = settleLease(table, leaseId, model.now);
  const isLive = model.leases.some((lease) => lease.id === leaseId);
  expect(kind === "settled").toBe(isLive);
  if (mustStayEnded(model, leaseId) && !isLive) expect(kind).toBe("ended");
  bury(model, leaseId);
}

function place(table: LeaseTable, model: Model, leaseRequest: Extract<Op, { kind: "place" }>): void {
  placeLease(table, leaseRequest.id, leaseRequest.workerId);
  const known = model.leases.find((lease) => lease.id === leaseRequest.id);
  if (known !== undefined) known.workerId = leaseRequest.workerId;
}

function compare(table: LeaseTable, model: Model): void {
  checkLeaseTable(table);
  expect([...table.live.keys()].toSorted()).toEqual(model.leases.map((lease) => lease.id).toSorted());
  for (const endpoint of ENDPOINTS) {
    const here = model.leases.filter((lease) => lease.endpointId === endpoint);
    expect(inFlight(table, endpoint)).toBe(here.length);
    for (const worker of WORKERS) {
      const there = here.filter((lease) => lease.workerId === worker).length;
      expect(inFlightAtWorker(table, endpoint, worker)).toBe(there);
    }
  }
  for (const { id: leaseId, expiresAtMs, capAtMs } of model.leases) {
    expect(table.live.get(leaseId)).toMatchObject({ expiresAtMs, capAtMs });
  }
}

test("in-flight is what a list of leases would say, after any sequence of operations", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), fc.integer({ min: -1e6, max: 1e12 }), (ops, startMs) => {
      const model: Model = { now: startMs, epoch: 3, leases: [], ended: new Map() };
      let table = createLeaseTable(model.epoch);
      for (const next of ops) {
        if (next.kind === "pass") model.now += next.ms;
        expire(table, model);
        if (next.kind === "acquire") acquire(table, model, next);
        if (next.kind === "renew") renew(table, model, next);
        if (next.kind === "settle") settle(table, model, next.id);
        if (next.kind === "place") place(table, model, next);
        if (next.kind === "restart") {
          model.epoch += 1;
          table = createLeaseTable(model.epoch);
          model.leases = [];
          model.ended.clear();
        }
        compare(table, model);
      }
      model.now += 1e9;
      expire(table, model);
      expect(table.live.size + table.buckets.size + table.byEndpoint.size + table.byWorker.size).toBe(0);
    }),
    { numRuns: 300 },
  );
});
