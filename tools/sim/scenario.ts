/**
 * What a scenario is, after parsing: a world (regions, network, endpoints), its demand, and what goes wrong in it. Plain
 * data; `report/scenario-parse.ts` makes it from a file, `docs/explanation/simulator.md` explains every field with an example.
 *
 * Model. Load is a share of total capacity, so one file serves every load; times of faults may be shares of the run, so
 * they keep their place when the number of requests changes.
 * Rejected: scenarios as code, which only their author would add.
 */
import { BLOCK_TOKENS } from "../../backends/gpu-engine/kv-memory.ts";
import type { EngineParams } from "../../backends/gpu-engine/engine-types.ts";
import type { Distribution } from "./chance.ts";

export type Region = {
  readonly name: string;
  /** Degrees east; shifts the day of a diurnal demand. */
  readonly lon: number;
};

export type EndpointSetup = {
  readonly id: string;
  /** Index of its region. */
  readonly region: number;
  /** Requests served at once, >= 1. With the step engine the batch limit, `maxNumSeqs`. */
  readonly slots: number;
  /** Work is divided by this, > 0. */
  readonly speed: number;
  /** Not loaded when the run starts. */
  readonly startsCold: boolean;
  /** From the first need to warm, ms. */
  readonly coldStartMs: number;
  /** Goes cold after so long without a request, ms; null never. */
  readonly idleMs: number | null;
};

export type EngineSetup =
  /** `slots` requests at once and first come, first served behind them; the first token after this share of the service. */
  | { readonly kind: "slots"; readonly firstTokenShare: number }
  /** The step model of continuous batching, `backends/gpu-engine/engine-model.ts`. */
  | { readonly kind: "step"; readonly params: EngineParams };

export type Arrivals =
  | { readonly kind: "poisson" }
  /** Independent gaps with this coefficient of variation: 1 is Poisson, 4 is bursty. */
  | { readonly kind: "gamma"; readonly cv: number }
  /** Two-state Markov: bursts of mean length `burstMs` at `factor` times the mean rate, for `share` of the time. */
  | { readonly kind: "bursts"; readonly factor: number; readonly share: number; readonly burstMs: number }
  /** Each region's rate follows its own day: 1 + amplitude x cosine, noon by longitude. */
  | { readonly kind: "diurnal"; readonly amplitude: number; readonly periodMs: number }
  /** From a file given with `--trace`, stretched to the load; `file` is looked for where a folder is given. */
  | { readonly kind: "trace"; readonly file: string };

export type Demand =
  /** Service time at speed 1, ms; no tokens. For the slots engine. */
  | { readonly kind: "work"; readonly workMs: Distribution }
  | {
      readonly kind: "tokens";
      readonly promptTokens: Distribution;
      readonly outputTokens: Distribution;
      /** Prompts begin with one of `count` shared prefixes, drawn by Zipf's law; 0 for none. */
      readonly prefixCount: number;
      readonly prefixTokens: number;
    };

/** Each request is for one of `count` adapters (LoRA), drawn by Zipf's law. */
export type AdapterSetup = {
  readonly count: number;
  /** Adapters that an endpoint holds at once, >= 1. */
  readonly resident: number;
  /** Time to load one, ms. */
  readonly loadMs: number;
  /** Do endpoints tell which they hold. */
  readonly told: boolean;
};

export const FAULT_KINDS = [
  /** Service takes `factor` times as long for what starts in the window. */
  "slow",
  /** Answers an error at once, with probability `share`: the sinkhole. */
  "fail_fast",
  "no_room",
  /** Accepts and never answers. */
  "black_hole",
  /** Connections are refused; what runs is lost at the start. */
  "outage",
  /** Goes cold at the start; the next need wakes it, which takes `coldStartMs`. */
  "cold",
  /** Arrivals come `factor` times as fast in the listed regions, or everywhere. */
  "burst",
  /** Every message takes a lognormal factor of sigma `sigma` longer or shorter. */
  "jitter",
  /** A router's messages between regions are lost with probability `share`. */
  "lost_messages",
  /** A router's messages between the listed regions and all others are lost. */
  "partition",
  /** The state that a router keeps in the listed regions is lost at the start. */
  "evict",
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export type Fault = {
  readonly kind: FaultKind;
  /** Window, ms; as a share of the expected run when `isShare`. */
  readonly from: number;
  readonly to: number;
  readonly isShare: boolean;
  /** Indices of the endpoints it hits; empty for faults of the network and the demand. */
  readonly endpoints: readonly number[];
  /** Indices of the regions it hits. */
  readonly regions: readonly number[];
  readonly factor: number;
  readonly share: number;
  readonly sigma: number;
};

export type Scenario = {
  readonly name: string;
  readonly about: string;
  readonly regions: readonly Region[];
  /** Round trip of a client in the row's region to an endpoint in the column's, ms. */
  readonly roundTripMs: readonly (readonly number[])[];
  /** Sigma of the lognormal factor (mean 1) on every message's delay, >= 0. */
  readonly jitterSigma: number;
  readonly endpoints: readonly EndpointSetup[];
  readonly engine: EngineSetup;
  /** Do engines send their headers only when a slot begins (llama.cpp), and not at once. */
  readonly headersWithSlot: boolean;
  readonly demand: Demand;
  /** Null: requests are for the model itself. */
  readonly adapters: AdapterSetup | null;
  /** Share of the demand by region. */
  readonly demandByRegion: readonly number[];
  readonly arrivals: Arrivals;
  /** Shares of total capacity; each is a row of its own. */
  readonly loads: readonly number[];
  readonly requests: number;
  readonly seeds: number;
  /** First seed of a run that names none. */
  readonly seed: number;
  /** A request is good when its first token comes within this, ms. */
  readonly objectiveMs: number;
  /** A router gives an attempt up when it has no first token after this, ms. */
  readonly firstTokenTimeoutMs: number;
  readonly faults: readonly Fault[];
};

/** Tokens of one prompt block. */
export const PREFIX_BLOCK_TOKENS = BLOCK_TOKENS;
