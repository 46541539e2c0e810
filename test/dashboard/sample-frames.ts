/** Frames as a router of many endpoints sends them: the same for the same seed. */
import type { Frame } from "../../dashboard/frame.ts";
import type { ShownRequest } from "../../dashboard/record.ts";

export type SampleEndpoint = Frame["fleet"][number]["endpoints"][number];

export function sampleEndpoint(changes: Partial<SampleEndpoint> = {}): SampleEndpoint {
  return {
    id: "gpu-1",
    region: "eu-west",
    place: { lat: 50.1, lon: 8.7 },
    warmth: "warm",
    coldMs: 0,
    standing: "admitting",
    inFlight: 3,
    capacity: 8,
    occupancyMs: 1_200,
    prefillTokensPerMs: 10,
    workTokens: 0,
    failureProbability: 0.025,
    lastFailure: null,
    ...changes,
  };
}

export function sampleRecord(changes: Partial<ShownRequest> = {}): ShownRequest {
  return {
    id: "req-1",
    traceId: null,
    span: null,
    atMs: 1_000,
    method: "POST",
    route: "/v1/chat/completions",
    operation: "chat",
    tenant: "acme",
    keyId: "ops",
    pool: "chat",
    model: "llama-3.1-8b",
    stream: true,
    priority: "normal",
    colo: null,
    clientRegion: "eu-west",
    outcome: "served",
    reason: null,
    status: 200,
    endpoint: "gpu-1",
    region: "eu-west",
    why: "nearest_warm",
    attempts: [],
    rails: [],
    ms: { overhead: 1.2, lease: 0.8, queue: 0, rails: 1, ttft: 84, total: 900 },
    tokens: { in: 120, cached: 0, out: 64 },
    costMicros: null,
    bytes: { in: 800, out: 4_000 },
    ...changes,
  };
}

export function sampleFrame(
  changes: Partial<Frame> = {},
  endpoints: readonly SampleEndpoint[] = [sampleEndpoint()],
): Frame {
  const regions = Map.groupBy(endpoints, ({ region }) => region);
  return {
    v: 1,
    atMs: 10_000,
    fleet: [...regions].map(([region, members]) => ({
      pool: "chat",
      region,
      reachable: true,
      liveLeases: members.reduce((sum, { inFlight }) => sum + inFlight, 0),
      queued: 0,
      endpoints: members,
    })),
    rates: null,
    decisions: [],
    jobs: [],
    events: [],
    ...changes,
  };
}
