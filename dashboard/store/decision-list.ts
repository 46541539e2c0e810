/**
 * The list of decisions that the page keeps: the newest first, each once, and never more than `DECISIONS_MAX`.
 */
import type { ShownRequest } from "../record.ts";
import { findable } from "./format.ts";

/** Ten seconds at fifty a second; what is older is in the log. */
export const DECISIONS_MAX = 500;

/** `fresh` is the newest last, as a frame has it. A snapshot may bring again what an earlier one brought. */
export function withDecisions(kept: readonly ShownRequest[], fresh: readonly ShownRequest[]): readonly ShownRequest[] {
  const known = new Set(kept.map(({ id }) => id));
  const added: ShownRequest[] = [];
  for (const record of fresh) {
    if (known.has(record.id)) continue;
    known.add(record.id);
    added.push(record);
  }
  return added.length === 0 ? kept : [...added.toReversed(), ...kept].slice(0, DECISIONS_MAX);
}

/** "" in a member: any. */
export type DecisionFilter = {
  readonly outcome: string;
  readonly pool: string;
  readonly endpoint: string;
  readonly tenant: string;
  /** In any of the words that the list shows, whatever their case. */
  readonly text: string;
};

export const ANY_DECISION: DecisionFilter = { outcome: "", pool: "", endpoint: "", tenant: "", text: "" };

export function matchesDecision(record: ShownRequest, filter: DecisionFilter): boolean {
  if (filter.outcome === "failed" ? record.outcome === "served" : differs(filter.outcome, record.outcome)) return false;
  if (differs(filter.pool, record.pool) || differs(filter.tenant, record.tenant)) return false;
  if (filter.endpoint !== "" && !touched(record).includes(filter.endpoint)) return false;
  const text = findable(filter.text.trim());
  return text === "" || wordsOf(record).includes(text);
}

const differs = (wanted: string, found: string | null): boolean => wanted !== "" && wanted !== found;

const touched = ({ endpoint, attempts }: ShownRequest): readonly (string | null)[] => [
  endpoint,
  ...attempts.map((attempt) => attempt.endpoint),
];

function wordsOf(record: ShownRequest): string {
  const { id, route, tenant, keyId, pool, model, outcome, reason, endpoint, region, why, status } = record;
  const said = record.attempts.flatMap(({ lost, said: words }) => [lost, words]);
  const words = [id, route, tenant, keyId, pool, model, outcome, reason, endpoint, region, why, status, ...said];
  return findable(words.filter((word) => word !== null).join(" "));
}

/** What may be chosen in a filter: every value in the list, in order. */
export function choicesIn(
  records: readonly ShownRequest[],
  member: "outcome" | "pool" | "endpoint" | "tenant",
): readonly string[] {
  const values = new Set<string>();
  for (const record of records) {
    const value = record[member];
    if (value !== null) values.add(value);
  }
  return [...values].toSorted();
}
