/**
 * What an engine says of its load in JSON: SGLang's `/v1/loads` and the older `/get_load`, llama.cpp's `/slots`.
 *
 * Model. SGLang answers with a list, one entry a rank, which are added up; a figure that one rank lacks is not told. A
 * capacity of 0 is an engine that is not ready yet, and says nothing of its size.
 * Source: docs/reference/sources.md, Inference servers.
 */
import type { EngineReport } from "../../src/routing/core/endpoint/engine-report.ts";
import { reportOf } from "./figures.ts";

/** Ranks of one engine that are looked at. */
export const RANKS_MAX = 256;

type Entry = Readonly<Record<string, unknown>>;

/** `GET /v1/loads`. Null: it is none. */
export function sglangLoads(text: string): EngineReport | null {
  const body = parsed(text);
  const loads = isEntry(body) ? entriesOf(body["loads"]) : null;
  if (loads === null) return null;
  const kvTokensMax = sumOf(loads, "max_total_num_tokens");
  return reportOf({
    runningRequests: sumOf(loads, "num_running_reqs"),
    waitingRequests: sumOf(loads, "num_waiting_reqs"),
    waitingTokens: sumOf(loads, "num_waiting_uncached_tokens"),
    kvTokensMax: kvTokensMax === 0 ? undefined : kvTokensMax,
    kvTokensUsed: sumOf(loads, "num_used_tokens"),
    readTokensTotal: sumOf(loads, "total_prefill_uncached_tokens"),
    readBusyMsTotal: meanBusyMs(loads),
  });
}

/** Ranks read at the same time: the tokens of all in the mean time of one. */
function meanBusyMs(loads: readonly Entry[]): number | undefined {
  const busyUs = sumOf(loads, "total_prefill_busy_us");
  return busyUs === undefined ? undefined : busyUs / loads.length / 1_000;
}

/** `GET /get_load`, of SGLang before `/v1/loads`: its requests are those that run and those that wait. */
export function sglangGetLoad(text: string): EngineReport | null {
  const loads = entriesOf(parsed(text));
  const [requests, waiting] = loads === null ? [] : [sumOf(loads, "num_reqs"), sumOf(loads, "num_waiting_reqs")];
  if (requests === undefined || waiting === undefined) return null;
  return reportOf({ runningRequests: Math.max(0, requests - waiting), waitingRequests: waiting });
}

/** `GET /slots` of llama.cpp: one entry a slot. What waits for one is not in it. */
export function llamaSlots(text: string): EngineReport | null {
  const slots = entriesOf(parsed(text));
  if (slots === null || !slots.every((slot) => typeof slot["is_processing"] === "boolean")) return null;
  return reportOf({ runningRequests: slots.filter((slot) => slot["is_processing"] === true).length });
}

/** A list of at least one and at most RANKS_MAX objects; else null. */
function entriesOf(value: unknown): readonly Entry[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > RANKS_MAX) return null;
  return value.every(isEntry) ? value : null;
}

function sumOf(entries: readonly Entry[], name: string): number | undefined {
  let sum = 0;
  for (const entry of entries) {
    const value = entry[name];
    if (typeof value !== "number" || value < 0) return undefined;
    sum += value;
  }
  return sum;
}

const isEntry = (value: unknown): value is Entry =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
