/** A request that was served at its first attempt, and whatever a test wants to be otherwise. */
import type { AttemptRecord, RequestRecord } from "../../src/sight/core/record.ts";

export const attemptRecord = (wish: Partial<AttemptRecord> = {}): AttemptRecord => ({
  endpoint: "gpu-us",
  region: "us-east",
  why: "nearest_warm",
  sentMs: 4,
  firstByteMs: 104,
  endedMs: 1_004,
  status: 200,
  lost: null,
  hedge: false,
  said: null,
  ...wish,
});

export const requestRecord = (wish: Partial<RequestRecord> = {}): RequestRecord => ({
  id: "req_1",
  traceId: null,
  atMs: 0,
  method: "POST",
  route: "/v1/chat/completions",
  tenant: "acme",
  keyId: "k",
  pool: "llama",
  model: "meta/llama",
  stream: true,
  priority: "normal",
  colo: null,
  clientRegion: "us-east",
  outcome: "served",
  reason: null,
  status: 200,
  endpoint: "gpu-us",
  region: "us-east",
  why: "nearest_warm",
  attempts: [attemptRecord()],
  rails: [],
  ms: { overhead: 4, lease: 2, queue: 0, rails: 1, ttft: 104, total: 1_004 },
  tokens: { in: 100, cached: 20, out: 10 },
  bytes: { in: 500, out: 2_000 },
  ...wish,
});
