/** Plain values that the tests of the decision core share: places, specs, views and messages with one change each. */
import { createEndpoint, observeAttempt as observe } from "../../../../src/routing/core/endpoint/endpoint.ts";
import type { EndpointState } from "../../../../src/routing/core/endpoint/endpoint-state.ts";
import { staticView } from "../../../../src/routing/core/endpoint/static-view.ts";
import type { EndpointView } from "../../../../src/routing/core/endpoint/endpoint-view.ts";
import type { EndpointSpec, PoolSpec } from "../../../../src/routing/core/pool.ts";
import type { AcquireRequest, AwaitOutcome, Grant, Settlement } from "../../../../src/routing/core/shard-messages.ts";

export const US = { lat: 39, lon: -77.5 };
export const EU = { lat: 50.1, lon: 8.7 };

export function endpointSpec(changes: Partial<EndpointSpec> = {}): EndpointSpec {
  return {
    id: "e1",
    region: "us",
    place: US,
    workersMin: 1,
    workersMax: 2,
    concurrencyPerWorker: 4,
    scalerValue: 4,
    idleTimeoutMs: 60_000,
    // So that capacity is a hard bound; `plan.test.ts` looks at the other kind.
    queuesExcess: false,
    coldStartMs: 20_000,
    prefillTokensPerMs: 10,
    ...changes,
  };
}

export function poolSpec(
  endpoints: readonly EndpointSpec[] = [endpointSpec()],
  changes: Partial<PoolSpec> = {},
): PoolSpec {
  return {
    id: "pool",
    endpoints,
    leaseTtlMs: 30_000,
    leaseCapMs: 300_000,
    queueDepthMax: 10,
    queueWaitMsMax: 10_000,
    coldWaitMsMax: 5_000,
    ...changes,
  };
}

export const endpointState = (changes: Partial<EndpointSpec> = {}, now = 0): EndpointState =>
  createEndpoint(endpointSpec(changes), now);

/** A warm, idle endpoint right beside the client: its cost is the changes. */
export function endpointView(changes: Partial<EndpointView> = {}): EndpointView {
  return {
    ...staticView(endpointSpec()),
    failureProbability: 0,
    roundTripMs: { here: 0 },
    capacity: 8,
    ...changes,
  };
}

export function acquireRequest(leaseId: string, changes: Partial<AcquireRequest> = {}): AcquireRequest {
  return {
    leaseId,
    client: US,
    clientKey: "here",
    inputTokens: 0,
    excluded: [],
    hop: 0,
    recentPerSecond: 0,
    ahead: false,
    wantsSnapshot: false,
    explain: false,
    carry: { settled: [], held: [] },
    ...changes,
  };
}

export function settlement(changes: Partial<Settlement> = {}): Settlement {
  return {
    leaseId: "i-1",
    endpointId: "e1",
    epoch: 1,
    outcome: "served",
    heldMs: 2_000,
    ttftMs: null,
    headersMs: null,
    clientKey: "here",
    inputTokens: 0,
    inFlightAtGrant: 0,
    ...changes,
  };
}

export function grantOf(leaseId: string, changes: Partial<Grant> = {}): Grant {
  return {
    leaseId,
    endpointId: "e1",
    region: "us",
    epoch: 1,
    reason: "nearest_warm",
    costMs: 5,
    ttlMs: 30_000,
    capMs: 300_000,
    inFlightAtGrant: 0,
    credits: 0,
    creditLifeMs: 250,
    ...changes,
  };
}

/** The grant in an outcome; throws for any other outcome, which fails the test that expected one. */
export function granted(outcome: AwaitOutcome | { readonly kind: string } | undefined): Grant {
  if (outcome === undefined || outcome.kind !== "granted" || !("grant" in outcome)) {
    throw new Error(`expected a grant, got ${JSON.stringify(outcome)}`);
  }
  return outcome.grant;
}

/** An end that an endpoint is told, with the middle of every draw. */
export const observeAttempt = (state: EndpointState, seen: Settlement, now: number): boolean =>
  observe(state, seen, now, () => 0.5);
