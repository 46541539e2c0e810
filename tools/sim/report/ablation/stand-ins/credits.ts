/** Stands in for `routing/core/shard/credits.ts`: no lease but the one that was asked for. */
export { CREDIT_LIFE_MS } from "../../../../../src/routing/core/shard/credits.ts";

export const creditsFor = (): number => 0;
