/** A patient request: held however long its wait is expected to be, and for no longer than anybody else. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { applyProbe } from "../../../../src/routing/core/shard/shard-observe.ts";
import { applyReport, sweep } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, poolSpec, settlement } from "./shard-fixture.ts";

const EPOCH = 5;
const READY = { kind: "ready", warmWorkers: null } as const;
const rng = seededRng(1);

/** A wait of 500 ms is expected, and this pool holds nobody for longer than 499. */
const WAIT_MS_MAX = 499;

function fullShard(queueDepthMax = 10): ShardState {
  const pool = poolSpec([endpointSpec()], { queueWaitMsMax: WAIT_MS_MAX, queueDepthMax });
  const state = createShard(pool, "us", EPOCH, 0);
  for (let i = 1; i <= 4; i++) expect(ask(state, `i-${i}`).kind).toBe("granted");
  return state;
}

const ask = (state: ShardState, leaseId: string, patient?: boolean) =>
  acquire(state, acquireRequest(leaseId, patient === undefined ? {} : { patient }), 0, rng).reply.outcome;

describe("a patient request at a full shard", () => {
  test.each([
    { patient: undefined, kind: "shed" },
    { patient: false, kind: "shed" },
    { patient: true, kind: "queued" },
  ])("whose wait would be longer than the pool's is answered $kind when it says $patient", ({ patient, kind }) => {
    expect(ask(fullShard(), "i-5", patient)).toMatchObject({ kind });
  });

  test("has the slot that frees sooner than was expected", () => {
    const state = fullShard();
    ask(state, "i-5", true);
    const settled = [settlement({ leaseId: "i-1", epoch: EPOCH })];
    expect(applyReport(state, { settled, held: [] }, 1, rng)).toEqual([{ kind: "resolved", leaseId: "i-5" }]);
    expect(state.leases.live.has("i-5")).toBe(true);
  });

  test("is refused over the depth of the queue, as anybody is", () => {
    const state = fullShard(2);
    expect(["i-5", "i-6", "i-7"].map((id) => ask(state, id, true).kind)).toEqual(["queued", "queued", "shed"]);
  });

  test("gives up when the pool's wait is over, and not before", () => {
    const state = fullShard();
    ask(state, "i-5", true);
    expect(sweep(state, WAIT_MS_MAX - 1, rng)).toEqual([]);
    expect(sweep(state, WAIT_MS_MAX, rng)).toEqual([{ kind: "resolved", leaseId: "i-5" }]);
    expect(state.resolved.get("i-5")?.outcome).toMatchObject({ kind: "shed" });
  });
});

describe("a patient request at a shard of which no endpoint takes traffic", () => {
  const gone = (): ShardState => {
    const state = createShard(poolSpec([endpointSpec()]), "us", EPOCH, 0);
    for (let times = 0; times < 3; times++) applyProbe(state, endpointSpec().id, { kind: "failed" }, 0, rng);
    return state;
  };

  test("waits, where any other is sent there in panic or refused", () => {
    expect(["granted", "no_endpoint", "shed"]).toContain(ask(gone(), "i-1", false).kind);
    expect(ask(gone(), "i-1", true)).toMatchObject({ kind: "queued" });
  });

  test("has a slot with the very probe that finds the endpoint again", () => {
    const state = gone();
    ask(state, "i-1", true);
    const effects = applyProbe(state, endpointSpec().id, READY, 1, rng);
    expect(effects).toContainEqual({ kind: "resolved", leaseId: "i-1" });
    expect(state.resolved.get("i-1")?.outcome).toMatchObject({ kind: "granted" });
  });
});
