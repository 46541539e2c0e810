/**
 * Makes a scenario from the text of its file, or says what is wrong in it.
 *
 * Model: read as the config is (`src/config/config-read.ts`): text → value → shape → references → scenario. Each step
 * finds everything it can, and a problem comes with its line, its path, and what to write instead.
 */
import * as z from "zod";
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { didYouMean } from "../../../src/config/config-check.ts";
import type { ConfigPath, Finding } from "../../../src/config/config-finding.ts";
import { formatProblems, problemsOf } from "../../../src/config/config-parse.ts";
import { readChecked } from "../../../src/config/config-read.ts";
import { invariant } from "../../../src/lib/invariant.ts";
import { err, ok, type Result } from "../../../src/lib/result.ts";
import { awsLongitude, awsRoundTripMs, AWS_REGIONS, SAME_REGION_ROUND_TRIP_MS } from "../aws-round-trips.ts";
import type { Demand, EndpointSetup, EngineSetup, Fault, Region, Scenario } from "../scenario.ts";
import { ENDPOINTS_MAX, ScenarioSchema, WINDOW_MS_MAX, type RawScenario } from "./scenario-schema.ts";

type RawFault = RawScenario["faults"][number];

/** `name` is the scenario's when the file gives none, and what messages call the file. */
export function parseScenario(text: string, name: string): Result<Scenario, string> {
  const read = readChecked(text, ScenarioSchema, checkScenario);
  if (read.ok) return ok(resolveScenario(read.value, name));
  const problems = problemsOf(text, read.error, () => z.toJSONSchema(ScenarioSchema, { io: "input" }));
  return err(formatProblems(text, problems, name));
}

function checkScenario(raw: RawScenario): Finding[] {
  const names = regionsOf(raw).map(({ name }) => name);
  return [
    ...checkRegions(raw, names),
    ...checkEndpoints(raw, names),
    ...checkDemand(raw),
    ...raw.faults.flatMap((fault, index) => checkFault(fault, ["faults", index], names, idsOf(raw))),
  ];
}

function checkRegions({ roundTripMs, demandByRegion }: RawScenario, names: readonly string[]): Finding[] {
  const findings: Finding[] = [];
  const count = names.length;
  if (new Set(names).size < count)
    findings.push({ path: ["regions"], problem: "a region stands here twice", fix: "keep one of each name" });
  const unknown = names.find((name) => awsRoundTripMs(name, name) === undefined);
  const known = AWS_REGIONS.map(({ name }) => name).join(", ");
  if (roundTripMs === undefined && unknown !== undefined && count > 1)
    findings.push({
      path: ["roundTripMs"],
      problem: `"roundTripMs" is missing here, and there are no figures for ${unknown}`,
      fix: `add it, or use regions with known figures: ${known}`,
    });
  if (roundTripMs !== undefined && [roundTripMs, ...roundTripMs].some(({ length }) => length !== count))
    findings.push({
      path: ["roundTripMs"],
      problem: "this is not one row and one column a region",
      fix: `write ${count} rows of ${count} numbers`,
    });
  if (demandByRegion.length > 0 && demandByRegion.length !== count)
    findings.push({
      path: ["demandByRegion"],
      problem: "this is not one number a region",
      fix: `write ${count} numbers`,
    });
  else if (demandByRegion.length > 0 && demandByRegion.every((share) => share === 0))
    findings.push({ path: ["demandByRegion"], problem: "all are 0", fix: "write a number above 0 for one region" });
  return findings;
}

function checkEndpoints(raw: RawScenario, names: readonly string[]): Finding[] {
  const findings: Finding[] = raw.endpoints.flatMap(({ region }, index) =>
    names.includes(region) ? [] : [unknownName(region, names, ["endpoints", index, "region"], "region")],
  );
  const count = raw.endpoints.reduce((sum, endpoint) => sum + endpoint.count, 0);
  if (count > ENDPOINTS_MAX)
    return [...findings, { path: ["endpoints"], problem: `${count} endpoints`, fix: `keep to ${ENDPOINTS_MAX}` }];
  const ids = idsOf(raw);
  const twice = ids.find((id, index) => ids.indexOf(id) < index);
  if (twice !== undefined)
    findings.push({ path: ["endpoints"], problem: `two have the id ${twice}`, fix: "give each its own id" });
  return findings;
}

function checkDemand({ demand, engine, arrivals }: RawScenario): Finding[] {
  const findings: Finding[] = [];
  const { workMs, promptTokens, outputTokens } = demand;
  const hasTokens = promptTokens !== undefined && outputTokens !== undefined;
  const hasEither = promptTokens !== undefined || outputTokens !== undefined;
  if (workMs === undefined ? !hasTokens : hasEither)
    findings.push({
      path: ["demand"],
      problem: "this is neither work nor tokens",
      fix: "give workMs, or promptTokens and outputTokens",
    });
  else if (engine.kind === "step" && workMs !== undefined)
    findings.push({
      path: ["demand"],
      problem: "the step engine serves tokens, not work",
      fix: "give promptTokens and outputTokens",
    });
  if (arrivals.kind === "bursts" && arrivals.factor * arrivals.share >= 1)
    findings.push({
      path: ["arrivals", "factor"],
      problem: "nothing would be left between the bursts",
      fix: "keep factor times share below 1",
    });
  return findings;
}

