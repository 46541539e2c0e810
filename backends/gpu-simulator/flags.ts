/**
 * The command line of the GPU simulator: flags to options, or one problem with a hint.
 *
 * Names, units and limits follow llm-d-inference-sim (its configuration page): durations are Go-like (`250ms`,
 * `1.5s`) or a bare number of milliseconds, a list takes the arguments that follow it, a standard deviation is at most
 * 30 % of its mean. Rejected: a command-line package; `parseArgs` of Node and one table are enough.
 */
import { parseArgs } from "node:util";
import type { EngineParams } from "../gpu-engine/engine-types.ts";
import { ENGINE_PRESET_NAMES, ENGINE_PRESETS } from "../gpu-engine/engine-presets.ts";
import { err, ok } from "../../src/lib/result.ts";
import type { Result } from "../../src/lib/result.ts";
import { FAILURE_TYPES } from "./faults.ts";
import { IMITATIONS } from "./imitations.ts";
import type { Imitation } from "./imitations.ts";
import { BYTES_PER_MB, GPU_SIMULATOR_DEFAULTS } from "./options.ts";
import type { GpuSimulatorOptions, StartState } from "./options.ts";

export type FlagProblem = { readonly message: string; readonly hint: string };

export type Command =
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "run"; readonly options: GpuSimulatorOptions };

/** The port of vLLM and of llm-d-inference-sim; in-process users get any free one. */
const PORT_DEFAULT = 8000;
/** A standard deviation may be this share of its mean, as in llm-d-inference-sim. */
const STD_DEV_SHARE_MAX = 0.3;
/** Longest duration a flag may give: a day, well inside what Node's timers hold. */
export const DURATION_MS_MAX = 24 * 3_600_000;
/** Bound of every flag that counts tokens, sequences or queue places: typos stop here. */
export const COUNT_MAX = 10_000_000;

/** Every flag: [value, meaning]. The README shows the same rows. */
export const FLAGS = {
  port: ["n", "port to listen on, 0 for any (8000)"],
  host: ["address", "address to listen on (127.0.0.1)"],
  model: ["name", "the loaded model (sim-model)"],
  "served-model-name": ["names…", "names that requests may use (the model's own)"],
  "lora-modules": ["names…", "adapters (LoRA) that are loaded, as further names (none)"],
  "api-key": ["key", "bearer token that requests must carry (none)"],
  "worker-id": ["id", "sent as X-Runpod-Worker-Id (not sent)"],
  seed: ["n", "seed of texts, lengths, jitter and failures (1)"],
  preset: ["name", `speed: ${ENGINE_PRESET_NAMES.join(" | ")} (default)`],
  "max-num-seqs": ["n", "sequences in the batch (of the preset)"],
  "max-waiting-queue-length": ["n", "requests that may wait for a slot (1000)"],
  "max-model-len": ["tokens", "prompt and answer together (32768)"],
  "max-request-body-size-mb": ["n", "larger bodies get 413 (30)"],
  "mean-output-tokens": ["tokens", "mean answer when the request sets no maximum (64)"],
  "time-to-first-token": ["duration", "fixed time to the first token, whatever the prompt (of the preset)"],
  "time-to-first-token-std-dev": ["duration", "its standard deviation, at most 30 % (0)"],
  "inter-token-latency": ["duration", "step time, whatever the batch (of the preset)"],
  "inter-token-latency-std-dev": ["duration", "its standard deviation, at most 30 % (0)"],
  "prefill-time-per-token": [
    "duration",
    "step time per prompt token read; not used with time-to-first-token (of the preset)",
  ],
  "time-factor-under-load": ["factor", "how much slower with every slot taken, >= 1 (1)"],
  "failure-injection-rate": ["percent", "share of inference requests that fail, 0-100 (0)"],
  "failure-types": ["types…", `which failures: ${FAILURE_TYPES.join(" ")} (all)`],
  "start-state": ["state", "cold | warming | warm (warm)"],
  imitates: ["server", `whose health paths it has: ${IMITATIONS.join(" | ")} (vllm)`],
  "cold-start-ms": ["duration", "time from warming to warm (25s)"],
  "idle-timeout-ms": ["duration", "idle time until a warm endpoint goes cold, 0 for never (0)"],
  "no-worker-timeout-ms": ["duration", "how long a request waits for warm, then 400 (120s)"],
} as const satisfies Record<string, readonly [value: string, meaning: string]>;

type FlagName = keyof typeof FLAGS;

const FLAG_NAMES = Object.keys(FLAGS) as FlagName[];
const LIST_FLAGS: readonly string[] = ["served-model-name", "lora-modules", "failure-types"] satisfies FlagName[];

