/**
 * The Worker's entry, and the door: what is no method and no target of ours ends here; health and preflight, which need
 * no key and no runtime, are answered; then come the routes.
 */
import { isConfigReady, prepareConfig } from "./config/env.ts";
import { drainUnread } from "./wire/body.ts";
import { isDraining, untilCut } from "./dispatch/draining.ts";
import { dress } from "./wire/replies.ts";
import type { EdgeRequest } from "./gateway/edge-request.ts";
import { errorFormOf } from "./gateway/error-form.ts";
import type { Answer, Refusal } from "./wire/refusal.ts";
import { ANTHROPIC_VERSION, HOP } from "./wire/headers.ts";
import { meantPath } from "./wire/meant-path.ts";
import { readUrl, withoutLastSlash } from "./wire/request-target.ts";
import type { TargetProblem } from "./wire/request-target.ts";
import { JOB_PATH, routeRequest } from "./gateway/router.ts";
import { runtimeOf } from "./dispatch/runtime.ts";
import { leasesOf, shardsOf } from "./dispatch/platform.ts";
import type { EdgeEnv, Runtime, Waiting } from "./dispatch/runtime.ts";
import { StreamObject } from "./gateway/resume/stream-object.ts";
import type { AskDoor } from "./gateway/resume/stream-object.ts";
import { createSeen, noteEnd } from "./sight/see.ts";
import type { Seen } from "./sight/seen.ts";

export { KeyRegistry } from "./access/object/key-registry.ts";
export { Keeper } from "./gateway/keeper.ts";
export { JobQueue } from "./jobs/object/job-queue.ts";
export { TenantFiles } from "./gateway/files-api/tenant-files.ts";
export { TenantLedger } from "./tenants/object/tenant-ledger.ts";
export { PoolShard } from "./routing/object/pool-shard.ts";
export { FleetFeed } from "./sight/object/fleet-feed.ts";

/** Asks the door as a client does: what it is given is what is kept. */
export class ResumableStream extends StreamObject {
  protected override readonly ask: AskDoor = async (request, env, ctx) =>
    answer(request as EdgeRequest["request"], env, ctx, "kept");
}

/** Methods that pass. TRACE would echo the endpoint's credential; nothing here speaks WebDAV or CONNECT. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const ALLOW = [...METHODS].join(", ");

/** Is the config good? Load generators and platforms ask under several names. */
const READY_PATHS: ReadonlySet<string> = new Set(["/readyz", "/healthz", "/health", "/ping"]);

/** What is for operators, and is served at their own door alone where they have one. */
const OPERATORS_PATH = /^\/(?:admin|metrics|dashboard)(?:\/|$)/;

/** By which door a request came: that of all, the operators', or from within, where a stream is kept for its client. */
type Door = "public" | "operators" | "kept";

export default { fetch: async (...asked) => answer(...asked, "public") } satisfies ExportedHandler<EdgeEnv>;

/** The operators' door of a self-hosted router (`serve --admin-listen`); on Cloudflare nothing leads to it. */
export const Operators = {
  fetch: async (...asked) => answer(...asked, "operators"),
} satisfies ExportedHandler<EdgeEnv>;

async function answer(request: EdgeRequest["request"], env: EdgeEnv, ctx: Waiting, by: Door): Promise<Response> {
  const requestId = `req_${crypto.randomUUID()}`;
  const seen = createSeen(requestId, request.method);
  if (!isConfigReady(env)) await prepareConfig(env);
  const served = await serve(request, env, ctx, seen, by);
  const runtime = runtimeOf(env, ctx);
  const reply =
    served instanceof Response ? served : await dressed(served, seen, runtime, request.headers.has(ANTHROPIC_VERSION));
  if (runtime !== null) {
    const refused = served instanceof Response ? null : served.reason;
    const told = { refused, failed: null, status: reply.status, clientLeft: request.signal.aborted };
    noteEnd(seen, { host: { runtime, env, ctx }, ...told, atMs: Date.now() });
  }
  if (reply.status >= 400) await drainUnread(request);
  return reply;
}

/** The one place where a refusal becomes an answer. */
async function dressed(
  refusal: Refusal,
  { id, path }: Seen,
  runtime: Runtime | null,
  isAnthropics: boolean,
): Promise<Response> {
  const { refuse } = await import("./wire/refuse.ts");
  const config = runtime?.config ?? null;
  return refuse(id, config, refusal, errorFormOf(path, config, isAnthropics));
}

async function serve(
  request: EdgeRequest["request"],
  env: EdgeEnv,
  ctx: Waiting,
  seen: Seen,
  by: Door,
): Promise<Answer> {
  const { id: requestId, startedAtMs } = seen;
  const target = readUrl(request.url);
  if (target.ok) seen.path = target.value.path;
  if (!METHODS.has(request.method)) return { reason: "method_not_allowed", headers: [["allow", ALLOW]] };
  if (!target.ok) return refuseTarget(target.error);
  const plain = withoutLastSlash(seen.path);
  if (plain === "/livez") return health(requestId, 200, "ok\n");
  const runtime = runtimeOf(env, ctx);
  if (READY_PATHS.has(plain)) {
    if (runtime === null) return health(requestId, 503, "misconfigured, see the log\n");
    return isDraining() ? health(requestId, 503, "draining\n") : health(requestId, 200, "ok\n");
  }
  if (runtime === null) return { reason: "misconfigured" };
  const path = meantPath(seen.path, runtime.config.routes);
  seen.path = path;
  if (OPERATORS_PATH.test(plain) && by !== "operators" && !isOpen(request, env, runtime))
    return { reason: "not_found" };
  if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) {
    return preflight(requestId, runtime.config.cors?.allowOrigin ?? null);
  }
  if (isDraining()) return { reason: "shutting_down" };
  if (request.headers.has(HOP)) return { reason: "request_loop" };
  const dev = env.WARMPATH_DEV === "1";
  const shardOf = shardsOf(env, runtime.config);
  const leases = leasesOf(runtime, shardOf, ctx);
  const told = { request, path, query: target.value.query, requestId, startedAtMs, dev, isKept: by === "kept" };
  const edge: EdgeRequest = { ...told, runtime, env, ctx, shardOf, leases, seen };
  try {
    if (env.WARMPATH_SELF_HOSTED !== "1") return await routeRequest(edge);
    // What waits for a job would hold up the end for nothing: the job goes on after the next start.
    const routed = await untilCut(routeRequest(edge), !JOB_PATH.test(path));
    return routed ?? { reason: "shutting_down" };
  } catch (error) {
    console.error(requestId, error);
    return { reason: "internal" };
  }
}

/** May operators come in by the public door: at every name, or at the one that the config gives them. */
function isOpen({ url }: Request, env: EdgeEnv, { config }: Runtime): boolean {
  const { host } = config.admin;
  return env.WARMPATH_ADMIN_APART !== "1" && (host === undefined || new URL(url).hostname === host);
}

async function refuseTarget(problem: TargetProblem): Promise<Refusal> {
  const { targetProblem } = await import("./gateway/admin/rare.ts");
  return { reason: "invalid_request", detail: targetProblem(problem) };
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
