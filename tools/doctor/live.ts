/**
 * Asks an endpoint of a config how it is, what it serves and for one token, by the adapters and the way out that the router
 * uses: `warmpath doctor --live`. What an endpoint does not tell is null.
 */
import { egress } from "../../backends/egress.ts";
import { BACKENDS } from "../../backends/registry.ts";
import type { Target } from "../../backends/port.ts";
import { targetOf } from "../../backends/targets.ts";
import { namesThere } from "./diagnose.ts";
import type { EndpointConfig, PoolConfig } from "../../src/config/config.ts";
import { isObject } from "../../src/lib/json-object.ts";

/** A cold start is waited for by nobody here: an endpoint that is cold says so, and is not asked for a token. */
const PROBE_MS_MAX = 10_000;
const TOKEN_MS_MAX = 60_000;

export type LiveReport = {
  readonly pool: string;
  readonly endpoint: string;
  readonly state: "ready" | "warming" | "cold" | "draining" | "failed" | "secret_missing";
  /** Of the first token of one short answer, ms. */
  readonly ttftMs: number | null;
  readonly models: readonly string[] | null;
  readonly contextTokens: number | null;
  /** Paths of `PROTOCOLS` that are there. */
  readonly protocols: readonly string[] | null;
  /** What went wrong, in the words of whoever said it; null: nothing. */
  readonly problem: string | null;
};

const PROTOCOLS = { chat: "/v1/chat/completions", responses: "/v1/responses", messages: "/v1/messages" } as const;

export async function examine(
  pool: PoolConfig,
  endpoint: EndpointConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LiveReport> {
  const nothing = {
    pool: pool.id,
    endpoint: endpoint.id,
    ttftMs: null,
    models: null,
    contextTokens: null,
    protocols: null,
  };
  const target = targetOf(endpoint, env);
  if (!target.ok) return { ...nothing, state: "secret_missing", problem: `the secret ${target.error} is not set` };
  const probed = await BACKENDS[endpoint.backend].probe(target.value, egress, AbortSignal.timeout(PROBE_MS_MAX));
  if (probed.kind !== "ready") {
    return {
      ...nothing,
      state: probed.kind,
      problem: probed.kind === "failed" ? `${endpoint.health.url} does not say that it is well` : null,
    };
  }
  const { models, contextTokens } = await modelsOf(target.value);
  const protocols = await protocolsOf(target.value);
  const [named] = namesThere(endpoint);
  const model = named ?? pool.models.find((name) => models?.includes(name)) ?? models?.[0] ?? pool.models[0] ?? "";
  const token = await oneToken(target.value, model);
  return { ...nothing, state: "ready", models, contextTokens, protocols, ...token };
}

async function modelsOf(target: Target): Promise<Pick<LiveReport, "models" | "contextTokens">> {
  const seen = await ask(target, "GET", "/v1/models", null, PROBE_MS_MAX);
  const json: unknown = seen?.ok === true ? await seen.json().catch(() => null) : null;
  const data =
    isObject(json) && Array.isArray(json["data"]) ? (json["data"] as readonly unknown[]).filter(isObject) : null;
  if (data === null) return { models: null, contextTokens: null };
  const lengths = data.flatMap((one) => (typeof one["max_model_len"] === "number" ? [one["max_model_len"]] : []));
  const models = data.flatMap(({ id }) => (typeof id === "string" ? [id] : []));
  return { models, contextTokens: lengths.length === 0 ? null : Math.min(...lengths) };
}

/** A path that is there finds fault with an empty body; one that is not is 404 or 405. Nothing is generated. */
async function protocolsOf(target: Target): Promise<readonly string[]> {
  const looks = Object.entries(PROTOCOLS).map(async ([name, path]) => {
    const seen = await ask(target, "POST", path, {}, PROBE_MS_MAX);
    await seen?.body?.cancel();
    return seen !== null && ![404, 405, 501].includes(seen.status) ? [name] : [];
  });
  return (await Promise.all(looks)).flat();
}

async function oneToken(target: Target, model: string): Promise<Pick<LiveReport, "ttftMs" | "problem">> {
  const body = { model, max_tokens: 1, stream: true, messages: [{ role: "user", content: "Hi" }] };
  const startedAtMs = performance.now();
  const seen = await ask(target, "POST", PROTOCOLS.chat, body, TOKEN_MS_MAX);
  if (seen === null) return { ttftMs: null, problem: "it does not answer a request" };
  if (!seen.ok) return { ttftMs: null, problem: `it answers ${seen.status}: ${(await seen.text()).slice(0, 200)}` };
  const text = new TextDecoder();
  let said = "";
  for await (const bytes of seen.body ?? []) {
    said += text.decode(bytes, { stream: true });
    if (/"(?:content|reasoning_content|reasoning)":\s*"[^"]/.test(said)) {
      return { ttftMs: Math.round(performance.now() - startedAtMs), problem: null };
    }
  }
  return { ttftMs: null, problem: "its stream had no token" };
}

/** Null: nothing answered. */
async function ask(
  target: Target,
  method: string,
  path: string,
  body: unknown,
  msMax: number,
): Promise<Response | null> {
  const sent = body === null ? null : new TextEncoder().encode(JSON.stringify(body));
  const headers = body === null ? {} : { "content-type": "application/json" };
  try {
    return await egress(target, { method, path, headers, body: sent, signal: AbortSignal.timeout(msMax) });
  } catch {
    return null;
  }
}
