/** What the strip at the top says, as text: one figure a tile, and what it is made of. */
import type { Frame } from "../frame.ts";
import type { EndpointRow } from "../store/endpoint-rows.ts";
import { formatCount, formatMs, formatShare } from "../store/format.ts";

export type Tile = {
  readonly name: string;
  /** Label and value; the label is "" where there is one value. */
  readonly values: readonly (readonly [label: string, value: string])[];
  /** Something is wrong here, in a word; null: nothing. */
  readonly alarm: string | null;
};

/** A share of errors that a reader should look at. */
const ERROR_SHARE_ALARM = 0.01;

type Standing = Readonly<Record<"healthy" | "degraded" | "down" | "unknown", number>>;

/** Healthy takes traffic or would at once; cold is healthy, it is asleep. */
export function standingOf(rows: readonly EndpointRow[]): Standing {
  const count = (...states: readonly string[]): number => rows.filter(({ state }) => states.includes(state)).length;
  return {
    healthy: count("up", "cold", "warming"),
    degraded: count("suspect", "full", "draining"),
    down: count("down", "ejected"),
    unknown: count("unknown"),
  };
}

export function stripTiles(frame: Frame | null, rows: readonly EndpointRow[]): readonly Tile[] {
  const rates = frame?.rates ?? null;
  return [
    endpointsTile(frame, standingOf(rows)),
    { name: "Requests / s", values: [["", formatCount(rates?.requestsPerS)]], alarm: null },
    {
      name: "Errors",
      values: [["", formatShare(rates?.errorShare)]],
      alarm: (rates?.errorShare ?? 0) >= ERROR_SHARE_ALARM ? "high" : null,
    },
    { name: "Time to first token", values: quantiles(rates?.ttftMs, ["p50", "p95", "p99"]), alarm: null },
    { name: "Router overhead", values: quantiles(rates?.overheadMs, ["p50", "p99"]), alarm: null },
    roomTile(frame, rows),
    queueTile(frame),
  ];
}

function endpointsTile(frame: Frame | null, { healthy, degraded, down, unknown }: Standing): Tile {
  const shown = (count: number): string => formatCount(frame === null ? null : count);
  const rest = unknown === 0 ? [] : [["unknown", shown(unknown)] as const];
  return {
    name: "Endpoints",
    values: [["healthy", shown(healthy)], ["degraded", shown(degraded)], ["down", shown(down)], ...rest],
    alarm: down > 0 ? "down" : null,
  };
}

/** From the shards where nobody counts: what is in flight is theirs to say. */
function roomTile(frame: Frame | null, rows: readonly EndpointRow[]): Tile {
  const known = rows.filter(({ state }) => state !== "unknown");
  const isKnown = frame !== null && known.length > 0;
  const sum = (member: "inFlight" | "capacity"): number => known.reduce((total, row) => total + row[member], 0);
  const inFlight = isKnown ? sum("inFlight") : null;
  const capacity = isKnown ? sum("capacity") : null;
  const isFull = inFlight !== null && capacity !== null && inFlight > 0 && inFlight >= capacity;
  return {
    name: "In flight",
    values: [
      ["", formatCount(inFlight)],
      ["of", formatCount(capacity)],
    ],
    alarm: isFull ? "full" : null,
  };
}

function queueTile(frame: Frame | null): Tile {
  const told = (frame?.fleet ?? []).flatMap(({ queued }) => (queued === null ? [] : [queued]));
  const queued = told.length === 0 ? null : told.reduce((sum, count) => sum + count, 0);
  return { name: "Queue", values: [["", formatCount(queued)]], alarm: (queued ?? 0) > 0 ? "waiting" : null };
}

const quantiles = (
  values: Readonly<Partial<Record<string, number | null>>> | undefined,
  names: readonly string[],
): Tile["values"] => names.map((name) => [name, formatMs(values?.[name])] as const);
