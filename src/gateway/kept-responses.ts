/**
 * What is asked of a response that an endpoint keeps: to read it, its input, to cancel or to delete it. Its name leads to the
 * endpoint (`response-home.ts`). Loaded with the first of them.
 */
import { onwardRenamed } from "../dispatch/told-answer.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import { TOLD_RESPONSE } from "../translate/core/responses-answer.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { Authenticated } from "./edge-request.ts";
import { send } from "./pipeline.ts";
import { homeName, homeOf } from "./response-home.ts";
import type { Home } from "./response-home.ts";
import { othersThan } from "./speaking.ts";

/** `rest`: what follows the id in the path, such as "/cancel". */
export async function keptResponse(edge: Authenticated, name: string, rest: string): Promise<Answer> {
  const { request, query, runtime, identity, seen } = edge;
  const home = homeOf(runtime.affinitySecret, identity.tenant, name);
  const pool = home === null ? null : poolWith(edge, home);
  if (home === null || pool === null) return noSuchResponse(name);
  seen.pool = pool;
  const rename = (id: string): string =>
    homeName(runtime.affinitySecret, identity.tenant, { endpointId: home.endpointId, id });
  const path = `/v1/responses/${encodeURIComponent(home.id)}${rest}${query}`;
  return send(edge, {
    pool,
    method: request.method,
    path,
    bytes: null,
    json: null,
    stream: new URLSearchParams(query).get("stream") === "true",
    isInference: false,
    // An endpoint that keeps none says so; that is no fault of it.
    isClientsPath: true,
    repeatable: request.method === "GET",
    speaking: {
      excluded: othersThan(pool, home.endpointId),
      onward: () => onwardRenamed(path, rename, [home.id]),
    },
  });
}

/** Of those that the key may reach. */
function poolWith({ runtime }: Authenticated, { endpointId }: Home): EdgePool | null {
  for (const pool of runtime.pools.values()) if (pool.endpoints.has(endpointId)) return pool;
  return null;
}

function noSuchResponse(name: string): Refusal {
  const why = name.startsWith(TOLD_RESPONSE)
    ? "it was translated from chat completions, and nothing keeps those"
    : "it was made elsewhere, by another tenant, or with store: false";
  return { reason: "not_found", param: "response_id", detail: `There is no response of this id here: ${why}.` };
}
