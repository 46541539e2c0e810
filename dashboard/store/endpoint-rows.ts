/**
 * What the page shows of an endpoint, made of what the router says of it and of what its last requests have shown.
 *
 * Model. One state of a closed set, the worst that holds: a reader asks "does it take traffic, and if not, why not".
 * Rows are flat values, so that two of them can be compared member by member and a row that shows the same is left alone.
 */
import type { Frame } from "../frame.ts";
import type { ShownRequest } from "../record.ts";

export const ENDPOINT_STATES = [
  "down",
  "ejected",
  "draining",
  "suspect",
  "full",
  "warming",
  "cold",
  "up",
  "unknown",
] as const;

export type EndpointState = (typeof ENDPOINT_STATES)[number];

/** A fresh endpoint is expected to fail 1 in 40; two failures among its last attempts show as this much. */
export const SUSPECT_PROBABILITY = 0.1;

export type EndpointRow = {
  /** Of this row: pool and endpoint. */
  readonly key: string;
  readonly id: string;
  readonly pool: string;
  readonly region: string;
  readonly lat: number;
  readonly lon: number;
  readonly state: EndpointState;
  /** Why it is in this state or how long yet, where there is more to say; "" otherwise. */
  readonly stateNote: string;
  readonly warmth: "cold" | "warming" | "warm";
  readonly coldMs: number;
  readonly inFlight: number;
  readonly capacity: number;
  /** Prompt tokens in line; null: not known. */
  readonly workTokens: number | null;
  /** Median of its last answers, ms; null: none since the page was opened. */
  readonly ttftMs: number | null;
  readonly failureProbability: number;
  readonly failureText: string | null;
  readonly failureKind: string | null;
  readonly failureStatus: number | null;
  readonly failureHint: string | null;
  /** On the router's clock; null: nothing failed. */
  readonly failureAtMs: number | null;
};

type Shard = Frame["fleet"][number];
type Endpoint = Shard["endpoints"][number];

const rowKey = (pool: string, id: string): string => `${pool}/${id}`;

/** Every endpoint of the frame, and of `before` those whose shard did not answer: gone from sight is not gone. */
export function endpointRows(
  frame: Frame,
  before: ReadonlyMap<string, EndpointRow>,
  ttftOf: (endpoint: string) => number | null,
): readonly EndpointRow[] {
  const silent = new Set(
    frame.fleet.filter(({ reachable }) => !reachable).map(({ pool, region }) => `${pool}/${region}`),
  );
  const seen = frame.fleet.flatMap((shard) =>
    shard.endpoints.map((endpoint) => rowOf(shard, endpoint, frame.atMs, ttftOf(endpoint.id))),
  );
  const unseen = [...before.values()]
    .filter(({ pool, region }) => silent.has(`${pool}/${region}`))
    .map((row) => ({ ...row, state: "unknown" as const, stateNote: "its shard does not answer" }));
  return [...seen, ...unseen];
}

function rowOf(shard: Shard, endpoint: Endpoint, atMs: number, ttftMs: number | null): EndpointRow {
  const { lastFailure } = endpoint;
  const state = stateOf(endpoint);
  return {
    key: rowKey(shard.pool, endpoint.id),
    id: endpoint.id,
    pool: shard.pool,
    region: endpoint.region,
    lat: endpoint.place.lat,
    lon: endpoint.place.lon,
    state,
    stateNote: noteOf(state, endpoint),
    warmth: endpoint.warmth,
    coldMs: Math.round(endpoint.coldMs / 1_000) * 1_000,
    inFlight: endpoint.inFlight,
    capacity: endpoint.capacity,
    workTokens: endpoint.workTokens ?? null,
    ttftMs,
    failureProbability: Math.round(endpoint.failureProbability * 1_000) / 1_000,
    failureText: lastFailure?.text ?? null,
    failureKind: lastFailure?.kind ?? null,
    failureStatus: lastFailure?.status ?? null,
    failureHint: lastFailure?.hint ?? null,
    // Whole seconds: the age grows with the clock, the instant does not move.
    failureAtMs: lastFailure === null ? null : Math.round((atMs - lastFailure.ageMs) / 1_000) * 1_000,
  };
}

export function stateOf(endpoint: Endpoint): EndpointState {
  if (endpoint.standing !== "admitting") return endpoint.standing;
  if (endpoint.failureProbability >= SUSPECT_PROBABILITY) return "suspect";
  if (endpoint.warmth !== "warm") return endpoint.warmth;
  if ((endpoint.refusesForMs ?? 0) > 0) return "full";
  return "up";
}

function noteOf(state: EndpointState, endpoint: Endpoint): string {
  const seconds = (ms: number): string => `${Math.ceil(ms / 1_000)} s`;
  switch (state) {
    case "ejected":
      return (endpoint.ejectedForMs ?? 0) > 0 ? `back in ${seconds(endpoint.ejectedForMs ?? 0)}` : "one trial runs";
    case "full":
      return `asked again in ${seconds(endpoint.refusesForMs ?? 0)}`;
    case "warming":
      return `about ${seconds(endpoint.coldMs)} yet`;
    case "cold":
      return `starts in about ${seconds(endpoint.coldMs)}`;
    default:
      return "";
  }
}

/** Whether both show the same. */
export function isSameRow(one: EndpointRow, other: EndpointRow): boolean {
  for (const name of Object.keys(one)) if (Reflect.get(one, name) !== Reflect.get(other, name)) return false;
  return true;
}

/** Last first-token times that are remembered of an endpoint: enough for a median, few enough to follow it. */
export const TTFT_SAMPLES_MAX = 32;

/** Takes the first-token times of what was served into `samples`, by endpoint. */
export function noteTtft(samples: Map<string, number[]>, records: readonly ShownRequest[]): void {
  for (const { endpoint, ms, outcome } of records) {
    if (endpoint === null || ms.ttft === null || outcome !== "served") continue;
    const known = samples.get(endpoint) ?? [];
    known.push(ms.ttft);
    if (known.length > TTFT_SAMPLES_MAX) known.shift();
    samples.set(endpoint, known);
  }
}

export function medianOf(samples: readonly number[] | undefined): number | null {
  if (samples === undefined || samples.length === 0) return null;
  const sorted = samples.toSorted((one, other) => one - other);
  return Math.round(sorted[Math.floor((sorted.length - 1) / 2)] ?? 0);
}
