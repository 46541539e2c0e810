/**
 * What an engine is made of and what it is asked and tells: the types of `engine-model.ts`.
 */
import type { Rng } from "../../src/lib/rng.ts";
import type { BlockIds, KvHold, KvMemory } from "./kv-memory.ts";

export type EngineParams = {
  /** a: fixed part of a step, ms, >= 0. */
  readonly stepBaseMs: number;
  /** b: added to a step per decoding sequence, ms, >= 0. */
  readonly stepPerDecodingMs: number;
  /** c: added to a step per prompt token read in it, ms, >= 0. */
  readonly stepPerPrefillTokenMs: number;
  /** Slots: sequences in the batch, prefilling or decoding, >= 1. */
  readonly maxNumSeqs: number;
  /** Requests that may wait for a slot, >= 0; one more is rejected. */
  readonly maxWaitingQueueLength: number;
  /** KV tokens that all slots share; null is no limit. */
  readonly kvTokensMax: number | null;
  /** Prompt tokens read in one step, all sequences together, >= 1. */
  readonly prefillChunkTokens: number;
  /** Steps last this many times longer when every slot is taken, linearly less with fewer; >= 1. */
  readonly timeFactorUnderLoad: number;
  /** When set, a first token comes this long after its slot, whatever the prompt's length; c is then not used. */
  readonly firstTokenMs: number | null;
  /** Standard deviation of `firstTokenMs`, ms; needs an rng. */
  readonly firstTokenStdDevMs: number;
  /** Standard deviation of a step, ms; needs an rng. */
  readonly stepStdDevMs: number;
};

/** `every_token`: an event per token. `edges`: only first tokens and ends, which is what makes long answers cheap. */
export type EngineDetail = "every_token" | "edges";

export type EngineRequest = {
  readonly id: string;
  readonly promptTokens: number;
  /** Ids of the prompt's blocks of BLOCK_TOKENS: what others have read of them is not read again. Default none. */
  readonly blocks?: BlockIds;
  /** Tokens the answer will have, >= 1. */
  readonly outputTokens: number;
};

export type Admission = "admitted" | "queued" | "rejected";

export type EngineEvent = {
  readonly kind: "first_token" | "token" | "done";
  readonly id: string;
  readonly atMs: number;
  /** Index of the token, from 0; for `done`, of the last one. */
  readonly tokenIndex: number;
  /** When the request first got its slot, ms; what came before was the queue. */
  readonly admittedAtMs: number;
  /** Prompt tokens that were known then. */
  readonly cachedTokens: number;
};

/** `waiting` counts the preempted too. */
export type EngineLoad = { readonly running: number; readonly waiting: number; readonly kvUsage: number };

export type Sequence = {
  readonly id: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Whole ones only. */
  readonly blocks: BlockIds;
  kv: KvHold;
  /** Reads its prompt, and after a preemption its own tokens; else it decodes. */
  isReading: boolean;
  /** Tokens that are still to be read. */
  prefillLeft: number;
  /** Blocks of the prompt that are read or were known. */
  blocksRead: number;
  /**
   * Share of the step's prefill budget, planned anew for each step; 0 for a sequence that joined after the step began.
   */
  plannedTokens: number;
  emitted: number;
  /** NaN before. */
  admittedAtMs: number;
  cachedTokens: number;
  /** End of a fixed-time prefill; unused when prefill goes by tokens. */
  readyAtMs: number;
};

/** `repeats` equal steps; the KV of all their tokens is taken. */
export type Step = {
  readonly startMs: number;
  readonly stepMs: number;
  readonly repeats: number;
  readonly endMs: number;
};

export type Engine = {
  readonly params: EngineParams;
  readonly detail: EngineDetail;
  readonly rng: Rng | null;
  /** In admission order. */
  readonly running: Sequence[];
  readonly byId: Map<string, Sequence>;
  /** A Map is a queue here: insertion order, and O(1) removal on cancel. */
  readonly waiting: Map<string, Sequence>;
  /** They wait before the others, the last of the list first. */
  readonly preempted: Sequence[];
  readonly kv: KvMemory;
  /** Preemptions so far. */
  preemptions: number;
  slowdown: number;
  step: Step | null;
};
