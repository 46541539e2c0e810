/**
 * Peak EWMA with two random choices: cost = decayed peak latency x (pending + 1), the lower of two wins.
 *
 * Source: Finagle's peak EWMA as in tower (`load/peak_ewma.rs`), used by linkerd2-proxy with 30 ms and 10 s, and by
 * Helicone's gateway with 250 ms and 30 s (docs/reference/sources.md, Balancing and overload). A sample above the estimate
 * replaces it; one below moves it by 1 − e^(−dt/tau); reading decays towards 0 by the time since the last sample.
 * *Pending* ends and the latency is taken at the first token, tower's "complete on response": the headers of a
 * streamed answer come with it.
 */
import { twoOf, type PolicyFactory } from "../policy.ts";

export type PeakEwmaParams = { readonly defaultRttMs: number; readonly decayMs: number };

export const LINKERD: PeakEwmaParams = { defaultRttMs: 30, decayMs: 10_000 };
export const HELICONE: PeakEwmaParams = { defaultRttMs: 250, decayMs: 30_000 };

export function peakEwma({ defaultRttMs, decayMs }: PeakEwmaParams): PolicyFactory {
  return ({ endpoints, rng }) => {
    const estimateMs = new Float64Array(endpoints).fill(defaultRttMs);
    const updatedMs = new Float64Array(endpoints);
    const pending = new Float64Array(endpoints);
    const done = (endpoint: number): void => {
      pending[endpoint] = Math.max(0, (pending[endpoint] ?? 0) - 1);
    };
    const cost = (endpoint: number, nowMs: number): number => {
      const idleMs = nowMs - (updatedMs[endpoint] ?? 0);
      return (estimateMs[endpoint] ?? 0) * Math.exp(-idleMs / decayMs) * ((pending[endpoint] ?? 0) + 1);
    };
    return {
      pick: ({ candidates, nowMs }) => {
        const [one, other] = twoOf(candidates, rng);
        const choice = cost(one, nowMs) <= cost(other, nowMs) ? one : other;
        pending[choice] = (pending[choice] ?? 0) + 1;
        return choice;
      },
      onFirstToken: ({ endpoint, latencyMs, nowMs }) => {
        done(endpoint);
        const keep = Math.exp(-(nowMs - (updatedMs[endpoint] ?? 0)) / decayMs);
        const before = estimateMs[endpoint] ?? 0;
        estimateMs[endpoint] = latencyMs > before ? latencyMs : before * keep + latencyMs * (1 - keep);
        updatedMs[endpoint] = nowMs;
      },
      onFailure: done,
    };
  };
}
