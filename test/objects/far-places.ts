/**
 * The Worker with distance between its parts, for tests on raw workerd, where everything is one loopback apart.
 *
 * `TRIPS_MS` (JSON, one way, region by region) says how long everything travels: the edge's calls to shards, what
 * shards tell each other, and requests to endpoints with their answers' headers. Where a request entered is told by the
 * header `x-entered-at`; what comes without it, such as an operator's question, is on the spot. One isolate stands for
 * the edges of all regions: what it tells a shard for several requests at once travels from where the request entered
 * that set it off. Everything else is the Worker's own.
 *
 * `GET /-/calls` lists the calls to shards so far. `POST /-/digests/lost` loses what shards tell each other from then
 * on.
 */
import { env as bindings } from "cloudflare:workers";
import type { EndpointConfig } from "../../src/config/config.ts";
import type { AcquireRequest } from "../../src/routing/core/shard-messages.ts";
import { parseShardName } from "../../src/routing/core/shard-name.ts";
import edge from "../../src/worker.ts";
import type { EdgeEnv } from "../../src/dispatch/runtime.ts";
import { PoolShard as NearShard } from "../../src/routing/object/pool-shard.ts";
import type { ShardEnv } from "../../src/routing/object/pool-shard.ts";
import { loadConfig } from "../../src/config/env.ts";

// oxlint-disable-next-line import/no-default-export -- workerd takes the Worker's handler from the entry's default export
export { default } from "../../src/worker.ts";
// oxlint-disable-next-line -- every other object is as it ships; the class below stands in for one of them
export * from "../../src/worker.ts";

type Shards = ShardEnv["POOL_SHARD"];
type RemoteMethods = Readonly<Record<string | symbol, (...args: readonly unknown[]) => Promise<unknown>>>;

/** One call that was sent to a shard. Of an `acquire` also what tells whose it is. */
type Call = {
  readonly from: string;
  readonly to: string;
  readonly method: string;
  readonly acquire: Pick<AcquireRequest, "clientKey" | "hop" | "ahead"> | null;
};

const ENTERED_AT = "x-entered-at";
/** Where an operator is. */
const ON_THE_SPOT = "";

const { TRIPS_MS = "{}" } = bindings as { readonly TRIPS_MS?: string };
const tripsMs = JSON.parse(TRIPS_MS) as Readonly<Record<string, Readonly<Record<string, number>>>>;

const calls: Call[] = [];
let areDigestsLost = false;

const tripMs = (from: string, to: string): number => tripsMs[from]?.[to] ?? 0;

/** Whoever sends has read the config. */
function endpoints(): readonly EndpointConfig[] {
  const { parsed } = loadConfig(bindings as EdgeEnv);
  return parsed.ok ? [...parsed.value.pools.values()].flatMap((pool) => pool.endpoints) : [];
}

const fetchNear = globalThis.fetch;

/**
 * What reaches the network does so from where its request entered; a probe from beside its endpoint, as the shard is.
 */
async function fetchFar(url: string, init: RequestInit): Promise<Response> {
  const { [ENTERED_AT]: enteredAt, ...headers } = init.headers as Readonly<Record<string, string>>;
  const to = endpoints().find((endpoint) => url.startsWith(`${endpoint.url}/`))?.region ?? "";
  const oneWayMs = tripMs(enteredAt ?? to, to);
  const options = init.signal === undefined || init.signal === null ? {} : { signal: init.signal };
  await scheduler.wait(oneWayMs, options);
  const response = await fetchNear(url, { ...init, headers });
  await scheduler.wait(oneWayMs, options);
  return response;
}

globalThis.fetch = fetchFar as typeof fetch;

/** The namespace as it is used from `from`. */
function shardsFrom(from: string, near: Shards): Shards {
  const getByName: Shards["getByName"] = (name, options) => {
    const to = parseShardName(name)?.region ?? "";
    const stub = near.getByName(name, options) as unknown as RemoteMethods;
    return new Proxy(stub, {
      get:
        (_, method) =>
        async (...args: readonly unknown[]) =>
          callFar({ from, to, method: String(method), acquire: acquireOf(method, args) }, async () =>
            stub[method]?.(...args),
          ),
    }) as unknown as ReturnType<Shards["getByName"]>;
  };
  return { getByName } as Shards;
}

async function callFar(call: Call, send: () => Promise<unknown>): Promise<unknown> {
  if (areDigestsLost && call.method === "exchange") throw new Error("lost on purpose");
  calls.push(call);
  const oneWayMs = tripMs(call.from, call.to);
  await scheduler.wait(oneWayMs);
  try {
    return await send();
  } finally {
    await scheduler.wait(oneWayMs);
  }
}

function acquireOf(method: string | symbol, [request]: readonly unknown[]): Call["acquire"] {
  if (method !== "acquire") return null;
  const { clientKey, hop, ahead } = request as AcquireRequest;
  return { clientKey, hop, ahead };
}

export class PoolShard extends NearShard {
  constructor(ctx: DurableObjectState, env: ShardEnv) {
    const from = parseShardName(ctx.id.name ?? "")?.region ?? "";
    super(ctx, { ...env, POOL_SHARD: shardsFrom(from, env.POOL_SHARD) });
  }
}

const { fetch: handle } = edge;

/** The handler stays the Worker's own object: only what it is handed changes. */
const handleFar: typeof handle = async (request, env, ctx) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/-/calls") return Response.json(calls);
  if (pathname === "/-/digests/lost") {
    areDigestsLost = true;
    return new Response(null, { status: 204 });
  }
  const enteredAt = request.headers.get(ENTERED_AT) ?? ON_THE_SPOT;
  return handle(request, { ...env, POOL_SHARD: shardsFrom(enteredAt, env.POOL_SHARD as unknown as Shards) }, ctx);
};

edge.fetch = handleFar;
