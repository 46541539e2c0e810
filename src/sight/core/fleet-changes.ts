/** Decides which changes between two looks at the fleet an operator is told of, and in which words. */
import type { FeedFrame } from "./frame.ts";

type Fleet = FeedFrame<never>["fleet"];
type Endpoint = Fleet[number]["endpoints"][number];
type Change = Omit<FeedFrame<never>["events"][number], "atMs">;

/** What was not there, or did not answer, before or after, is no change of an endpoint: how it was is not known. */
export function changesBetween(before: Fleet, after: Fleet): readonly Change[] {
  const then = new Map(before.map((shard) => [`${shard.pool} ${shard.region}`, shard]));
  return after.flatMap((shard) => {
    const known = then.get(`${shard.pool} ${shard.region}`);
    if (known === undefined) return [];
    const endpoints = new Map(known.endpoints.map((endpoint) => [endpoint.id, endpoint]));
    const changes = shard.endpoints.flatMap((endpoint) => endpointChanges(endpoints.get(endpoint.id), endpoint));
    if (known.reachable === shard.reachable) return changes;
    const said = shard.reachable ? "answers again" : "does not answer";
    return [{ kind: "shard_reachable", text: `The shard of ${shard.pool} in ${shard.region} ${said}.` }, ...changes];
  });
}

/** Who said nothing has failed in a way that is understood, or at least has a name. */
const wordsOf = ({ text, hint, kind }: NonNullable<Endpoint["lastFailure"]>): string =>
  text || (hint ?? kind.replaceAll("_", " "));

function endpointChanges(
  before: Endpoint | undefined,
  { id, standing, warmth, lastFailure }: Endpoint,
): readonly Change[] {
  if (before === undefined) return [];
  const changes: Change[] = [];
  if (before.standing !== standing) {
    const isWorse = standing === "down" || standing === "ejected";
    const why = isWorse && lastFailure !== null ? `: ${wordsOf(lastFailure)}` : "";
    changes.push({ kind: "endpoint_standing", text: `${id}: ${before.standing} → ${standing}${why}` });
  }
  if (before.warmth !== warmth) changes.push({ kind: "endpoint_warmth", text: `${id}: ${before.warmth} → ${warmth}` });
  return changes;
}
