/**
 * What a run says of its faults: does traffic leave a bad endpoint, what is lost with it, and does traffic come back.
 *
 * Model. Only of faults that hit endpoints and serve nobody (`fail_fast`, `black_hole`, `outage`). The first NOTICE_MS
 * are the router's to notice in, both ways. A stream that breaks after its first token is counted apart: nobody may try
 * it again, so no router can save it.
 */
import { OUTCOME } from "./outcomes.ts";
import type { World } from "./world.ts";

/** A router may take this long to notice that something fails, or that it is back, ms. */
export const NOTICE_MS = 5_000;

/** Traffic must be back this long after the end of a fault, ms. */
export const BACK_MS = 10_000;

const SERVES_NOBODY: readonly string[] = ["fail_fast", "black_hole", "outage"];

export type FaultMetrics = {
  /** Dispatches to hit endpoints, of all from NOTICE_MS after the beginning to the end of the faults; NaN when none. */
  readonly strayShare: number;
  /** Requests whose answer broke after its first token. */
  readonly cutStreams: number;
  /** Requests that got no first token at all. */
  readonly lostRequests: number;
  /**
   * Of the requests of the hit regions' clients, the share last sent within their region: in the NOTICE_MS before the
   * faults, and from NOTICE_MS to BACK_MS after them; NaN when there were none.
   */
  readonly homeBefore: number;
  readonly homeAfter: number;
};

/** Null for a scenario without such faults. */
export function faultMetrics(world: World): FaultMetrics | null {
  const windows = world.workload.faults.filter(({ fault }) => SERVES_NOBODY.includes(fault.kind));
  if (windows.length === 0) return null;
  const { attempts, outcomes, requests } = world;
  const stray = { hit: 0, all: 0 };
  const lastEndpoint = new Int32Array(requests.count).fill(-1);
  for (let attempt = 0; attempt < attempts.count; attempt += 1) {
    const endpoint = attempts.endpointOf(attempt);
    const sentMs = attempts.dispatchedMs[attempt] ?? 0;
    lastEndpoint[attempts.requestOf(attempt)] = endpoint;
    const open = windows.filter(({ fromMs, toMs }) => sentMs >= fromMs + NOTICE_MS && sentMs < toMs);
    if (open.length === 0) continue;
    stray.all += 1;
    if (open.some(({ fault }) => fault.endpoints.includes(endpoint))) stray.hit += 1;
  }
  let cutStreams = 0;
  let lostRequests = 0;
  for (let request = 0; request < requests.count; request += 1) {
    const outcome = outcomes.outcome[request];
    if (outcome !== OUTCOME.failed && outcome !== OUTCOME.open) continue;
    if ((outcomes.winner[request] ?? -1) >= 0) cutStreams += 1;
    else lostRequests += 1;
  }
  const homeShare = (begins: (window: (typeof windows)[number]) => number): number => {
    const count = { home: 0, all: 0 };
    for (const window of windows) {
      const regions = new Set(window.fault.endpoints.map((endpoint) => world.regionOf(endpoint)));
      const fromMs = begins(window);
      for (let request = 0; request < requests.count; request += 1) {
        const atMs = requests.arrivalMs[request] ?? 0;
        const region = requests.region[request] ?? 0;
        if (atMs < fromMs || atMs >= fromMs + BACK_MS - NOTICE_MS || !regions.has(region)) continue;
        const endpoint = lastEndpoint[request] ?? -1;
        if (endpoint < 0) continue;
        count.all += 1;
        if (world.regionOf(endpoint) === region) count.home += 1;
      }
    }
    return count.home / count.all;
  };
  return {
    strayShare: stray.hit / stray.all,
    cutStreams,
    lostRequests,
    homeBefore: homeShare(({ fromMs }) => fromMs - BACK_MS + NOTICE_MS),
    homeAfter: homeShare(({ toMs }) => toMs + NOTICE_MS),
  };
}
