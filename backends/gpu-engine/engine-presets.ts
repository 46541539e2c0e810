/**
 * Speeds of known GPU servers, as parameters of the step model in `engine-model.ts`.
 *
 * Source: the published presets of a router test bed that fitted `step = a + b·decoding + c·prefill tokens` to vLLM
 * (docs/reference/sources.md, Engines). Rejected: deriving speeds from a card's bandwidth and a model's size, which needs one
 * more model that nobody has checked.
 */
import type { EngineParams } from "./engine-types.ts";

/** Requests that may wait for a slot; the default of llm-d-inference-sim, far above what any deadline allows. */
const WAITING_QUEUE_LENGTH_DEFAULT = 1000;

const noJitter = { timeFactorUnderLoad: 1, firstTokenMs: null, firstTokenStdDevMs: 0, stepStdDevMs: 0 };

export const ENGINE_PRESETS = {
  /** One mid-size GPU with an 8B model. */
  default: {
    stepBaseMs: 12,
    stepPerDecodingMs: 0.4,
    stepPerPrefillTokenMs: 0.06,
    maxNumSeqs: 32,
    maxWaitingQueueLength: WAITING_QUEUE_LENGTH_DEFAULT,
    kvTokensMax: 40_000,
    prefillChunkTokens: 2048,
    ...noJitter,
  },
  /** Two H100 in tensor parallel with a 32B model. */
  "h100-tp2-qwen-32b": {
    stepBaseMs: 15,
    stepPerDecodingMs: 0.2,
    stepPerPrefillTokenMs: 0.063,
    maxNumSeqs: 256,
    maxWaitingQueueLength: WAITING_QUEUE_LENGTH_DEFAULT,
    kvTokensMax: 307_328,
    prefillChunkTokens: 8192,
    ...noJitter,
  },
  /** No real GPU: one millisecond a step, for tests that look at behaviour and not at time. */
  fast: {
    stepBaseMs: 1,
    stepPerDecodingMs: 0,
    stepPerPrefillTokenMs: 0.0001,
    maxNumSeqs: 64,
    maxWaitingQueueLength: WAITING_QUEUE_LENGTH_DEFAULT,
    kvTokensMax: 1_000_000,
    prefillChunkTokens: 8192,
    ...noJitter,
  },
} as const satisfies Record<string, EngineParams>;

export type EnginePresetName = keyof typeof ENGINE_PRESETS;

export const ENGINE_PRESET_NAMES: readonly EnginePresetName[] = ["default", "h100-tp2-qwen-32b", "fast"];