function checkFault(fault: RawFault, path: ConfigPath, names: readonly string[], ids: readonly string[]): Finding[] {
  const findings: Finding[] = [];
  const inMs = fault.fromMs ?? fault.toMs;
  const inShares = fault.fromShare ?? fault.toShare;
  if (inMs !== undefined && inShares !== undefined)
    findings.push({ path, problem: "the window is given twice", fix: "write it in ms or in shares of the run" });
  for (const [index, name] of fault.regions.entries())
    if (!names.includes(name)) findings.push(unknownName(name, names, [...path, "regions", index], "region"));
  for (const [index, id] of fault.endpoints.entries())
    if (!ids.includes(id)) findings.push(unknownName(id, ids, [...path, "endpoints", index], "endpoint"));
  return findings;
}

function unknownName(name: string, known: readonly string[], path: ConfigPath, what: string): Finding {
  return { path, problem: `the file has no such ${what}`, fix: didYouMean(name, known, `name a ${what} of the file`) };
}

function resolveScenario(raw: RawScenario, name: string): Scenario {
  const { faults, demandByRegion, name: given = name, about = name, ...rest } = raw;
  const regions = regionsOf(raw);
  const endpoints = endpointsOf(raw, regions);
  return {
    ...rest,
    name: given,
    about,
    regions,
    roundTripMs: raw.roundTripMs ?? roundTripsOf(regions),
    endpoints,
    engine: engineOf(raw),
    demand: demandOf(raw),
    adapters: raw.adapters ?? null,
    demandByRegion: demandByRegion.length > 0 ? demandByRegion : regions.map(() => 1),
    faults: faults.map((fault) => faultOf(fault, regions, endpoints)),
  };
}

function regionsOf({ regions }: RawScenario): readonly Region[] {
  return regions.map((region) =>
    typeof region === "string" ? { name: region, lon: awsLongitude(region) ?? 0 } : region,
  );
}

function roundTripsOf(regions: readonly Region[]): readonly (readonly number[])[] {
  return regions.map((from) =>
    regions.map((to) =>
      from === to ? SAME_REGION_ROUND_TRIP_MS : (awsRoundTripMs(from.name, to.name) ?? SAME_REGION_ROUND_TRIP_MS),
    ),
  );
}

/** The ids of all endpoints, in order: a line of the file with a count is as many. */
function idsOf({ endpoints }: RawScenario): readonly string[] {
  return endpoints.flatMap(({ id, region, count }, at) => {
    const base = id ?? `${region}-${at}`;
    return count === 1 ? [base] : Array.from({ length: count }, (_, index) => `${base}.${index}`);
  });
}

function endpointsOf(raw: RawScenario, regions: readonly Region[]): readonly EndpointSetup[] {
  const ids = idsOf(raw);
  const each = raw.endpoints.flatMap(({ count, ...one }) => Array.from({ length: count }, () => one));
  return each.map(({ slots, speed, startsCold, coldStartMs, idleMs = null, region }, index) => ({
    id: ids[index] ?? "",
    region: indexOf(regions, region),
    slots,
    speed,
    startsCold,
    coldStartMs,
    idleMs,
  }));
}

function engineOf({ engine }: RawScenario): EngineSetup {
  if (engine.kind === "slots") return engine;
  return { kind: "step", params: ENGINE_PRESETS[engine.preset] };
}

function demandOf({ demand }: RawScenario): Demand {
  const { workMs, promptTokens, outputTokens, prefixCount, prefixTokens } = demand;
  if (workMs !== undefined) return { kind: "work", workMs };
  invariant(promptTokens !== undefined && outputTokens !== undefined, "a checked demand is work or tokens");
  return { kind: "tokens", promptTokens, outputTokens, prefixCount, prefixTokens };
}

function faultOf(fault: RawFault, regions: readonly Region[], endpoints: readonly EndpointSetup[]): Fault {
  const { kind, fromMs, toMs, fromShare, toShare, factor, share, sigma } = fault;
  const isShare = fromShare !== undefined || toShare !== undefined;
  const hit = fault.regions.map((name) => indexOf(regions, name));
  const named = fault.endpoints.map((id) => endpoints.findIndex((endpoint) => endpoint.id === id));
  const inRegions = endpoints.flatMap(({ region }, index) => (hit.includes(region) ? [index] : []));
  return {
    kind,
    from: (isShare ? fromShare : fromMs) ?? 0,
    to: isShare ? (toShare ?? 1) : (toMs ?? WINDOW_MS_MAX),
    isShare,
    endpoints: named.length > 0 ? named : inRegions,
    regions: hit,
    factor,
    share,
    sigma,
  };
}

function indexOf(regions: readonly Region[], name: string): number {
  return regions.findIndex((region) => region.name === name);
}
