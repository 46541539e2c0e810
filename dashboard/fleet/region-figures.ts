/** What the map and its table say of a region: its endpoints by state, how full they are, and what it sends elsewhere. */
import type { Frame } from "../frame.ts";
import type { ShownRequest } from "../record.ts";
import { ENDPOINT_STATES } from "../store/endpoint-rows.ts";
import type { EndpointRow, EndpointState } from "../store/endpoint-rows.ts";

export type RegionFigures = {
  readonly region: string;
  /** Null: none of its endpoints was ever told of. */
  readonly place: { readonly lat: number; readonly lon: number } | null;
  /** Pools whose shard there does not answer. */
  readonly silent: readonly string[];
  /** How many endpoints are in each state that occurs, the worst first. */
  readonly states: readonly (readonly [state: EndpointState, count: number])[];
  /** The state that a mark on the map shows: the worst, but of a region that serves all the same not "down". */
  readonly mark: EndpointState;
  readonly endpoints: number;
  /** Of those that are told of now; null: none is. */
  readonly inFlight: number | null;
  readonly capacity: number | null;
  /** Null: no shard of it answered. */
  readonly queued: number | null;
};

/** In the order of the config, which is the order of the frame. */
export function regionFigures(rows: readonly EndpointRow[], fleet: Frame["fleet"]): readonly RegionFigures[] {
  const names = new Set([...fleet, ...rows].map(({ region }) => region));
  return [...names].map((region) => {
    const members = rows.filter((row) => row.region === region);
    const [first] = members;
    const states = ENDPOINT_STATES.map(
      (state) => [state, members.filter((row) => row.state === state).length] as const,
    );
    const found = states.filter(([, count]) => count > 0);
    const told = fleet.flatMap((shard) => (shard.region === region && shard.queued !== null ? [shard.queued] : []));
    return {
      region,
      place: first === undefined ? null : { lat: first.lat, lon: first.lon },
      silent: fleet.flatMap((shard) => (shard.region === region && !shard.reachable ? [shard.pool] : [])),
      states: found,
      mark: markOf(found),
      endpoints: members.length,
      inFlight: sum(members, "inFlight"),
      capacity: sum(members, "capacity"),
      queued: told.length === 0 ? null : told.reduce((total, count) => total + count, 0),
    };
  });
}

const OUT: ReadonlySet<EndpointState> = new Set(["down", "ejected", "draining"]);

/** Some out of traffic and some not is a region to look at, not one that is gone. */
function markOf(found: RegionFigures["states"]): EndpointState {
  const worst = found[0]?.[0] ?? "unknown";
  return OUT.has(worst) && found.some(([state]) => !OUT.has(state)) ? "suspect" : worst;
}

function sum(rows: readonly EndpointRow[], member: "inFlight" | "capacity"): number | null {
  const told = rows.filter(({ state }) => state !== "unknown");
  return told.length === 0 ? null : told.reduce((total, row) => total + row[member], 0);
}

/** Requests whose nearest region was `from` and that `to` answered. */
export type Flow = { readonly from: string; readonly to: string; readonly count: number };

/** More arcs than this hide the map. */
export const FLOWS_MAX = 12;

/** Of the decisions that the page keeps; the most first. */
export function flowsOf(records: readonly ShownRequest[]): readonly Flow[] {
  const counts = new Map<string, Flow>();
  for (const { clientRegion, region } of records) {
    if (clientRegion === null || region === null || clientRegion === region) continue;
    const key = `${clientRegion}\n${region}`;
    counts.set(key, { from: clientRegion, to: region, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].toSorted((one, other) => other.count - one.count).slice(0, FLOWS_MAX);
}
