/**
 * What an endpoint can carry, on average: the figures that turn a load into a rate, and that a policy which "knows the
 * mean" is given.
 *
 * Model. Slots: K at once, each held for work / speed. Step: with a full batch of n a token takes a + b·n ms for all n
 * together, and every uncached prompt token c ms of everybody's time, so a request costs output·(a + b·n)/n + prompt·c
 * of engine time; n is bounded by the batch limit and by what fits into the KV memory, answers half grown. Prefix hits
 * are not counted, so a warm cache makes the true capacity larger.
 * Rejected: measuring the capacity by a run at overload first, which would make a load mean
 * something different for each policy.
 */
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import type { EndpointSetup, EngineSetup } from "./scenario.ts";

/** Means over the requests of a run. */
export type MeanRequest = {
  /** Service time at speed 1 in the slots engine, ms. */
  readonly workMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
};

export type Capacity = {
  /** Requests in service at once, >= 1: slots, or the batch that fits. */
  readonly slots: number;
  /** Mean time that a request holds its slot when all are taken, ms. */
  readonly occupancyMs: number;
  /** Mean time from slot to first token on an idle endpoint, ms. */
  readonly prefillMs: number;
  readonly prefillTokensPerMs: number;
  /** Requests per ms at full load. */
  readonly perMs: number;
};

/** Prompt and output of a request whose demand is only work: policies that think in tokens see equal prompts. */
export const PSEUDO_PROMPT_TOKENS = 1_000;

/** Pseudo output tokens are work divided by this, ms: a token of the default preset on an idle engine. */
export const PSEUDO_TOKEN_MS = 12;

const { stepBaseMs, stepPerDecodingMs, stepPerPrefillTokenMs, maxNumSeqs } = ENGINE_PRESETS.default;

/** Service time in the slots engine of a request given by tokens, ms: the default preset at half a batch. */
export function workOfTokensMs(promptTokens: number, outputTokens: number): number {
  return promptTokens * stepPerPrefillTokenMs + outputTokens * (stepBaseMs + (stepPerDecodingMs * maxNumSeqs) / 2);
}

export function capacityOf({ slots, speed }: EndpointSetup, engine: EngineSetup, mean: MeanRequest): Capacity {
  if (engine.kind === "slots") {
    const occupancyMs = mean.workMs / speed;
    const prefillMs = engine.firstTokenShare * occupancyMs;
    const prefillTokensPerMs = mean.promptTokens / Math.max(1e-9, prefillMs);
    return { slots, occupancyMs, prefillMs, prefillTokensPerMs, perMs: slots / occupancyMs };
  }
  const { params } = engine;
  const fitting = (params.kvTokensMax ?? Infinity) / (mean.promptTokens + mean.outputTokens / 2);
  const batch = Math.max(1, Math.min(slots, Math.floor(fitting)));
  const tokenMs = (params.stepBaseMs + params.stepPerDecodingMs * batch) / batch;
  const engineMs = (mean.outputTokens * tokenMs + mean.promptTokens * params.stepPerPrefillTokenMs) / speed;
  const chunkMs = params.stepBaseMs + params.stepPerPrefillTokenMs * params.prefillChunkTokens;
  const prefillTokensPerMs = (params.prefillChunkTokens / chunkMs) * speed;
  return {
    slots: batch,
    occupancyMs: engineMs * batch,
    prefillMs: mean.promptTokens / prefillTokensPerMs,
    prefillTokensPerMs,
    perMs: 1 / engineMs,
  };
}
