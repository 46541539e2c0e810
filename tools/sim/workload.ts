/**
 * The requests of one run: drawn once per (scenario, load, seed) and given to every policy, so that they compete on the
 * same demand.
 *
 * Model. A structure of arrays, because a run has up to millions of requests. Work is drawn with the request and not at
 * the endpoint, so a clairvoyant bound and a policy see the same service.
 */
import { invariant } from "../../src/lib/invariant.ts";
import { planArrivals } from "./arrivals.ts";
import { capacityOf, PSEUDO_PROMPT_TOKENS, PSEUDO_TOKEN_MS, workOfTokensMs } from "./capacity.ts";
import type { Capacity, MeanRequest } from "./capacity.ts";
import { draw, drawIndex, meanOf, stream } from "./chance.ts";
import { faultWindows, type FaultWindow } from "./fault-windows.ts";
import { PREFIX_BLOCK_TOKENS, type Demand, type Scenario } from "./scenario.ts";
import type { TraceRow } from "./trace.ts";

/** Index i of every array is request i, in order of arrival. */
export type Requests = {
  readonly count: number;
  readonly arrivalMs: Float64Array;
  /** Index of the client's region. */
  readonly region: Uint8Array;
  /** Service time at speed 1 in the slots engine, ms. */
  readonly workMs: Float64Array;
  readonly promptTokens: Int32Array;
  readonly outputTokens: Int32Array;
  /** Prefix blocks of request i: `blocks[blockStart[i]]` up to `blocks[blockStart[i + 1]]`, exclusive. */
  readonly blockStart: Int32Array;
  readonly blocks: Int32Array;
};

/** Ids of the whole blocks of a request's prompt, as far as they are known. */
export function promptBlocks({ promptTokens, blockStart, blocks }: Requests, request: number): Int32Array {
  const from = blockStart[request] ?? 0;
  const to = blockStart[request + 1] ?? from;
  return blocks.subarray(from, Math.min(to, from + Math.floor((promptTokens[request] ?? 0) / PREFIX_BLOCK_TOKENS)));
}

/**
 * What tells the request's conversation from others: its second block, whose id covers the text before
 * it, while the first may be a system prompt. Null where the blocks do not cover all of the prompt, and
 * so are only a shared beginning.
 */
export function sessionOf({ promptTokens, blockStart, blocks }: Requests, request: number): number | null {
  const from = blockStart[request] ?? 0;
  const count = (blockStart[request + 1] ?? from) - from;
  if (count < 2 || count * PREFIX_BLOCK_TOKENS < (promptTokens[request] ?? 0)) return null;
  return blocks[from + 1] ?? null;
}

export type Workload = {
  readonly requests: Requests;
  /** Adapter of request i; null: none has one. */
  readonly adapters: Int16Array | null;
  readonly mean: MeanRequest;
  /** By endpoint. */
  readonly capacities: readonly Capacity[];
  readonly faults: readonly FaultWindow[];
};

export type WorkloadOptions = {
  readonly load: number;
  readonly seed: number;
  readonly count: number;
  /** Needed when the scenario's arrivals are a trace. */
  readonly trace: readonly TraceRow[] | null;
};

export function createWorkload(scenario: Scenario, { load, seed, count, trace }: WorkloadOptions): Workload {
  const traced = scenario.arrivals.kind === "trace";
  invariant(!traced || trace !== null, "a trace scenario needs a trace");
  const rows = traced && trace !== null ? trace.slice(0, count) : null;
  const mean = rows === null ? meanOfDemand(scenario.demand) : meanOfTrace(rows);
  const capacities = scenario.endpoints.map((endpoint) => capacityOf(endpoint, scenario.engine, mean));
  const perMs = load * capacities.reduce((sum, capacity) => sum + capacity.perMs, 0);
  const size = rows === null ? count : rows.length;
  const faults = faultWindows(scenario.faults, size / perMs);
  const plan = planArrivals(scenario, { perMs, count: size, seed, faults });
  const requests = rows === null ? drawn(scenario.demand, plan, seed) : recorded(rows, plan.region, perMs);
  return { requests, adapters: adaptersOf(scenario, requests.count, seed), mean, capacities, faults };
}

function adaptersOf({ adapters }: Scenario, count: number, seed: number): Int16Array | null {
  if (adapters === null) return null;
  const rng = stream(seed, "adapters");
  const weights = Array.from({ length: adapters.count }, (_, rank) => 1 / (rank + 1));
  return Int16Array.from({ length: count }, () => drawIndex(weights, rng));
}

