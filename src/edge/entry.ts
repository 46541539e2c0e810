/** The Worker's entry: health and preflight, which need no key and no runtime, and then the routes. */
import { dress, refuse } from "./edge-request.ts";
import type { EdgeRequest } from "./edge-request.ts";
import { HOP } from "../protocol/headers.ts";
import { routeRequest } from "./router.ts";
import { runtimeOf } from "./runtime.ts";
import type { EdgeEnv } from "./runtime.ts";

export { JobQueue } from "../jobs/job-queue.ts";
export { PoolShard } from "../objects/pool-shard.ts";

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const startedAtMs = Date.now();
    const { path, query } = split(request.url);
    const requestId = `req_${crypto.randomUUID()}`;
    if (path === "/livez") return health(requestId, 200, "ok\n");
    const runtime = runtimeOf(env, ctx);
    if (path === "/readyz" || path === "/ping") {
      return runtime === null ? health(requestId, 503, "misconfigured, see the log\n") : health(requestId, 200, "ok\n");
    }
    if (runtime === null) return refuse(requestId, null, { reason: "misconfigured" });
    if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) {
      return preflight(requestId, runtime.config.cors?.allowOrigin ?? null);
    }
    if (request.headers.has(HOP)) return refuse(requestId, runtime.config, { reason: "request_loop" });
    const dev = env.WARMPATH_DEV === "1";
    const edge: EdgeRequest = { request, path, query, requestId, startedAtMs, dev, desk: { runtime, env, ctx } };
    try {
      return await routeRequest(edge);
    } catch (error) {
      console.error(requestId, error);
      return refuse(requestId, runtime.config, { reason: "internal" });
    }
  },
} satisfies ExportedHandler<EdgeEnv>;

/** The runtime has normalised the URL, and a fragment is never sent: what is left is cutting it in two. */
function split(url: string): { readonly path: string; readonly query: string } {
  const pathAt = url.indexOf("/", url.indexOf("//") + 2);
  const queryAt = url.indexOf("?", pathAt);
  return queryAt === -1
    ? { path: url.slice(pathAt), query: "" }
    : { path: url.slice(pathAt, queryAt), query: url.slice(queryAt) };
}

function health(requestId: string, status: number, text: string): Response {
  const headers = {};
  dress(headers, requestId, null);
  return new Response(text, { status, headers });
}

function preflight(requestId: string, allowOrigin: string | null): Response {
  const headers = new Headers({ "x-request-id": requestId });
  if (allowOrigin !== null) {
    headers.set("access-control-allow-origin", allowOrigin);
    headers.set("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    headers.set("access-control-allow-headers", "*, authorization");
    headers.set("access-control-max-age", "86400");
  }
  return new Response(null, { status: 204, headers });
}
