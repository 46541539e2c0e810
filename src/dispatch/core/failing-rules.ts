/** What is held against a request that failed (`failing-requests.ts` has the model): loaded when the first one has. */
import { CUT_ASKED_MS_MAX } from "../../routing/core/endpoint/capacity-cut.ts";
import type { FailedEntry, FailingRequests, RequestFault } from "./failing-requests.ts";

/** So often a request may fail at two endpoints. */
export const FAILING_TIMES = 3;
/** How long a failure is held against a request, ms: an endpoint that was mended is tried within half a minute. */
export const FAILING_MS = 30_000;
/** Requests remembered; the oldest is forgotten first. */
export const FAILING_MAX = 256;

/** The request `key` failed at two endpoints. */
export function noteFailing(failing: FailingRequests, key: string, fault: RequestFault, now: number): void {
  const { entries, served } = failing;
  const known = entries.get(key);
  const isRow = known !== undefined && now - known.lastMs < FAILING_MS;
  keep(failing, key, {
    fault,
    times: isRow ? known.times + 1 : 1,
    lastMs: now,
    servedBefore: isRow ? known.servedBefore : served,
    askedUntilMs: known?.askedUntilMs ?? 0,
  });
}

/** Idle endpoints refused the request `key`, and all of them asked for a wait. */
export function noteAsked(failing: FailingRequests, key: string, askedMs: number, now: number): void {
  const known = failing.entries.get(key) ?? { fault: "no_room", times: 0, lastMs: now, servedBefore: failing.served };
  keep(failing, key, { ...known, askedUntilMs: now + Math.min(CUT_ASKED_MS_MAX, askedMs) });
}

function keep({ entries }: FailingRequests, key: string, entry: FailedEntry): void {
  entries.delete(key);
  entries.set(key, entry);
  if (entries.size <= FAILING_MAX) return;
  const oldest = entries.keys().next();
  if (oldest.done !== true) entries.delete(oldest.value);
}

/** Why the request `key` is not sent now, and for how long; null: it is. */
export function refusalOf(
  { entries, served }: FailingRequests,
  key: string,
  now: number,
): { readonly fault: RequestFault; readonly forMs: number } | null {
  const known = entries.get(key);
  if (known !== undefined && now < known.askedUntilMs) return { fault: "no_room", forMs: known.askedUntilMs - now };
  if (known === undefined || known.times < FAILING_TIMES || served === known.servedBefore) return null;
  const forMs = known.lastMs + FAILING_MS - now;
  return forMs > 0 ? { fault: known.fault, forMs } : null;
}
