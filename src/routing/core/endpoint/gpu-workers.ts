/**
 * Decides which GPU worker behind an endpoint a request should ask for, where the endpoint tells who answered.
 *
 * Model. Behind one address a platform runs several GPU workers and says in each answer which one it was. The shard
 * remembers who answered lately and counts live leases by GPU worker. A request whose session or prefix is in
 * one's cache asks for that one; any other asks for the emptiest, but only when every warm worker is known,
 * because steering among some would starve the rest. In both cases only below the per-worker concurrency: else the
 * request names nobody, and the platform chooses. The name is a wish (`X-Runpod-Worker-Id: <id>`): who is full or
 * gone is replaced by the platform.
 * Source: docs/reference/sources.md, Runpod load balancing (soft affinity). Rejected: the `strict` form, which makes a request
 * wait for minutes for a worker that is gone.
 */

/** When each GPU worker last answered; the one that answered last comes last. Written in place. */
export type GpuWorkers = Map<string, number>;

/** GPU workers remembered per endpoint: no serverless endpoint runs more by default. */
export const WORKERS_KNOWN_MAX = 64;

export function createGpuWorkers(): GpuWorkers {
  return new Map();
}

export function seenWorker(workers: GpuWorkers, workerId: string, now: number): void {
  workers.delete(workerId);
  workers.set(workerId, now);
  if (workers.size <= WORKERS_KNOWN_MAX) return;
  const longestSilent = workers.keys().next();
  if (longestSilent.done !== true) workers.delete(longestSilent.value);
}

export function lostWorker(workers: GpuWorkers, workerId: string): void {
  workers.delete(workerId);
}

export type WorkerRequest = {
  /** Who has the request's prompt in its cache; null: nobody, or it is not known. */
  readonly home: string | null;
  /** Warm GPU workers by the last probe. */
  readonly warmWorkers: number;
  /** Requests one of them serves at once. */
  readonly concurrency: number;
  /** A worker silent for longer may have been scaled in, ms. */
  readonly idleTimeoutMs: number;
  /** Live leases at a GPU worker. */
  readonly inFlightOf: (workerId: string) => number;
};

/** The GPU worker to ask for; null: name nobody. */
export function pickWorker(workers: GpuWorkers, leaseRequest: WorkerRequest, now: number): string | null {
  for (const [workerId, seenMs] of workers) {
    if (now - seenMs <= leaseRequest.idleTimeoutMs || leaseRequest.inFlightOf(workerId) > 0) continue;
    workers.delete(workerId);
  }
  const { home, concurrency, inFlightOf } = leaseRequest;
  if (home !== null && workers.has(home) && inFlightOf(home) < concurrency) return home;
  if (workers.size < leaseRequest.warmWorkers) return null;
  let emptiest: string | null = null;
  let least = concurrency;
  for (const workerId of workers.keys()) {
    const inFlight = inFlightOf(workerId);
    if (inFlight >= least) continue;
    emptiest = workerId;
    least = inFlight;
  }
  return emptiest;
}
