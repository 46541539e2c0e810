/**
 * What a key that is narrowed sees of the deployment: the pools and the models that it may use, and nothing else.
 *
 * Model. The handlers get a runtime in which what the key may not use does not exist. So it is unknown to every route
 * alike, to those that come later too, to the list of models and to what an error suggests; nobody has to remember to
 * ask. A key with a list of models sees the pools of which it may use a name. What a client sends to a path of such a
 * pool is read for the model that it names (`refuseBody`), because an endpoint may serve more than its pool says.
 * Rejected: a check in each handler, which is how gateways have forgotten one.
 */
import type { Access, Config } from "../config/config.ts";
import type { Identity } from "../wire/api-keys.ts";
import { engineMemberIn } from "../wire/openai.ts";
import type { EdgeEnv, EdgePool, Runtime } from "../dispatch/runtime.ts";
import type { Refusal } from "../wire/refusal.ts";
import { isWithin } from "./core/addresses.ts";

const narrowed = new WeakMap<Access, { readonly whole: Runtime; readonly part: Runtime }>();

export function runtimeWithin(whole: Runtime, access: Access): Runtime {
  const known = narrowed.get(access);
  if (known !== undefined && known.whole === whole) return known.part;
  const part = access.pools === null && access.models === null ? whole : narrow(whole, access);
  narrowed.set(access, { whole, part });
  return part;
}

function narrow(whole: Runtime, { pools, models }: Access): Runtime {
  const { config } = whole;
  const mayUse = (poolId: string, names: readonly string[]): boolean =>
    (pools === null || pools.includes(poolId)) && (models === null || names.some((name) => models.includes(name)));
  const shared = (poolId: string): readonly string[] =>
    [...config.splits].flatMap(([model, sides]) => (sides.some((side) => side.poolId === poolId) ? [model] : []));
  const seen = new Set(
    [...config.pools.values()]
      .filter((pool) => mayUse(pool.id, [...pool.models, ...shared(pool.id)]))
      .map(({ id }) => id),
  );
  const only = <Value>(all: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> =>
    new Map([...all].filter(([id]) => seen.has(id)));
  const poolIdByModel = new Map(
    [...config.poolIdByModel].filter(
      ([model, poolId]) => seen.has(poolId) && (models === null || models.includes(model)),
    ),
  );
  const part: Config = { ...config, pools: only(config.pools), poolIdByModel };
  return { ...whole, config: part, pools: only(whole.pools) };
}

type Asked = {
  readonly request: { readonly headers: Headers; readonly cf?: unknown };
  readonly env: EdgeEnv;
};

/** Where the connection comes from; null: not known. */
export function addressOf({ request, env }: Asked): string | null {
  // Cloudflare sets the header, whatever the client has sent. On raw workerd it is the client's own word, and the runtime
  // itself says who has connected.
  if (env.WARMPATH_SELF_HOSTED !== "1") return request.headers.get("cf-connecting-ip");
  const { clientIp } = (request.cf ?? {}) as { readonly clientIp?: unknown };
  return typeof clientIp === "string" ? clientIp.replace(PORT, "$1$2") : null;
}

/** Behind an address of IPv4, or of IPv6 in its brackets. */
const PORT = /^(?:\[(.*)\]|([^:]*)):\d+$/;

/** Null: it may be used from there. */
export function refuseAddress(asked: Asked, { addresses }: Access): Refusal | null {
  if (addresses === null || isWithin(addresses, addressOf(asked))) return null;
  return { reason: "forbidden", detail: "This API key may not be used from this address." };
}

/** Below these a path names the model. */
const MODEL_PATH = /^\/v[12]\/models\/([^/?]+)/;

export type Sent = {
  readonly pool: EdgePool;
  /** At the endpoint. */
  readonly path: string;
  /** The parsed body; null: none, or no JSON. */
  readonly json: unknown;
  /** Sent to the pool under a name of its own, which is the router's word. */
  readonly steered?: unknown;
};

/** Null: nothing in what is sent to this pool stands against whose it is. */
export function refuseBody({ access, scopes }: Identity, sent: Sent): Refusal | null {
  const param = engineMemberIn(sent.json);
  if (param !== undefined && !scopes.includes("operate")) {
    const detail = `${param} is between engines, and leads to other requests' memory: it needs a key with the scope "operate".`;
    return { reason: "invalid_request", detail, param };
  }
  return access === undefined || sent.steered !== undefined ? null : refuseModel(access, sent);
}

/** Null: it names a model that the key may use, or the key may use all that the pool has. */
function refuseModel({ models }: Access, { pool, path, json }: Sent): Refusal | null {
  const own = pool.config.models;
  const allowed = models === null ? own : own.filter((name) => models.includes(name));
  const [, inPath] = MODEL_PATH.exec(path) ?? [];
  const inBody = typeof json === "object" && json !== null && "model" in json ? json.model : undefined;
  const named = [
    ...(inPath === undefined ? [] : [decodeURIComponent(inPath)]),
    ...(inBody === undefined || inBody === null ? [] : [inBody]),
  ];
  const strange = named.find((name) => typeof name !== "string" || !allowed.includes(name));
  if (strange === undefined && (named.length > 0 || allowed.length === own.length)) return null;
  const detail =
    strange === undefined
      ? `This API key may use ${allowed.join(", ")} here: name one as "model".`
      : "No pool serves this model. GET /v1/models lists the models there are.";
  return { reason: "unknown_model", detail, param: "model" };
}
