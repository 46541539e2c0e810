/**
 * Decides what an engine's own words about its load are worth: vLLM's and SGLang's metrics, as an adapter read them off a
 * probe (`backends/`).
 *
 * Model. An engine tells what it tells, so every figure may be absent. Load is the truth of an instant: what is older than
 * ENGINE_LIFE_MS says nothing, and what this shard has sent since is counted on top of it. The figures also hold what others
 * send to the same engine, so the larger of them and of the shard's own account counts. The size of the KV memory is a fact
 * of the engine's start, and stays.
 * Source: docs/sources.md, Engines (vLLM's `/metrics` and `cache_config_info`, SGLang's `/v1/loads`). Rejected: a scrape on
 * the way of a request, which waits for an engine that is busy; and trust in figures between two scrapes, which are
 * seconds apart.
 */

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
  /** How old the figures were when the probe ended, ms. Absent: 0. */
  readonly ageMs?: number;
};

/** What is left of the last reports, with the instant of which they are. */
export type EngineWords = { readonly report: EngineReport; readonly atMs: number };

/** Older words say nothing of an engine's load, ms. */
export const ENGINE_LIFE_MS = 1_000;

/** The words after one more report: what it does not tell of the KV memory's size is as it was. */
export function heardEngine(known: EngineWords | null, report: EngineReport, now: number): EngineWords {
  const kvTokensMax = report.kvTokensMax ?? known?.report.kvTokensMax;
  const size = kvTokensMax === undefined ? {} : { kvTokensMax };
  return { report: { ...report, ...size }, atMs: now - Math.max(0, report.ageMs ?? 0) };
}

/** The engine's load, while it says something; null otherwise. */
export function freshWords(words: EngineWords | null, now: number): EngineWords | null {
  return words !== null && now - words.atMs <= ENGINE_LIFE_MS ? words : null;
}
