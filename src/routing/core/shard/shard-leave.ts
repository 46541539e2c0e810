/**
 * Decides which endpoints of a shard release what still waits there: those that became down or ejected, while another
 * endpoint has room for it.
 *
 * Model. A request that waits at an endpoint that has died hears nothing, for as long as its own limits last. The shard
 * knows sooner, from probes and from other requests. It cannot reach who waits; so every answer to an isolate names the
 * endpoints to be left (`lease-cache-leave.ts`). Where nobody else has room, waiting on is the best that can be done.
 * Source: connection draining on outlier ejection in Envoy (`close_connections_on_host_health_failure`), here only for
 * what has not begun. Rejected: a call from the shard to each holder, which an object cannot make.
 */
import { standing } from "../endpoint/endpoint.ts";
import { allViews } from "./shard.ts";
import { poisonNews } from "./poison.ts";
import { putBackNames } from "./shard-put-back.ts";
import type { ShardState } from "./shard-state.ts";
import type { ReportReply } from "../shard-messages.ts";

/**
 * What an isolate is told of them, of the leases that are to be put back, and of requests that end endpoints: most of
 * the time there is nothing to tell.
 */
export function leaveNews(state: ShardState, now: number): ReportReply {
  const leave = leaving(state, now);
  const putBack = putBackNames(state, now);
  const poison = poisonNews(state.poison, state.pool.endpoints.length, now);
  return {
    ...(leave.length === 0 ? {} : { leave }),
    ...(putBack.length === 0 ? {} : { putBack }),
    ...(poison.length === 0 ? {} : { poison }),
  };
}

/** Ids of the shard's own endpoints that are to be left now; drained ones run to their end. */
function leaving(state: ShardState, now: number): string[] {
  const gone = [...state.endpoints.values()].filter((endpoint) => {
    const stands = standing(endpoint, now);
    return stands === "down" || stands === "ejected";
  });
  if (gone.length === 0) return [];
  const hasRoom = allViews(state, now, "").some(
    (one) => one.standing === "admitting" && one.warmth === "warm" && one.inFlight < one.capacity,
  );
  return hasRoom ? gone.map(({ spec }) => spec.id) : [];
}
