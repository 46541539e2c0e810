/** The Worker's entry: health and preflight, which need no key and no runtime, and then the routes. */
import { refuse } from "./edge-request.ts";
import type { EdgeRequest } from "./edge-request.ts";
import { HOP } from "../protocol/headers.ts";
import { routeRequest } from "./router.ts";
import { runtimeOf } from "./runtime.ts";
import type { EdgeEnv } from "./runtime.ts";

export { PoolShard } from "../objects/pool-shard.ts";

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const startedAtMs = Date.now();
    const url = new URL(request.url);
    const requestId = `req_${crypto.randomUUID()}`;
    if (url.pathname === "/livez") return new Response("ok\n");
    const runtime = runtimeOf(env);
    if (url.pathname === "/readyz" || url.pathname === "/ping") {
      return new Response(runtime === null ? "misconfigured, see the log\n" : "ok\n", {
        status: runtime === null ? 503 : 200,
      });
    }
    if (runtime === null) return refuse(requestId, null, { reason: "misconfigured" });
    if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) {
      return preflight(requestId, runtime.config.cors?.allowOrigin ?? null);
    }
    if (request.headers.has(HOP)) return refuse(requestId, runtime.config, { reason: "request_loop" });
    const dev = env.WARMPATH_DEV === "1";
    const edge: EdgeRequest = { request, url, requestId, startedAtMs, dev, desk: { runtime, env, ctx } };
    try {
      return await routeRequest(edge);
    } catch (error) {
      console.error(requestId, error);
      return refuse(requestId, runtime.config, { reason: "internal" });
    }
  },
} satisfies ExportedHandler<EdgeEnv>;

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
