/**
 * What a shard would decide now, and where the request would stand in line. A part of the bundle: operators ask rarely.
 */
import { explain } from "../cost/explain.ts";
import type { ExplainRequest, Explanation } from "../cost/explain.ts";
import type { Rng } from "../../../lib/rng.ts";
import { allViews, digestAgesMs } from "./shard.ts";
import { linePlace } from "./shard-eta.ts";
import type { ShardState } from "./shard-state.ts";

/** Callers drop what is due first (`sweep`), as an acquire does. */
export function explainShard(state: ShardState, request: ExplainRequest, now: number, rng: Rng): Explanation {
  const picture = { source: "shard", region: state.region, ageMs: 0, digestAgesMs: digestAgesMs(state, now) } as const;
  const told = explain(allViews(state, now), { ...request, exact: true }, picture, rng);
  return { ...told, line: linePlace(state, request, now) };
}
