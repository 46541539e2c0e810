/**
 * Which endpoints changed their state between two frames, in words. Only this is told to who listens: figures change every
 * second, and a voice that reads them out hides what matters.
 */
import type { EndpointRow, EndpointState } from "./endpoint-rows.ts";

/** More changes at once are counted, not read out. */
export const CHANGES_TOLD_MAX = 4;

/** Coming and going of room is no news, nor is the way from cold to warm. */
const isNews = (from: EndpointState, to: EndpointState): boolean => kindOf(from) !== kindOf(to);

function kindOf(state: EndpointState): string {
  return state === "full" || state === "warming" || state === "cold" ? "up" : state;
}

export function stateChanges(
  before: ReadonlyMap<string, EndpointRow>,
  after: readonly EndpointRow[],
): readonly string[] {
  const changes = after.flatMap((row) => {
    const old = before.get(row.key);
    if (old === undefined || !isNews(old.state, row.state)) return [];
    const why = row.state === "down" || row.state === "ejected" ? failureIn(row) : "";
    return [`${row.id} is ${row.state}${why}`];
  });
  if (changes.length <= CHANGES_TOLD_MAX) return changes;
  return [...changes.slice(0, CHANGES_TOLD_MAX), `and ${changes.length - CHANGES_TOLD_MAX} more changed`];
}

function failureIn({ failureText, failureStatus }: EndpointRow): string {
  if (failureText === null) return "";
  return failureStatus === null ? `: ${failureText}` : `: ${failureStatus}, ${failureText}`;
}
