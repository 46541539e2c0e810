/**
 * Makes a scenario from the text of its file: defaults, bounds, and one list of everything that is wrong.
 *
 * The bounds are there so that a typing error is a message and not an hour of computing or an array of a terabyte.
 */
import { ENGINE_PRESET_NAMES, ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { err, ok, type Result } from "../../src/lib/result.ts";
import { awsLongitude, awsRoundTripMs, AWS_REGIONS, SAME_REGION_ROUND_TRIP_MS } from "./aws-round-trips.ts";
import { DISTRIBUTION_KINDS, type Distribution } from "./chance.ts";
import { FieldReader } from "./field-reader.ts";
import { parseJsonc } from "./jsonc.ts";
import { FAULT_KINDS } from "./scenario.ts";
import type { Arrivals, Demand, EndpointSetup, EngineSetup, Fault, Region, Scenario } from "./scenario.ts";

/** Ten minutes of computing on one core, and about 3 GB of arrays. */
export const REQUESTS_MAX = 10_000_000;
export const SEEDS_MAX = 10_000;
/** Seeds are 32-bit words. */
export const SEED_MAX = 0xffff_ffff;
/** Regions are indexed by a byte. */
export const REGIONS_MAX = 64;
export const ENDPOINTS_MAX = 1_024;
export const SLOTS_MAX = 4_096;

/** A day, ms: no single duration of a scenario is longer. */
const DURATION_MS_MAX = 86_400_000;

/** Blocks that the KV memory of a mid-size GPU has beside what runs: 40,000 tokens. */
export const PREFIX_BLOCKS_DEFAULT = 78;

/** `name` is used when the file gives none. The error lists every problem, one a line. */
export function parseScenario(text: string, name: string): Result<Scenario, string> {
  const parsed = parseJsonc(text);
  if (!parsed.ok) return err(`${name}: ${parsed.error}`);
  const problems: string[] = [];
  const scenario = readScenario(new FieldReader(parsed.value, "", problems), name);
  return problems.length === 0 ? ok(scenario) : err(problems.map((problem) => `${name}: ${problem}`).join("\n"));
}

function readScenario(file: FieldReader, name: string): Scenario {
  const regions = readRegions(file);
  const endpoints = readEndpoints(file, regions);
  const engine = readEngine(file.object("engine"));
  const demand = readDemand(file.object("demand"));
  if (engine.kind === "step" && demand.kind === "work") {
    file.problem("demand", "must give promptTokens and outputTokens for the step engine");
  }
  const loads = file.numbers("loads", { min: 0.001, max: 100 });
  const scenario: Scenario = {
    name: file.text("name", name),
    about: file.text("about", name),
    regions,
    roundTripMs: readRoundTrips(file, regions),
    jitterSigma: file.number("jitterSigma", { min: 0, max: 2 }, 0),
    endpoints,
    engine,
    headersWithSlot: file.flag("headersWithSlot", false),
    demand,
    demandByRegion: readShares(file, regions),
    arrivals: readArrivals(file.object("arrivals")),
    loads: loads.length === 0 ? [0.8, 0.95] : loads,
    requests: file.number("requests", { min: 1, max: REQUESTS_MAX, integer: true }, 40_000),
    seeds: file.number("seeds", { min: 1, max: SEEDS_MAX, integer: true }, 5),
    seed: file.number("seed", { min: 0, max: SEED_MAX, integer: true }, 1),
    objectiveMs: file.number("objectiveMs", { min: 1, max: DURATION_MS_MAX }, 1_000),
    firstTokenTimeoutMs: file.number("firstTokenTimeoutMs", { min: 1, max: DURATION_MS_MAX }, 30_000),
    faults: file.objects("faults").map((fault) => readFault(fault, regions, endpoints)),
  };
  file.finish();
  return scenario;
}

function readRegions(file: FieldReader): readonly Region[] {
  const regions = file.list("regions").map((value, index): Region => {
    if (typeof value === "string") return { name: value, lon: awsLongitude(value) ?? 0 };
    const reader = new FieldReader(value, `regions[${index}]`, file.problems);
    const region = { name: reader.text("name"), lon: reader.number("lon", { min: -180, max: 180 }, 0) };
    reader.finish();
    return region;
  });
  if (regions.length === 0 || regions.length > REGIONS_MAX) file.problem("regions", `must list 1 to ${REGIONS_MAX}`);
  if (new Set(regions.map(({ name }) => name)).size < regions.length) file.problem("regions", "must not repeat a name");
  return regions.length === 0 ? [{ name: "none", lon: 0 }] : regions;
}

function readRoundTrips(file: FieldReader, regions: readonly Region[]): readonly (readonly number[])[] {
  if (file.has("roundTripMs")) {
    const rows = file.list("roundTripMs");
    const square = rows.length === regions.length && rows.every((row) => isRow(row, regions.length));
    if (square) return rows.filter((row) => isRow(row, regions.length));
    file.problem("roundTripMs", `must be ${regions.length} rows of ${regions.length} numbers from 0 to 10000`);
    return regions.map(() => regions.map(() => 0));
  }
  const unknown = regions.filter(({ name }) => awsRoundTripMs(name, name) === undefined);
  if (unknown.length > 0 && regions.length > 1) {
    const names = AWS_REGIONS.map(({ name }) => name).join(", ");
    file.problem("roundTripMs", `is missing: no figures for ${unknown[0]?.name ?? ""}; known regions are ${names}`);
  }
  return regions.map((from) =>
    regions.map((to) =>
      from === to ? SAME_REGION_ROUND_TRIP_MS : (awsRoundTripMs(from.name, to.name) ?? SAME_REGION_ROUND_TRIP_MS),
    ),
  );
}

function isRow(row: unknown, length: number): row is number[] {
  return (
    Array.isArray(row) && row.length === length && row.every((ms) => typeof ms === "number" && ms >= 0 && ms <= 1e4)
  );
}

function readShares(file: FieldReader, regions: readonly Region[]): readonly number[] {
  const shares = file.numbers("demandByRegion", { min: 0, max: 1e6 });
  if (shares.length === 0) return regions.map(() => 1);
  if (shares.length !== regions.length) file.problem("demandByRegion", `must have ${regions.length} numbers`);
  else if (shares.every((share) => share === 0)) file.problem("demandByRegion", "must not be all 0");
  return shares;
}

function readEndpoints(file: FieldReader, regions: readonly Region[]): readonly EndpointSetup[] {
  const endpoints = file.objects("endpoints").flatMap((reader) => {
    const region = readIndex(reader, "region", regions);
    const count = reader.number("count", { min: 1, max: ENDPOINTS_MAX, integer: true }, 1);
    const id = reader.text("id", `${regions[region]?.name ?? ""}-${reader.path.replace(/\D/g, "")}`);
    const one = {
      region,
      slots: reader.number("slots", { min: 1, max: SLOTS_MAX, integer: true }),
      speed: reader.number("speed", { min: 0.001, max: 1_000 }, 1),
      startsCold: reader.flag("startsCold", false),
      coldStartMs: reader.number("coldStartMs", { min: 0, max: DURATION_MS_MAX }, 25_000),
      idleMs: reader.has("idleMs") ? reader.number("idleMs", { min: 1, max: DURATION_MS_MAX }) : null,
    };
    reader.finish();
    return Array.from({ length: count }, (_, index) => ({ ...one, id: count === 1 ? id : `${id}.${index}` }));
  });
  if (endpoints.length === 0 || endpoints.length > ENDPOINTS_MAX) {
    file.problem("endpoints", `must be 1 to ${ENDPOINTS_MAX}`);
  }
  if (new Set(endpoints.map(({ id }) => id)).size < endpoints.length)
    file.problem("endpoints", "must not repeat an id");
  return endpoints;
}

function readIndex(reader: FieldReader, key: string, regions: readonly Region[]): number {
  const name = reader.text(key);
  const index = regions.findIndex((region) => region.name === name);
  if (index < 0 && name !== "") reader.problem(key, `names no region of the file: ${name}`);
  return Math.max(0, index);
}

function readEngine(reader: FieldReader): EngineSetup {
  const kind = reader.oneOf("kind", ["slots", "step"], "slots");
  const firstTokenShare = reader.number("firstTokenShare", { min: 0, max: 1 }, 0.05);
  const preset = reader.oneOf("preset", ENGINE_PRESET_NAMES, "default");
  const prefixBlocks = reader.number("prefixBlocks", { min: 0, max: 1e6, integer: true }, PREFIX_BLOCKS_DEFAULT);
  reader.finish();
  return kind === "slots" ? { kind, firstTokenShare } : { kind, params: ENGINE_PRESETS[preset], prefixBlocks };
}

function readDemand(reader: FieldReader): Demand {
  const tokens = reader.has("promptTokens") || reader.has("outputTokens");
  const demand: Demand = tokens
    ? {
        kind: "tokens",
        promptTokens: readDistribution(reader.object("promptTokens")),
        outputTokens: readDistribution(reader.object("outputTokens")),
        prefixCount: reader.number("prefixCount", { min: 0, max: 1e5, integer: true }, 0),
        prefixTokens: reader.number("prefixTokens", { min: 1, max: 1e6, integer: true }, 2_048),
      }
    : { kind: "work", workMs: readDistribution(reader.object("workMs")) };
  reader.finish();
  return demand;
}

function readDistribution(reader: FieldReader): Distribution {
  const kind = reader.oneOf("kind", DISTRIBUTION_KINDS);
  const mean = reader.number("mean", { min: 0.001, max: 1e7 });
  const sigma = kind === "lognormal" ? reader.number("sigma", { min: 0, max: 3 }) : 0;
  reader.finish();
  return kind === "lognormal" ? { kind, mean, sigma } : { kind, mean };
}

function readArrivals(reader: FieldReader): Arrivals {
  const kind = reader.oneOf("kind", ["poisson", "gamma", "bursts", "diurnal", "trace"], "poisson");
  const arrivals = ((): Arrivals => {
    switch (kind) {
      case "poisson":
      case "trace":
        return { kind };
      case "gamma":
        return { kind, cv: reader.number("cv", { min: 0.01, max: 50 }) };
      case "bursts":
        return {
          kind,
          factor: reader.number("factor", { min: 1, max: 1_000 }),
          share: reader.number("share", { min: 0.0001, max: 0.99 }),
          burstMs: reader.number("burstMs", { min: 1, max: DURATION_MS_MAX }),
        };
      case "diurnal":
        return {
          kind,
          amplitude: reader.number("amplitude", { min: 0, max: 1 }),
          periodMs: reader.number("periodMs", { min: 1, max: DURATION_MS_MAX }, DURATION_MS_MAX),
        };
    }
  })();
  if (arrivals.kind === "bursts" && arrivals.factor * arrivals.share >= 1) {
    reader.problem("factor", "times share must be below 1: nothing would be left between the bursts");
  }
  reader.finish();
  return arrivals;
}

function readFault(reader: FieldReader, regions: readonly Region[], endpoints: readonly EndpointSetup[]): Fault {
  const isShare = reader.has("fromShare") || reader.has("toShare");
  const [fromKey, toKey, max] = isShare ? ["fromShare", "toShare", 1] : ["fromMs", "toMs", 1e12];
  const named = reader.texts("regions").map((name) => regions.findIndex((region) => region.name === name));
  const ids = reader.texts("endpoints").map((id) => endpoints.findIndex((endpoint) => endpoint.id === id));
  if (named.includes(-1)) reader.problem("regions", "names no region of the file");
  if (ids.includes(-1))
    reader.problem("endpoints", `must be ids; known are ${endpoints.map(({ id }) => id).join(", ")}`);
  const inRegions = endpoints.flatMap(({ region }, index) => (named.includes(region) ? [index] : []));
  const fault: Fault = {
    kind: reader.oneOf("kind", FAULT_KINDS),
    from: reader.number(String(fromKey), { min: 0, max: Number(max) }, 0),
    to: reader.number(String(toKey), { min: 0, max: Number(max) }, Number(max)),
    isShare,
    endpoints: ids.length > 0 ? ids : inRegions,
    regions: named,
    factor: reader.number("factor", { min: 0.001, max: 1_000 }, 3),
    share: reader.number("share", { min: 0, max: 1 }, 1),
    sigma: reader.number("sigma", { min: 0, max: 2 }, 0.15),
  };
  reader.finish();
  return fault;
}
