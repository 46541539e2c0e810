/**
 * Decides what an engine's own words about its load are worth: vLLM's and SGLang's metrics, as an adapter read
 * them off a probe (`backends/`).
 *
 * Model. An engine tells what it tells, so every figure may be absent, and absent is never 0: an idle engine and a
 * silent one are not the same. Load is the truth of an instant: what is older than ENGINE_LIFE_MS says nothing. A
 * shard knows its own leases exactly, so what it takes from the engine is what is there beyond them, the requests of
 * others: what it sends after that comes on top by itself, and what of it ends is off by itself. The size of the KV
 * memory is a fact of the engine's start, and stays. The reading speed is a quotient of two counters that only grow,
 * over what they grew between two looks.
 * Source: docs/reference/sources.md, Inference servers (vLLM's `/metrics` and `cache_config_info`, SGLang's `/v1/loads`).
 * Rejected: a scrape on the way of a request, which waits for an engine that is busy; trust in figures between two
 * scrapes, which are seconds apart; and the larger of the engine's count and our own, which holds slots for
 * requests that have ended since.
 */
import type { EndpointView } from "./endpoint-view.ts";

/** What an engine says of itself. Tokens are the engine's own. */
export type EngineReport = {
  /** Prompt tokens that wait to be read, cached ones not counted. */
  readonly waitingTokens?: number;
  readonly runningRequests?: number;
  readonly waitingRequests?: number;
  /** Tokens for which it has KV memory. */
  readonly kvTokensMax?: number;
  /** … and those that are in use. */
  readonly kvTokensUsed?: number;
  /** Since its start: prompt tokens that it read, cached ones not counted, and how long it was busy with them, ms. */
  readonly readTokensTotal?: number;
  readonly readBusyMsTotal?: number;
  /** LoRA adapters that are resident. */
  readonly adapters?: readonly string[];
  /** … and those that it could take, as far as the pool has them. */
  readonly adaptersListed?: readonly string[];
  /** How old the figures were when the probe ended, ms. Absent: 0. */
  readonly ageMs?: number;
};

/** What is left of the last reports, with the instant of which they are. */
export type EngineWords = {
  readonly report: EngineReport;
  readonly atMs: number;
  /** Requests there beyond those that were leased here. */
  readonly foreign: number;
  /** What it read between the last two looks that were far enough apart; null: not known. */
  readonly readSince: ReadCounters | null;
  /** The counters from which the next growth is taken. */
  readonly readFrom: ReadCounters | null;
};

type ReadCounters = { readonly tokens: number; readonly busyMs: number };

/** A speed is read off the counters once they have grown by so much: less is one small prompt and its rounding. */
export const READ_TOKENS_MIN = 512;
export const READ_BUSY_MS_MIN = 10;

/** Older words say nothing of an engine's load, ms. */
export const ENGINE_LIFE_MS = 1_000;

/**
 * The words after one more report: what it does not tell of the KV memory's size is as it was. `leased`: requests that
 * were leased here when it was told.
 */
export function heardEngine(known: EngineWords | null, report: EngineReport, now: number, leased: number): EngineWords {
  const kvTokensMax = report.kvTokensMax ?? known?.report.kvTokensMax;
  const size = kvTokensMax === undefined ? {} : { kvTokensMax };
  const { runningRequests, waitingRequests = 0 } = report;
  return {
    report: { ...report, ...size },
    atMs: now - Math.max(0, report.ageMs ?? 0),
    foreign: runningRequests === undefined ? 0 : Math.max(0, runningRequests + waitingRequests - leased),
    ...readBetween(known?.readFrom ?? null, countersOf(report)),
  };
}

const countersOf = ({ readTokensTotal: tokens, readBusyMsTotal: busyMs }: EngineReport): ReadCounters | null =>
  tokens === undefined || busyMs === undefined ? null : { tokens, busyMs };

/** A growth that is too small to be read goes on until it is not; an engine that has started again begins anew. */
function readBetween(from: ReadCounters | null, to: ReadCounters | null): Pick<EngineWords, "readSince" | "readFrom"> {
  if (from === null || to === null) return { readSince: null, readFrom: to ?? from };
  const grown = { tokens: to.tokens - from.tokens, busyMs: to.busyMs - from.busyMs };
  if (grown.tokens < 0 || grown.busyMs < 0) return { readSince: null, readFrom: to };
  const isEnough = grown.tokens >= READ_TOKENS_MIN && grown.busyMs >= READ_BUSY_MS_MIN;
  return isEnough ? { readSince: grown, readFrom: to } : { readSince: null, readFrom: from };
}

/** The engine's load, while it says something; null otherwise. */
export function freshWords(words: EngineWords | null, now: number): EngineWords | null {
  return words !== null && now - words.atMs <= ENGINE_LIFE_MS ? words : null;
}

/** Requests of others there, as far as is known. */
export const foreignNow = (words: EngineWords | null, now: number): number => freshWords(words, now)?.foreign ?? 0;

/** The view, with what the engine tells of adapters; the same object where it tells nothing. */
export function withAdaptersTold(view: EndpointView, report: EngineReport | undefined): EndpointView {
  if (report?.adapters === undefined && report?.adaptersListed === undefined) return view;
  const { adapters, adaptersListed } = report;
  return {
    ...view,
    ...(adapters === undefined ? {} : { adapters }),
    ...(adaptersListed === undefined ? {} : { adaptersListed }),
  };
}
