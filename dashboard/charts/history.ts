/**
 * The minutes that the router has kept, as points, and the point of a frame.
 *
 * Only the outer shape of an answer is looked at: what is no number is not known.
 */
import type { Frame } from "../frame.ts";
import { API, apiCall, memberOf } from "../session/api-call.ts";
import type { Point } from "./points.ts";

/** Null: the router keeps none, or does not answer. */
export async function loadMinutes(minutes: number): Promise<readonly Point[] | null> {
  const answer = await apiCall("GET", `${API}/history?minutes=${minutes}`);
  const list = answer.ok ? memberOf(answer.value, "minutes") : null;
  return Array.isArray(list) ? list.flatMap(minuteOf) : null;
}

/** One minute; an answer of another shape gives no point. */
export function minuteOf(value: unknown): readonly Point[] {
  const number = (...path: readonly string[]): number | null => {
    const found = path.reduce(memberOf, value);
    return typeof found === "number" && Number.isFinite(found) ? found : null;
  };
  const atMs = number("atMs");
  if (atMs === null) return [];
  return [
    {
      atMs,
      ttftP50Ms: number("ttftMs", "p50"),
      ttftP95Ms: number("ttftMs", "p95"),
      ttftP99Ms: number("ttftMs", "p99"),
      requestsPerS: per(number("requests"), 60),
      errorsPerS: per(number("errors"), 60),
      inFlight: number("inFlight"),
      capacity: number("capacity"),
      queued: number("queued"),
      oldestQueuedMs: number("oldestQueuedMs"),
      spillsPerMin: number("spills"),
      retriesPerMin: number("retries"),
      hedgesPerMin: number("hedges"),
    },
  ];
}

const per = (count: number | null, seconds: number): number | null => (count === null ? null : count / seconds);

/** What a frame says of its last moments. */
export function pointOf({ atMs, rates, jobs }: Frame): Point | null {
  if (rates === null) return null;
  const { ttftMs, requestsPerS, errorShare, windowS, inFlight, capacity, queued, spills, retries, hedges } = rates;
  const perMin = (count: number): number | null => per(count * 60, windowS);
  const ages = jobs.map(({ oldestQueuedMs }) => oldestQueuedMs).filter((age) => age !== null);
  return {
    atMs,
    ttftP50Ms: ttftMs.p50,
    ttftP95Ms: ttftMs.p95,
    ttftP99Ms: ttftMs.p99,
    requestsPerS,
    errorsPerS: errorShare === null ? 0 : errorShare * requestsPerS,
    inFlight,
    capacity,
    queued,
    oldestQueuedMs: ages.length === 0 ? null : Math.max(...ages),
    spillsPerMin: perMin(spills),
    retriesPerMin: perMin(retries),
    hedgesPerMin: perMin(hedges),
  };
}