function meanOfDemand(demand: Demand): MeanRequest {
  if (demand.kind === "work") {
    const workMs = meanOf(demand.workMs);
    return { workMs, promptTokens: PSEUDO_PROMPT_TOKENS, outputTokens: Math.max(1, workMs / PSEUDO_TOKEN_MS) };
  }
  const prefix = demand.prefixCount > 0 ? demand.prefixTokens : 0;
  const promptTokens = meanOf(demand.promptTokens) + prefix;
  const outputTokens = meanOf(demand.outputTokens);
  return { workMs: workOfTokensMs(promptTokens, outputTokens), promptTokens, outputTokens };
}

function meanOfTrace(rows: readonly TraceRow[]): MeanRequest {
  const promptTokens = rows.reduce((sum, row) => sum + row.promptTokens, 0) / rows.length;
  const outputTokens = rows.reduce((sum, row) => sum + row.outputTokens, 0) / rows.length;
  return { workMs: workOfTokensMs(promptTokens, outputTokens), promptTokens, outputTokens };
}

type Plan = { readonly arrivalMs: Float64Array; readonly region: Uint8Array };

function drawn(demand: Demand, plan: Plan, seed: number): Requests {
  const count = plan.arrivalMs.length;
  const workMs = new Float64Array(count);
  const promptTokens = new Int32Array(count);
  const outputTokens = new Int32Array(count);
  const blockStart = new Int32Array(count + 1);
  const works = stream(seed, "work");
  if (demand.kind === "work") {
    for (let index = 0; index < count; index += 1) {
      const work = draw(demand.workMs, works);
      workMs[index] = work;
      promptTokens[index] = PSEUDO_PROMPT_TOKENS;
      outputTokens[index] = Math.max(1, Math.round(work / PSEUDO_TOKEN_MS));
    }
    return { ...plan, count, workMs, promptTokens, outputTokens, blockStart, blocks: new Int32Array(0) };
  }
  const outputs = stream(seed, "outputs");
  const prefixes = stream(seed, "prefixes");
  const weights = Array.from({ length: demand.prefixCount }, (_, rank) => 1 / (rank + 1));
  // Whole ones: the block in which a prefix ends differs from prompt to prompt.
  const blocksEach = Math.floor(demand.prefixTokens / PREFIX_BLOCK_TOKENS);
  const blocks: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const own = Math.max(1, Math.round(draw(demand.promptTokens, works)));
    const output = Math.max(1, Math.round(draw(demand.outputTokens, outputs)));
    const shared = weights.length > 0 ? demand.prefixTokens : 0;
    if (shared > 0) {
      const first = drawIndex(weights, prefixes) * blocksEach;
      for (let block = 0; block < blocksEach; block += 1) blocks.push(first + block);
    }
    promptTokens[index] = own + shared;
    outputTokens[index] = output;
    workMs[index] = workOfTokensMs(own + shared, output);
    blockStart[index + 1] = blocks.length;
  }
  return { ...plan, count, workMs, promptTokens, outputTokens, blockStart, blocks: Int32Array.from(blocks) };
}

/**
 * The trace's own gaps, stretched so that its mean rate is `perMs`; regions as for any other demand, but a session
 * stays in the one where it began. Lengths and gaps are the trace's: a seed changes nothing but the regions.
 */
function recorded(rows: readonly TraceRow[], region: Uint8Array, perMs: number): Requests {
  const spanMs = Math.max(1, rows.at(-1)?.atMs ?? 1);
  const stretch = rows.length / perMs / spanMs;
  const blockStart = new Int32Array(rows.length + 1);
  for (const [index, { blocks }] of rows.entries()) blockStart[index + 1] = (blockStart[index] ?? 0) + blocks.length;
  const requests: Requests = {
    count: rows.length,
    arrivalMs: Float64Array.from(rows, ({ atMs }) => atMs * stretch),
    region,
    workMs: Float64Array.from(rows, (row) => workOfTokensMs(row.promptTokens, row.outputTokens)),
    promptTokens: Int32Array.from(rows, (row) => row.promptTokens),
    outputTokens: Int32Array.from(rows, (row) => row.outputTokens),
    blockStart,
    blocks: Int32Array.from(rows.flatMap(({ blocks }) => blocks)),
  };
  const homes = new Map<number, number>();
  for (let request = 0; request < rows.length; request += 1) {
    const session = sessionOf(requests, request);
    if (session === null) continue;
    const home = homes.get(session) ?? region[request] ?? 0;
    homes.set(session, home);
    region[request] = home;
  }
  return requests;
}
