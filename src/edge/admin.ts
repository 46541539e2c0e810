/** What operators may ask: the state of every shard. One development route loses a shard's memory on purpose. */
import { shardName } from "../core/shard-name.ts";
import { answerJson, refuse } from "./edge-request.ts";
import type { Authenticated } from "./edge-request.ts";

/** A shard without an answer by then is shown as unreachable, ms: longer than its probes may take. */
const STATUS_TIMEOUT_MS = 3_000;

/** `GET /admin/fleet[?probe=1]`: every shard's leases and endpoints; with `probe`, after asking every endpoint. */
export async function fleet(edge: Authenticated): Promise<Response> {
  const { env, runtime } = edge.desk;
  const probe = new URLSearchParams(edge.query).get("probe") === "1";
  const names = [...runtime.pools.values()].flatMap(({ spec }) => {
    const regions = new Set(spec.endpoints.map(({ region }) => region));
    return [...regions].map((region) => shardName(spec.id, region));
  });
  const shards = await Promise.all(
    names.map(async (name) => {
      try {
        const tooLate = scheduler.wait(STATUS_TIMEOUT_MS).then(() => Promise.reject(new Error("no answer in time")));
        const status = await Promise.race([env.POOL_SHARD.getByName(name).status(probe), tooLate]);
        return { name, reachable: true, status };
      } catch {
        return { name, reachable: false, status: null };
      }
    }),
  );
  return answerJson(edge, { shards });
}

/** `POST /admin/shards/{pool}/{region}/restart`, in development only: as an eviction would. */
export async function restartShard(edge: Authenticated, params: Readonly<Record<string, string>>): Promise<Response> {
  const { env, runtime } = edge.desk;
  const { pool = "", region = "" } = params;
  const exists = runtime.pools.get(pool)?.spec.endpoints.some((endpoint) => endpoint.region === region) === true;
  if (!edge.dev || !exists) return refuse(edge.requestId, runtime.config, { reason: "not_found" });
  try {
    await env.POOL_SHARD.getByName(shardName(pool, region)).restart();
  } catch {
    // The call dies with the object: that is what was asked for.
  }
  return answerJson(edge, { restarted: shardName(pool, region) });
}
