/** Sums of usage. */
import type { Usage } from "./ledger-messages.ts";

export type DayUsage = Usage & { readonly day: string };

/** Adds to the sum of this name; of what one name has, everything else is the same. */
export function addTo<Row extends Usage>(sums: Map<string, Row>, name: string, usage: Row): void {
  const known = sums.get(name);
  sums.set(name, known === undefined ? usage : sumOf(known, usage));
}

/** One name of each key, model and outcome: an id and an outcome have no line break, so a model's own cannot move them. */
export const usageName = ({ key, outcome, model }: Usage): string => `${key}\n${outcome}\n${model}`;

export const addDay = (sums: Map<string, DayUsage>, usage: DayUsage): void =>
  addTo(sums, JSON.stringify([usage.day, usage.key, usage.model, usage.outcome]), usage);

const sumOf = <Row extends Usage>(one: Row, other: Row): Row => ({
  ...other,
  requests: one.requests + other.requests,
  input: one.input + other.input,
  cached: one.cached + other.cached,
  output: one.output + other.output,
  micros: one.micros + other.micros,
  estimated: one.estimated + other.estimated,
});
