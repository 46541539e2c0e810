/** Stands in for `routing/core/shard/shard-scale.ts`: only a request wakes an endpoint. */
export { countDemand } from "../../../../../src/routing/core/shard/shard-scale.ts";

export const scale = (): readonly never[] => [];
