/** How the pool's endpoints are, in Runpod's words, as its shards tell it; asked at most every FLEET_AGE_MS. */
import { shardName } from "../../routing/core/shard-name.ts";
import type { EndpointView } from "../../routing/core/endpoint/endpoint-view.ts";
import type { QueueHealth } from "../core/messages.ts";
import type { ShardCalls } from "../../dispatch/shard-port.ts";
import type { Site } from "./dispatcher.ts";
import { FLEET_AGE_MS } from "./bounds.ts";

type Workers = QueueHealth["workers"];

export class FleetHealth {
  #known: Workers = { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 0, unhealthy: 0 };
  #atMs = Number.NEGATIVE_INFINITY;
  /** Does any endpoint admit; null: not asked yet. What a shard cannot say is taken for well, as routing does. */
  isHealthy: boolean | null = null;

  /** One endpoint counts as one worker: shards do not count the GPU workers behind it. */
  async read(site: Pick<Site, "pool" | "shardOf"> | null, ageMsMax: number = FLEET_AGE_MS): Promise<Workers> {
    const now = Date.now();
    if (site === null || now - this.#atMs < ageMsMax) return this.#known;
    this.#atMs = now;
    const { pool, shardOf } = site;
    const regions = [...new Set(pool.spec.endpoints.map(({ region }) => region))];
    const views = await Promise.all(regions.map(async (region) => viewsOf(shardOf(shardName(pool.spec.id, region)))));
    this.#known = count(views.flatMap((known) => known ?? []));
    this.isHealthy = views.some((known) => known?.some(({ standing }) => standing === "admitting") ?? true);
    return this.#known;
  }
}

/** Null where the shard cannot be reached, or has not been asked for anything yet. */
async function viewsOf(shard: ShardCalls): Promise<readonly EndpointView[] | null> {
  try {
    return (await shard.status(false))?.endpoints ?? null;
  } catch {
    return null;
  }
}

function count(views: readonly EndpointView[]): Workers {
  const is = (test: (view: EndpointView) => boolean): number => views.filter(test).length;
  const isReady = ({ warmth, standing }: EndpointView): boolean => warmth === "warm" && standing === "admitting";
  return {
    ready: is(isReady),
    idle: is((view) => isReady(view) && view.inFlight === 0),
    running: is((view) => isReady(view) && view.inFlight > 0),
    initializing: is(({ warmth, standing }) => warmth === "warming" && standing !== "down"),
    throttled: is(({ standing }) => standing === "ejected"),
    unhealthy: is(({ standing }) => standing === "down"),
  };
}
