/**
 * Adapter for SGLang. `/health` generates a token and waits for it, up to 20 s on a busy engine, so readiness is read
 * where load is told: no ranks behind a 200 is an engine that is broken, one without room for a token is not ready yet.
 * An older server without that path is asked for `/health`.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { isObject } from "../src/lib/json-object.ts";
import type { ProbeResult } from "../src/routing/core/endpoint/endpoint.ts";
import { failedProbe, look, type Looked, openaiBackend, READY } from "./openai.ts";
import type { Backend } from "./port.ts";

export const sglangBackend: Backend = {
  ...openaiBackend,
  kind: "sglang",
  probe: async (target, egress, signal) => {
    const told = await look(null, target, egress, signal);
    if (told.status === 404) return older(await look("/health", target, egress, signal));
    if (told.status === 503) return { kind: "warming" };
    if (told.status !== 200) return failedProbe(told);
    const ranks = ranksIn(told.body);
    if (ranks === null || ranks.length === 0) return failedProbe(told);
    return ranks.every((room) => room > 0) ? READY : { kind: "warming" };
  },
};

const older = (health: Looked): ProbeResult => {
  if (health.status === 200) return READY;
  return health.status === 503 ? { kind: "warming" } : failedProbe(health);
};

/** Tokens that each rank has room for; a rank that does not say counts as one that has. Null: it is no such answer. */
function ranksIn(body: string): readonly number[] | null {
  try {
    const json: unknown = JSON.parse(body);
    const loads = isObject(json) ? json["loads"] : null;
    if (!Array.isArray(loads) || !loads.every(isObject)) return null;
    return loads.map(({ max_total_num_tokens: room }) => (typeof room === "number" ? room : 1));
  } catch {
    return null;
  }
}
