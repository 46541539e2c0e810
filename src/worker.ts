/**
 * The Worker's entry, and the door: what is no method and no target of ours ends here; health and preflight, which need
 * no key and no runtime, are answered; then come the routes.
 */
import { drainUnread } from "./wire/body.ts";
import { isDraining, untilCut } from "./dispatch/draining.ts";
import { dress, refuse } from "./wire/replies.ts";
import type { EdgeRequest } from "./gateway/edge-request.ts";
import type { Config } from "./config/config.ts";
import { HOP } from "./wire/headers.ts";
import { readUrl, withoutLastSlash } from "./wire/request-target.ts";
import type { TargetProblem } from "./wire/request-target.ts";
import { JOB_PATH, routeRequest } from "./gateway/router.ts";
import { runtimeOf } from "./dispatch/runtime.ts";
import type { EdgeEnv } from "./dispatch/runtime.ts";

export { Keeper } from "./gateway/keeper.ts";
export { JobQueue } from "./jobs/object/job-queue.ts";
export { PoolShard } from "./routing/object/pool-shard.ts";

/** Methods that pass. TRACE would echo the endpoint's credential; nothing here speaks WebDAV or CONNECT. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const ALLOW = [...METHODS].join(", ");

/** Is the config good? Load generators and platforms ask under several names. */
const READY_PATHS: ReadonlySet<string> = new Set(["/readyz", "/healthz", "/health", "/ping"]);

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const answer = await serve(request, env, ctx);
    if (answer.status >= 400) await drainUnread(request);
    return answer;
  },
} satisfies ExportedHandler<EdgeEnv>;

async function serve(request: EdgeRequest["request"], env: EdgeEnv, ctx: ExecutionContext): Promise<Response> {
  const startedAtMs = Date.now();
  const requestId = `req_${crypto.randomUUID()}`;
  if (!METHODS.has(request.method)) {
    return refuse(requestId, runtimeOf(env, ctx)?.config ?? null, {
      reason: "method_not_allowed",
      headers: [["allow", ALLOW]],
    });
  }
  const target = readUrl(request.url);
  if (!target.ok) return refuseTarget(requestId, runtimeOf(env, ctx)?.config ?? null, target.error);
  const { path, query } = target.value;
  const plain = withoutLastSlash(path);
  if (plain === "/livez") return health(requestId, 200, "ok\n");
  const runtime = runtimeOf(env, ctx);
  if (READY_PATHS.has(plain)) {
    if (runtime === null) return health(requestId, 503, "misconfigured, see the log\n");
    return isDraining() ? health(requestId, 503, "draining\n") : health(requestId, 200, "ok\n");
  }
  if (runtime === null) return refuse(requestId, null, { reason: "misconfigured" });
  if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) {
    return preflight(requestId, runtime.config.cors?.allowOrigin ?? null);
  }
  if (isDraining()) return refuse(requestId, runtime.config, { reason: "shutting_down" });
  if (request.headers.has(HOP)) return refuse(requestId, runtime.config, { reason: "request_loop" });
  const dev = env.WARMPATH_DEV === "1";
  const edge: EdgeRequest = { request, path, query, requestId, startedAtMs, dev, desk: { runtime, env, ctx } };
  try {
    if (env.WARMPATH_SELF_HOSTED !== "1") return await routeRequest(edge);
    // What waits for a job would hold up the end for nothing: the job goes on after the next start.
    const answer = await untilCut(routeRequest(edge), !JOB_PATH.test(path));
    return answer ?? refuse(requestId, runtime.config, { reason: "shutting_down" });
  } catch (error) {
    console.error(requestId, error);
    return refuse(requestId, runtime.config, { reason: "internal" });
  }
}

async function refuseTarget(requestId: string, config: Config | null, problem: TargetProblem): Promise<Response> {
  const { targetProblem } = await import("./gateway/admin/rare.ts");
  return refuse(requestId, config, { reason: "invalid_request", detail: targetProblem(problem) });
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
    headers.set("access-control-allow-methods", ALLOW);
    headers.set("access-control-allow-headers", "*, authorization");
    headers.set("access-control-max-age", "86400");
  }
  return new Response(null, { status: 204, headers });
}
