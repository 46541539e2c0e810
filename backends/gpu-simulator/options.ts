/**
 * What a simulated GPU endpoint is: model, speed, lifecycle, faults at random. One place for the defaults.
 *
 * The in-process API takes these as an object, the command line (`flags.ts`) reads them from flags named as
 * llm-d-inference-sim names them, so that a command written for that simulator works here. Rejected: its zero
 * latencies as defaults; without a flag a preset of the step model applies, because an endpoint that answers in no
 * time never shows a router anything.
 */
import { ENGINE_PRESETS } from "../gpu-engine/engine-presets.ts";
import type { EngineParams } from "../gpu-engine/engine-types.ts";
import { FAILURE_TYPES } from "./faults.ts";
import type { FailureType } from "./faults.ts";
import type { Imitation } from "./imitations.ts";

export type StartState = "cold" | "warming" | "warm";

export type GpuSimulatorOptions = {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly model: string;
  /** Names that requests may use; empty means the model's own. The first one stands in answers. */
  readonly servedModelNames: readonly string[];
  /** Adapters (LoRA) that are loaded beside the model: names that requests may use too. */
  readonly loraModules: readonly string[];
  /** When set, `/v1`, `/v2`, `/echo` and `/raw` need it as a bearer token. */
  readonly apiKey: string | null;
  /** When set, answers carry it in `X-Runpod-Worker-Id`. */
  readonly workerId: string | null;
  /** Same seed and same requests, same texts, lengths, jitter and injected failures. */
  readonly seed: number;
  readonly engine: EngineParams;
  /** Tokens of prompt and answer together. */
  readonly maxModelLen: number;
  /** Mean length of an answer whose request does not say, tokens. */
  readonly meanOutputTokens: number;
  readonly startState: StartState;
  /** Whose way of telling of its health it has. */
  readonly imitates: Imitation;
  readonly coldStartMs: number;
  /** Idle time after which a warm endpoint goes cold, ms; 0 is never. */
  readonly idleTimeoutMs: number;
  /** How long a request waits for the endpoint to be warm, ms. */
  readonly noWorkerTimeoutMs: number;
  readonly maxRequestBodyBytes: number;
  /** Percent of inference requests that fail at random, 0..100. */
  readonly failureInjectionRate: number;
  readonly failureTypes: readonly FailureType[];
};

/** Runpod's limit on a request, docs/reference/sources.md, Runpod load balancing. */
const REQUEST_BODY_MB_DEFAULT = 30;
export const BYTES_PER_MB = 1024 * 1024;

export const GPU_SIMULATOR_DEFAULTS: GpuSimulatorOptions = {
  // Loopback only: a simulator has no business on a network.
  host: "127.0.0.1",
  port: 0,
  model: "sim-model",
  servedModelNames: [],
  loraModules: [],
  apiKey: null,
  workerId: null,
  seed: 1,
  engine: ENGINE_PRESETS.default,
  // Below the KV budget of the smallest real preset, as vLLM demands.
  maxModelLen: 32_768,
  // Between the two Azure traces (28 for code, 211 for chat), nearer to quick demos.
  meanOutputTokens: 64,
  startState: "warm",
  imitates: "vllm",
  // An 8B model on Runpod without FlashBoot, docs/reference/sources.md, Engines.
  coldStartMs: 25_000,
  idleTimeoutMs: 0,
  // Runpod's own time-out when no worker comes up.
  noWorkerTimeoutMs: 120_000,
  maxRequestBodyBytes: REQUEST_BODY_MB_DEFAULT * BYTES_PER_MB,
  failureInjectionRate: 0,
  failureTypes: FAILURE_TYPES,
};

export const modelNames = ({ servedModelNames, model }: GpuSimulatorOptions): readonly [string, ...string[]] => {
  const [first, ...rest] = servedModelNames;
  return first === undefined ? [model] : [first, ...rest];
};

/** Does it serve a request of that name. */
export const servesName = (options: GpuSimulatorOptions, name: string): boolean =>
  modelNames(options).includes(name) || options.loraModules.includes(name);
