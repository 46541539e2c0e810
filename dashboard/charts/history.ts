/**
 * The minutes that the router has kept, as points, and the point of a frame.
 *
 * Only the outer shape of an answer is looked at: what is no number is not known.
 */
import type { Frame } from "../frame.ts";
import { API, apiCall, memberOf } from "../session/api-call.ts";
import type { Point } from "./points.ts";

const MINUTE_MS = 60_000;

/** Null: the router keeps none, or does not answer. */
export async function loadMinutes(minutes: number): Promise<readonly Point[] | null> {
  const answer = await apiCall("GET", `${API}/history?minutes=${minutes}`);
  return answer.ok ? readMinutes(answer.value) : null;
}

/** `{stepMinutes, minutes}`: where the range is long, a point stands for several minutes. */
export function readMinutes(value: unknown): readonly Point[] | null {
  const list = memberOf(value, "minutes");
  const step = memberOf(value, "stepMinutes");
  const minutes = typeof step === "number" && step > 0 ? step : 1;
  return Array.isArray(list) ? list.flatMap((one: unknown) => spanOf(one, minutes)) : null;
}

/** One span; what has another shape gives no point. It is drawn where it ends. */
function spanOf(value: unknown, minutes: number): readonly Point[] {
  const number = (...path: readonly string[]): number | null => {
    const found = path.reduce(memberOf, value);
    return typeof found === "number" && Number.isFinite(found) ? found : null;
  };
  const atMs = number("atMs");
  if (atMs === null) return [];
  return [
    {
      atMs: atMs + minutes * MINUTE_MS,
      ttftP50Ms: number("ttftMs", "p50"),
      ttftP95Ms: number("ttftMs", "p95"),
      ttftP99Ms: number("ttftMs", "p99"),
      requestsPerS: per(number("requests"), minutes * 60),
      errorsPerS: per(number("errors"), minutes * 60),
      inFlight: number("inFlight"),
      capacity: number("capacity"),
      queued: number("queued"),
      oldestQueuedMs: number("oldestQueuedMs"),
      spillsPerMin: per(number("spills"), minutes),
      retriesPerMin: per(number("retries"), minutes),
      hedgesPerMin: per(number("hedges"), minutes),
    },
  ];
}

const per = (count: number | null, units: number): number | null => (count === null ? null : count / units);

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
