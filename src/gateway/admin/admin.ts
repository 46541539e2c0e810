/**
 * What operators may ask and order: the state of every shard, and an endpoint out of traffic or back into it. One
 * development route loses a shard's memory on purpose.
 */
import { shardName } from "../../routing/core/shard-name.ts";
import { askFleet as askShards, askShard } from "../../sight/ask-fleet.ts";
import type { ShardAnswer } from "../../sight/ask-fleet.ts";
import { unknownPool } from "../../wire/not-found.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { feedOf } from "../../sight/feed-port.ts";

/** `GET /admin/fleet[?probe=1]`: every shard's leases and endpoints; with `probe`, after asking every endpoint. */
export async function fleet(edge: Authenticated): Promise<Answer> {
  const probe = new URLSearchParams(edge.query).get("probe") === "1";
  const answers = await askFleet(edge, probe);
  return answerJson(edge, { shards: answers.map(({ name, reachable, status }) => ({ name, reachable, status })) });
}

/** What every shard says of itself, all asked at once. */
export async function askFleet({ runtime, shardOf }: Authenticated, probe: boolean): Promise<readonly ShardAnswer[]> {
  const specs = Array.from(runtime.pools.values(), ({ spec }) => spec);
  return askShards(specs, shardOf, probe);
}

/**
 * `POST /admin/endpoints/{id}/drain` and `/undrain`: the endpoint takes nothing new from here on, or takes traffic again.
 * What runs on it ends by itself: the answer and `GET /admin/fleet` show what is in flight. Doing it twice changes nothing.
 */
export async function drain(edge: Authenticated, endpointId: string, drained: boolean): Promise<Answer> {
  const { runtime } = edge;
  const pool = [...runtime.pools.values()].find(({ endpoints }) => endpoints.has(endpointId));
  const region = pool?.endpoints.get(endpointId)?.config.region;
  if (pool === undefined || region === undefined) return UNKNOWN_ENDPOINT;
  const name = shardName(pool.spec.id, region);
  const shard = edge.shardOf(name);
  if (edge.told !== undefined) {
    const seen = await askShard(shard, async (stub) => stub.status(false));
    const found = seen.ok ? seen.value?.endpoints.find(({ id }) => id === endpointId) : undefined;
    edge.told.before = found === undefined ? null : { standing: found.standing, inFlight: found.inFlight };
  }
  const asked = await askShard(shard, async (stub) => stub.drain(endpointId, drained));
  if (!asked.ok) {
    const detail = `The shard ${name}, which owns this endpoint, did not answer. Send the request again.`;
    return { reason: "internal", detail };
  }
  if (asked.value === null) return UNKNOWN_ENDPOINT;
  const { standing, inFlight } = asked.value.endpoint;
  return answerJson(edge, { endpoint: endpointId, pool: pool.spec.id, region, drained, standing, inFlight });
}

/**
 * `POST /admin/pools/{pool}/drain` and `/undrain`: all endpoints of a pool. Its requests are then refused with 503; its
 * jobs wait. What a shard did not answer for is named, and may be ordered again.
 */
export async function drainPool(edge: Authenticated, poolId: string, drained: boolean): Promise<Answer> {
  const { config, pools } = edge.runtime;
  const pool = pools.get(poolId);
  if (pool === undefined) return unknownPool(poolId, config);
  const orders = Array.from(pool.endpoints.values(), async ({ config: { id: endpoint, region } }) => {
    const asked = await askShard(edge.shardOf(shardName(poolId, region)), async (stub) =>
      stub.drain(endpoint, drained),
    );
    const told = asked.ok ? asked.value : null;
    return told === null
      ? { endpoint, region, standing: null, inFlight: null }
      : { endpoint, region, standing: told.endpoint.standing, inFlight: told.endpoint.inFlight };
  });
  const endpoints = await Promise.all(orders);
  const unreached = endpoints.filter(({ standing }) => standing === null).map(({ endpoint }) => endpoint);
  return answerJson(edge, { pool: poolId, drained, endpoints, unreached });
}

const UNKNOWN_ENDPOINT: Refusal = {
  reason: "not_found",
  detail: "There is no endpoint of this id. GET /admin/fleet lists them.",
};

const NO_RESTART = "There is no such object, or this is no development deployment, where alone objects are restarted.";

/** `POST /admin/shards/{pool}/{region}/restart`, in development only: as an eviction would. */
export async function restartShard(edge: Authenticated, params: Readonly<Record<string, string>>): Promise<Answer> {
  const { runtime } = edge;
  const { pool = "", region = "" } = params;
  const exists = runtime.pools.get(pool)?.spec.endpoints.some((endpoint) => endpoint.region === region) === true;
  if (!edge.dev || !exists) return { reason: "not_found", detail: NO_RESTART };
  try {
    await edge.shardOf(shardName(pool, region)).restart();
  } catch {
    // The call dies with the object: that is what was asked for.
  }
  return answerJson(edge, { restarted: shardName(pool, region) });
}

/** `POST /admin/feed/restart`, in development only: as an eviction would. */
export async function restartFeed(edge: Authenticated): Promise<Answer> {
  const feed = feedOf(edge.env);
  if (!edge.dev || feed === null) return { reason: "not_found", detail: NO_RESTART };
  try {
    await feed.restart();
  } catch {
    // The call dies with the object: that is what was asked for.
  }
  return answerJson(edge, { restarted: "feed" });
}
