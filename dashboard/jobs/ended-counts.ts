/**
 * How many jobs have ended, by pool and state. A frame tells what waits and runs; to count what has ended a queue looks
 * through what it keeps, so that is asked for twice a minute, and after an order.
 */
import { signal } from "@preact/signals";
import { memberOf } from "../session/api-call.ts";
import { allQueues } from "./jobs-api.ts";

/** Between two questions, ms. */
export const COUNT_GAP_MS = 30_000;

/** By pool; a pool that is not in it is not known. */
export const endedCounts = signal<ReadonlyMap<string, Readonly<Record<string, number>>>>(new Map());

export async function countEnded(): Promise<void> {
  const answer = await allQueues();
  if (answer.ok) endedCounts.value = readCounts(answer.value);
}

export function readCounts(value: unknown): ReadonlyMap<string, Readonly<Record<string, number>>> {
  const data = memberOf(value, "data");
  const counts = new Map<string, Readonly<Record<string, number>>>();
  for (const one of Array.isArray(data) ? data : []) {
    const pool = memberOf(one, "pool");
    const byState = memberOf(memberOf(one, "queue"), "byState");
    if (typeof pool !== "string" || typeof byState !== "object" || byState === null) continue;
    const numbers = Object.entries(byState).filter((entry): entry is [string, number] => typeof entry[1] === "number");
    counts.set(pool, Object.fromEntries(numbers));
  }
  return counts;
}
