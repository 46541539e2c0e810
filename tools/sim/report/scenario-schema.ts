/**
 * What may be written in a scenario file, field by field: shapes, bounds and defaults. docs/explanation/simulator.md explains the
 * fields; what needs two places of the file at once is in `scenario-parse.ts`.
 *
 * The bounds are there so that a typing error is a message and not an hour of computing or an array of a terabyte.
 */
import * as z from "zod";
import { ENGINE_PRESET_NAMES } from "../../../backends/gpu-engine/engine-presets.ts";
import { FAULT_KINDS } from "../scenario.ts";

/** Ten minutes of computing on one core, and about 3 GB of arrays. */
export const REQUESTS_MAX = 10_000_000;
export const SEEDS_MAX = 10_000;
/** Seeds are 32-bit words. */
export const SEED_MAX = 0xffff_ffff;
/** Regions are indexed by a byte. */
const REGIONS_MAX = 64;
export const ENDPOINTS_MAX = 1_024;
export const SLOTS_MAX = 4_096;
/** Each is a table of its own. */
export const LOADS_MAX = 100;
/** More than a pool may have. */
const ADAPTERS_MAX = 1_000;
/** More than any plan of trouble names. */
export const FAULTS_MAX = 1_000;
/** A day, ms: no single duration of a scenario is longer. */
const DURATION_MS_MAX = 86_400_000;
const ROUND_TRIP_MS_MAX = 10_000;
/** Far beyond the end of any run, ms: a window without an end. */
export const WINDOW_MS_MAX = 1e12;

const text = z.string().min(1);
const number = (min: number, max: number) => z.number().min(min).max(max);
const whole = (min: number, max: number) => z.int().min(min).max(max);
const durationMs = number(1, DURATION_MS_MAX);

const region = z.union([text, z.strictObject({ name: text, lon: number(-180, 180).default(0) })], {
  error: 'write the name of a region, or { "name": …, "lon": … }',
});

const endpoint = z.strictObject({
  region: text,
  slots: whole(1, SLOTS_MAX),
  count: whole(1, ENDPOINTS_MAX).default(1),
  id: text.optional(),
  speed: number(0.001, 1_000).default(1),
  startsCold: z.boolean().default(false),
  coldStartMs: number(0, DURATION_MS_MAX).default(25_000),
  idleMs: durationMs.optional(),
});

const engine = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("slots"), firstTokenShare: number(0, 1).default(0.05) }),
  z.strictObject({
    kind: z.literal("step"),
    preset: z.enum(ENGINE_PRESET_NAMES).default("default"),
  }),
]);

const mean = number(0.001, 1e7);
const simple = [
  z.strictObject({ kind: z.literal("fixed"), mean }),
  z.strictObject({ kind: z.literal("exponential"), mean }),
  z.strictObject({ kind: z.literal("lognormal"), mean, sigma: number(0, 3) }),
] as const;
const distribution = z.discriminatedUnion("kind", [
  ...simple,
  z.strictObject({
    kind: z.literal("either"),
    share: number(0, 1),
    of: z.discriminatedUnion("kind", simple),
    else: z.discriminatedUnion("kind", simple),
  }),
]);

const demand = z.strictObject({
  workMs: distribution.optional(),
  promptTokens: distribution.optional(),
  outputTokens: distribution.optional(),
  prefixCount: whole(0, 1e5).default(0),
  prefixTokens: whole(1, 1e6).default(2_048),
});

const adapters = z.strictObject({
  count: whole(1, ADAPTERS_MAX),
  resident: whole(1, ADAPTERS_MAX),
  loadMs: durationMs.default(200),
  told: z.boolean().default(true),
});

const arrivals = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("poisson") }),
  z.strictObject({ kind: z.literal("gamma"), cv: number(0.01, 50) }),
  z.strictObject({
    kind: z.literal("bursts"),
    factor: number(1, 1_000),
    share: number(0.0001, 0.99),
    burstMs: durationMs,
  }),
  z.strictObject({
    kind: z.literal("diurnal"),
    amplitude: number(0, 1),
    periodMs: durationMs.default(DURATION_MS_MAX),
  }),
  z.strictObject({ kind: z.literal("trace"), file: text.default("trace") }),
]);

const fault = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  endpoints: z.array(text).max(ENDPOINTS_MAX).default([]),
  regions: z.array(text).max(REGIONS_MAX).default([]),
  fromMs: number(0, WINDOW_MS_MAX).optional(),
  toMs: number(0, WINDOW_MS_MAX).optional(),
  fromShare: number(0, 1).optional(),
  toShare: number(0, 1).optional(),
  factor: number(0.001, 1_000).default(3),
  share: number(0, 1).default(1),
  sigma: number(0, 2).default(0.15),
});

export const ScenarioSchema = z.strictObject({
  name: text.optional(),
  about: text.optional(),
  regions: z.array(region).min(1).max(REGIONS_MAX),
  roundTripMs: z
    .array(z.array(number(0, ROUND_TRIP_MS_MAX)).max(REGIONS_MAX))
    .max(REGIONS_MAX)
    .optional(),
  jitterSigma: number(0, 2).default(0),
  endpoints: z.array(endpoint).min(1).max(ENDPOINTS_MAX),
  engine: engine.prefault({ kind: "slots" }),
  headersWithSlot: z.boolean().default(false),
  demand,
  adapters: adapters.optional(),
  demandByRegion: z.array(number(0, 1e6)).max(REGIONS_MAX).default([]),
  arrivals: arrivals.prefault({ kind: "poisson" }),
  loads: z.array(number(0.001, 100)).min(1).max(LOADS_MAX).default([0.8, 0.95]),
  requests: whole(1, REQUESTS_MAX).default(40_000),
  seeds: whole(1, SEEDS_MAX).default(5),
  seed: whole(0, SEED_MAX).default(1),
  objectiveMs: durationMs.default(1_000),
  firstTokenTimeoutMs: durationMs.default(30_000),
  faults: z.array(fault).max(FAULTS_MAX).default([]),
});

/** The file as written, defaults applied, nothing resolved yet. */
export type RawScenario = z.output<typeof ScenarioSchema>;