function usage(): string {
  const rows = FLAG_NAMES.map((name) => [`  --${name} <${FLAGS[name][0]}>`, FLAGS[name][1]] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    "A Node HTTP server that behaves like a GPU endpoint.",
    "",
    ...rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`),
  ].join("\n");
}

/** Reads the arguments after the program's name. The first problem found is the one reported. */
export function parseCommand(argv: readonly string[]): Result<Command, FlagProblem> {
  if (argv.includes("--help") || argv.includes("-h")) return ok({ kind: "help", text: usage() });
  const values = readTokens(argv);
  if (!values.ok) return values;
  const problems: FlagProblem[] = [];
  const options = buildOptions(createReader(values.value, problems), problems);
  const [problem] = problems;
  return problem === undefined ? ok({ kind: "run", options }) : err(problem);
}

function readTokens(argv: readonly string[]): Result<Map<string, string[]>, FlagProblem> {
  const config = Object.fromEntries(FLAG_NAMES.map((name) => [name, { type: "string" as const }]));
  // Not strict: Node's own error names the flag but cannot hint at the nearest one.
  const { tokens } = parseArgs({ args: [...argv], options: config, strict: false, tokens: true });
  const values = new Map<string, string[]>();
  let list: string[] | null = null;
  for (const token of tokens) {
    if (token.kind === "positional" && list !== null) {
      list.push(token.value);
    } else if (token.kind === "positional") {
      return err({ message: `unexpected argument "${token.value}"`, hint: "options are written --name value" });
    } else if (token.kind === "option") {
      const { name, rawName, value } = token;
      if (!(name in FLAGS)) return err({ message: `unknown flag ${rawName}`, hint: nearestFlag(name) });
      if (value === undefined || (value.startsWith("--") && token.inlineValue === false)) {
        return err({ message: `${rawName} needs a value`, hint: `write ${rawName} <${FLAGS[name as FlagName][0]}>` });
      }
      const isList = LIST_FLAGS.includes(name);
      list = isList ? [...(values.get(name) ?? []), value] : null;
      values.set(name, list ?? [value]);
    }
  }
  return ok(values);
}

type Reader = {
  text(name: FlagName): string | null;
  list(name: FlagName): readonly string[];
  number(name: FlagName, range: { min: number; max: number; integer: boolean; fallback: number }): number;
  durationMs(name: FlagName, fallback: number): number;
  oneOf<T extends string>(name: FlagName, allowed: readonly T[], fallback: T): T;
};

function createReader(values: ReadonlyMap<string, readonly string[]>, problems: FlagProblem[]): Reader {
  const text = (name: FlagName): string | null => values.get(name)?.[0] ?? null;
  const problem = (name: FlagName, hint: string): void => {
    problems.push({ message: `--${name}: "${text(name)}" is not valid`, hint });
  };
  return {
    text,
    // A quoted list ("a b") and separate arguments (a b) mean the same.
    list: (name) => (values.get(name) ?? []).flatMap((value) => value.split(/[\s,]+/u)).filter((item) => item !== ""),
    number(name, { min, max, integer, fallback }) {
      const given = text(name);
      if (given === null) return fallback;
      const value = given.trim() === "" ? NaN : Number(given);
      if (value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
      problem(name, `give ${integer ? "an integer" : "a number"} from ${min} to ${max}`);
      return fallback;
    },
    durationMs(name, fallback) {
      const given = text(name);
      if (given === null) return fallback;
      const ms = parseDurationMs(given);
      if (ms !== null && ms <= DURATION_MS_MAX) return ms;
      problem(name, "give milliseconds or a duration such as 250ms, 1.5s or 2m, a day at most");
      return fallback;
    },
    oneOf(name, allowed, fallback) {
      const given = text(name);
      const match = given === null ? fallback : allowed.find((item) => item === given);
      if (match !== undefined) return match;
      problem(name, `one of: ${allowed.join(", ")}`);
      return fallback;
    },
  };
}

function buildOptions(read: Reader, problems: FlagProblem[]): GpuSimulatorOptions {
  const defaults = GPU_SIMULATOR_DEFAULTS;
  const count = (name: FlagName, min: number, fallback: number): number =>
    read.number(name, { min, max: COUNT_MAX, integer: true, fallback });
  const unknown = read.list("failure-types").find((type) => !FAILURE_TYPES.some((known) => known === type));
  if (unknown !== undefined) {
    problems.push({
      message: `--failure-types: "${unknown}" is not valid`,
      hint: `some of: ${FAILURE_TYPES.join(", ")}`,
    });
  }
  const failureTypes = FAILURE_TYPES.filter((type) => read.list("failure-types").includes(type));
  return {
    host: read.text("host") ?? defaults.host,
    port: read.number("port", { min: 0, max: 65_535, integer: true, fallback: PORT_DEFAULT }),
    model: read.text("model") ?? defaults.model,
    servedModelNames: read.list("served-model-name"),
    loraModules: read.list("lora-modules"),
    apiKey: read.text("api-key"),
    workerId: read.text("worker-id"),
    seed: read.number("seed", { min: 0, max: 2 ** 32 - 1, integer: true, fallback: defaults.seed }),
    engine: buildEngine(read, problems),
    maxModelLen: count("max-model-len", 2, defaults.maxModelLen),
    meanOutputTokens: count("mean-output-tokens", 1, defaults.meanOutputTokens),
    startState: read.oneOf<StartState>("start-state", ["cold", "warming", "warm"], defaults.startState),
    imitates: read.oneOf<Imitation>("imitates", IMITATIONS, defaults.imitates),
    coldStartMs: read.durationMs("cold-start-ms", defaults.coldStartMs),
    idleTimeoutMs: read.durationMs("idle-timeout-ms", defaults.idleTimeoutMs),
    noWorkerTimeoutMs: read.durationMs("no-worker-timeout-ms", defaults.noWorkerTimeoutMs),
    maxRequestBodyBytes:
      BYTES_PER_MB *
      read.number("max-request-body-size-mb", {
        min: 1,
        max: 512,
        integer: true,
        fallback: defaults.maxRequestBodyBytes / BYTES_PER_MB,
      }),
    failureInjectionRate: read.number("failure-injection-rate", { min: 0, max: 100, integer: false, fallback: 0 }),
    failureTypes: failureTypes.length === 0 ? FAILURE_TYPES : failureTypes,
  };
}

function buildEngine(read: Reader, problems: FlagProblem[]): EngineParams {
  const preset: EngineParams = ENGINE_PRESETS[read.oneOf("preset", ENGINE_PRESET_NAMES, "default")];
  const firstTokenMs = read.durationMs("time-to-first-token", 0);
  const interTokenMs = read.text("inter-token-latency") === null ? null : read.durationMs("inter-token-latency", 0);
  const stdDevMs = (name: FlagName, meanMs: number, mean: FlagName): number => {
    const ms = read.durationMs(name, 0);
    if (ms <= STD_DEV_SHARE_MAX * meanMs) return ms;
    problems.push({ message: `--${name} is too large`, hint: `at most 30 % of --${mean}, which is ${meanMs} ms` });
    return 0;
  };
  return {
    ...preset,
    // A given inter-token latency is the whole step: the batch then slows it only by the load factor.
    stepBaseMs: interTokenMs ?? preset.stepBaseMs,
    stepPerDecodingMs: interTokenMs === null ? preset.stepPerDecodingMs : 0,
    stepPerPrefillTokenMs: read.durationMs("prefill-time-per-token", preset.stepPerPrefillTokenMs),
    maxNumSeqs: read.number("max-num-seqs", { min: 1, max: 4096, integer: true, fallback: preset.maxNumSeqs }),
    maxWaitingQueueLength: read.number("max-waiting-queue-length", {
      min: 0,
      max: COUNT_MAX,
      integer: true,
      fallback: preset.maxWaitingQueueLength,
    }),
    timeFactorUnderLoad: read.number("time-factor-under-load", { min: 1, max: 1000, integer: false, fallback: 1 }),
    firstTokenMs: firstTokenMs === 0 ? null : firstTokenMs,
    firstTokenStdDevMs: stdDevMs("time-to-first-token-std-dev", firstTokenMs, "time-to-first-token"),
    stepStdDevMs: stdDevMs("inter-token-latency-std-dev", interTokenMs ?? preset.stepBaseMs, "inter-token-latency"),
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's duration format, or a bare number of ms; null when it is neither. */
export function parseDurationMs(text: string): number | null {
  if (/^\d+(\.\d+)?$/u.test(text)) return Number(text);
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/u.test(text)) return null;
  let ms = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/gu))
    ms += Number(value) * (UNIT_MS[unit ?? ""] ?? 0);
  return ms;
}

function nearestFlag(name: string): string {
  const [nearest] = FLAG_NAMES.map((flag) => ({ flag, edits: editDistance(name, flag) })).toSorted(
    (a, b) => a.edits - b.edits,
  );
  // Half of the letters wrong is no longer a typing error.
  if (nearest !== undefined && nearest.edits <= nearest.flag.length / 2) return `did you mean --${nearest.flag}?`;
  return "--help lists the flags";
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
