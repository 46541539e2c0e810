/**
 * Remembers the requests that keep failing, by what they are (`dispatch/core/failing-requests.ts` decides), and refuses them for a
 * while. A request is known by its tenant, its path and its body: nobody is refused for another's.
 */
import type { AttemptPlan } from "./core/attempt-plan.ts";
import { noteFailing, refusalOf } from "./core/failing-requests.ts";
import { keyedHash } from "../lib/keyed-hash.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Desk } from "./lease-desk.ts";
import type { EdgePool } from "./runtime.ts";
import type { Refusal } from "../wire/refusal.ts";

/** A request, as far as it is told from others. */
type Known = {
  readonly desk: Desk;
  readonly pool: EdgePool;
  readonly outgoing: Outgoing;
  readonly tenant: string;
};

/** Of a longer body its length, its start and its end are hashed, this many bytes each: 16 KiB take 50 µs. */
const HASHED_BYTES = 16_384;

/** Why a request is not sent at all; null: it is. Hashes nothing while no request of the pool has failed lately. */
export function refuseFailing(request: Known): Refusal | null {
  const { failing } = request.pool;
  if (failing.entries.size === 0) return null;
  const known = refusalOf(failing, keyOf(request), Date.now());
  if (known === null) return null;
  return { reason: known.fault === "failed" ? "request_keeps_failing" : "saturated", retryAfterMs: known.forMs };
}

/** It ended without an answer: held against it where two endpoints said so. */
export function noteEnded(request: Known, { disputed, idleRefusals }: AttemptPlan): void {
  const fault = disputed ? "failed" : idleRefusals > 1 ? "no_room" : null;
  if (fault !== null) noteFailing(request.pool.failing, keyOf(request), fault, Date.now());
}

function keyOf({ desk, outgoing, tenant }: Known): string {
  const { body, path } = outgoing;
  const bytes = body === null ? new Uint8Array(0) : new Uint8Array(body);
  const text = new TextDecoder("latin1");
  const start = text.decode(bytes.subarray(0, HASHED_BYTES));
  const end = text.decode(bytes.subarray(Math.max(HASHED_BYTES, bytes.byteLength - HASHED_BYTES)));
  return keyedHash(desk.runtime.affinitySecret, [tenant, String(path), bytes.byteLength, start, end].join("\n"));
}
