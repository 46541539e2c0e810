/** Which endpoints the table shows, and in which order. */
import { findable } from "../store/format.ts";
import { ENDPOINT_STATES } from "../store/endpoint-rows.ts";
import type { EndpointRow } from "../store/endpoint-rows.ts";

export type SortBy = "endpoint" | "state" | "pool" | "region" | "inFlight" | "work" | "ttft" | "failing" | "failure";

export type EndpointView = {
  /** In any of the words of its row, whatever their case. */
  readonly text: string;
  /** "" in a member: any. */
  readonly state: string;
  readonly pool: string;
  readonly region: string;
  readonly sortBy: SortBy;
  readonly descending: boolean;
};

/** The worst first: who opens the page looks for what is wrong. */
export const ALL_ENDPOINTS: EndpointView = {
  text: "",
  state: "",
  pool: "",
  region: "",
  sortBy: "state",
  descending: false,
};

export function orderedKeys(rows: readonly EndpointRow[], view: EndpointView): readonly string[] {
  const text = findable(view.text.trim());
  const sign = view.descending ? -1 : 1;
  return rows
    .filter((row) => isWanted(row, view) && (text === "" || wordsOf(row).includes(text)))
    .toSorted((one, other) => sign * compare(one, other, view.sortBy) || byName(one, other))
    .map(({ key }) => key);
}

const isWanted = (row: EndpointRow, { state, pool, region }: EndpointView): boolean =>
  (state === "" || state === row.state) &&
  (pool === "" || pool === row.pool) &&
  (region === "" || region === row.region);

function wordsOf({ id, pool, region, state, warmth, failureKind, failureStatus, failureText }: EndpointRow): string {
  const words = [id, pool, region, state, warmth, failureKind, failureStatus, failureText];
  return findable(words.filter((word) => word !== null).join(" "));
}

function compare(one: EndpointRow, other: EndpointRow, sortBy: SortBy): number {
  switch (sortBy) {
    case "endpoint":
      return byWord(one.id, other.id);
    case "state":
      return ENDPOINT_STATES.indexOf(one.state) - ENDPOINT_STATES.indexOf(other.state);
    case "pool":
      return byWord(one.pool, other.pool);
    case "region":
      return byWord(one.region, other.region);
    case "inFlight":
      return one.inFlight - other.inFlight;
    case "work":
      return known(one.workTokens) - known(other.workTokens);
    case "ttft":
      return known(one.ttftMs) - known(other.ttftMs);
    case "failing":
      return one.failureProbability - other.failureProbability;
    case "failure":
      return known(one.failureAtMs) - known(other.failureAtMs);
    default:
      return sortBy satisfies never;
  }
}

/** What is not known comes before all that is. */
const known = (value: number | null): number => value ?? -1;

const byName = (one: EndpointRow, other: EndpointRow): number =>
  byWord(one.pool, other.pool) || byWord(one.id, other.id);

/** gpu-2 before gpu-10. */
const collator = new Intl.Collator("en", { numeric: true });
const byWord = (one: string, other: string): number => collator.compare(one, other);

/**
 * `wanted` while nobody is at the table; otherwise the order that is there, without what went and with what came at its
 * end: a row must not move from under a pointer or a focus.
 */
export function heldOrder(shown: readonly string[], wanted: readonly string[], held: boolean): readonly string[] {
  const next = held ? stayed(shown, wanted) : wanted;
  return next.length === shown.length && next.every((key, at) => key === shown[at]) ? shown : next;
}

function stayed(shown: readonly string[], wanted: readonly string[]): readonly string[] {
  const still = new Set(wanted);
  const before = new Set(shown);
  return [...shown.filter((key) => still.has(key)), ...wanted.filter((key) => !before.has(key))];
}
