/** Stands in for `core/shard-scale.ts`: only a request wakes an endpoint. */
export { countDemand } from "../../../../core/shard-scale.ts";

export const scale = (): readonly never[] => [];
