/**
 * Asks every endpoint of the config how it is, once, for the operator who has just started the router: what a request
 * would find there, by the same adapters, secrets and way out.
 *
 * Readiness alone does not tell that a credential is wrong, since most servers answer it to anybody: where it is good,
 * an OpenAI-compatible server is asked for its models too, which are behind its key.
 */
import { egress } from "../../backends/egress.ts";
import type { Egress } from "../../backends/port.ts";
import type { EndpointSeen } from "../wire/keeper.ts";
import type { EdgeEndpoint, Runtime } from "../dispatch/runtime.ts";

/** An endpoint that has not answered by then is told as silent, ms. */
const LOOK_MS_MAX = 5_000;
/** Endpoints asked at once: sockets are few, and the first answers are soon there. */
const LOOKS_AT_ONCE = 32;

export async function lookRound({ pools }: Runtime): Promise<readonly EndpointSeen[]> {
  const all = [...pools.values()].flatMap((pool) => [...pool.endpoints.values()]);
  const seen: EndpointSeen[] = [];
  for (let from = 0; from < all.length; from += LOOKS_AT_ONCE) {
    seen.push(...(await Promise.all(all.slice(from, from + LOOKS_AT_ONCE).map(lookAt))));
  }
  return seen;
}

async function lookAt({ config, target, backend }: EdgeEndpoint): Promise<EndpointSeen> {
  const signal = AbortSignal.timeout(LOOK_MS_MAX);
  let status: number | null = null;
  const watched: Egress = async (to, call) => {
    const answer = await egress(to, call);
    ({ status } = answer);
    return answer;
  };
  const startedAtMs = Date.now();
  const { kind } = await backend.probe(target, watched, signal);
  const ms = Date.now() - startedAtMs;
  const { id, region } = config;
  const { host } = new URL(target.url);
  const told = { id, region, host, ms, secret: config.auth?.secret ?? null };
  if (signal.aborted) return { ...told, answer: "silent", status };
  if (kind === "ready" && backend.kind === "openai") {
    const refused = await refusal(watched, target, signal);
    if (refused !== null) return { ...told, answer: "failed", status: refused };
  }
  return { ...told, answer: kind, status };
}

/** The status with which the key is refused; null if it is not, or nothing is known of it. */
async function refusal(ask: Egress, target: EdgeEndpoint["target"], signal: AbortSignal): Promise<number | null> {
  try {
    const answer = await ask(target, { method: "GET", path: "/v1/models", headers: {}, body: null, signal });
    await answer.body?.cancel();
    return answer.status === 401 || answer.status === 403 ? answer.status : null;
  } catch {
    return null;
  }
}
