/**
 * Decides which handler serves a path. Deny by default: every route but health and preflight goes through `admit`, with
 * the scope it needs.
 */
import { Router } from "itty-router";
import type { IRequest } from "itty-router";
import { modelById, modelList } from "../protocol/openai.ts";
import type { Scope } from "../protocol/config.ts";
import { answerJson, refuse } from "./edge-request.ts";
import type { Authenticated, EdgeRequest } from "./edge-request.ts";
import { loadRails } from "./input-rails.ts";
import { infer, passThrough } from "./pipeline.ts";
import type { AdminAction } from "./rare.ts";

type Handler = (edge: Authenticated, params: Readonly<Record<string, string>>) => Promise<Response> | Response;

type Exact = { readonly method: string; readonly scope: Scope; readonly handler: Handler };

/** Paths without parameters: one look-up decides, which is what every inference request pays. */
const EXACT: ReadonlyMap<string, Exact> = new Map<string, Exact>([
  ...(["/v1/chat/completions", "/v1/completions", "/v1/embeddings"] as const).map((path): [string, Exact] => [
    path,
    { method: "POST", scope: "infer", handler: async (edge) => infer(edge, path) },
  ]),
  ["/v1/models", { method: "GET", scope: "infer", handler: models }],
  ["/admin/fleet", { method: "GET", scope: "admin", handler: admin("fleet") }],
  ["/admin/explain", { method: "POST", scope: "admin", handler: admin("explain") }],
]);

const patterns = Router<IRequest, [EdgeRequest], Response>();

patterns
  .get("/v1/models/:id+", authenticated("infer", model))
  .all("/p/:pool", authenticated("infer", toPool))
  .all("/p/:pool/*", authenticated("infer", toPool))
  .post("/admin/endpoints/:id/drain", authenticated("admin", admin("drain")))
  .post("/admin/endpoints/:id/undrain", authenticated("admin", admin("undrain")))
  .post("/admin/shards/:pool/:region/restart", authenticated("admin", admin("restart")));

/** What belongs to jobs alone. */
const JOB_PATH = /^\/(?:v2|hooks|v1\/jobs|admin\/(?:jobs|hooks))(?:\/|$)/;

export async function routeRequest(edge: EdgeRequest): Promise<Response> {
  const { config, pools } = edge.desk.runtime;
  loadRails(edge.desk.runtime);
  const exact = EXACT.get(edge.path);
  if (exact !== undefined) {
    if (edge.request.method === exact.method) return admit(edge, exact.scope, exact.handler, {});
    const allow = [["allow", exact.method]] as const;
    return refuse(edge.requestId, config, { reason: "method_not_allowed", headers: allow });
  }
  // Load generators that join a host and a path send two slashes.
  const declared = config.routes.get(edge.path.replace(/^\/{2,}/, "/"));
  const pool = declared === undefined ? undefined : pools.get(declared.poolId);
  if (declared !== undefined && pool !== undefined) {
    const path = declared.upstreamPath + edge.query;
    const serve: Handler = async (known) => passThrough(known, pool, path, "config");
    const { openTo } = declared;
    if (openTo !== null && !hasKey(edge.request.headers)) {
      return serve({ ...edge, identity: { keyId: "", tenant: openTo, scopes: ["infer"] } }, {});
    }
    return admit(edge, "infer", serve, {});
  }
  if (JOB_PATH.test(edge.path)) {
    const { routeJobs } = await import("./jobs/routes.ts");
    return routeJobs(edge, async (asked, scope, handler) => admit(asked, scope, handler, {}));
  }
  // The router reads these two members and writes its own beside them.
  const { method, url } = edge.request;
  const answer = await patterns.fetch({ method, url } as IRequest, edge);
  return answer instanceof Response ? answer : refuse(edge.requestId, config, { reason: "not_found" });
}

const hasKey = (headers: Headers): boolean => headers.has("authorization") || headers.has("x-api-key");

function authenticated(scope: Scope, handler: Handler) {
  return async (matched: IRequest, edge: EdgeRequest): Promise<Response> =>
    admit(edge, scope, handler, matched.params ?? {});
}

async function admit(
  edge: EdgeRequest,
  scope: Scope,
  handler: Handler,
  params: Readonly<Record<string, string>>,
): Promise<Response> {
  const { runtime } = edge.desk;
  const { headers } = edge.request;
  const presented = headers.get("authorization") ?? headers.get("x-api-key");
  const identity = await runtime.keys.verify(presented, edge.startedAtMs);
  if (!identity.ok) {
    const reason = identity.error === "expired" ? "key_expired" : "unauthorized";
    return refuse(edge.requestId, runtime.config, { reason });
  }
  if (!identity.value.scopes.includes(scope)) return refuse(edge.requestId, runtime.config, { reason: "forbidden" });
  const known = { ...edge, identity: identity.value };
  if (scope === "infer" && edge.request.method === "POST" && mayBecomeJob(headers)) {
    const { asJob } = await import("./jobs/respond-async.ts");
    return asJob(known, async (sync) => handler(sync, params));
  }
  return handler(known, params);
}

/** The client would rather have its answer later than wait, or than be refused. */
const mayBecomeJob = (headers: Headers): boolean =>
  headers.get("prefer")?.includes("respond-async") === true || headers.has("x-warmpath-on-busy");

/** Operators come rarely: what serves them is not loaded at start. */
function admin(action: AdminAction): Handler {
  return async (edge, { id, ...params }) => {
    const { administer } = await import("./rare.ts");
    return administer(action, edge, id === undefined ? params : { ...params, id: decoded(id) });
  };
}

function models(edge: Authenticated): Response {
  return answerJson(edge, modelList(edge.desk.runtime.config));
}

function model(edge: Authenticated, { id = "" }: Readonly<Record<string, string>>): Response {
  const found = modelById(edge.desk.runtime.config, decoded(id));
  if (found !== null) return answerJson(edge, found);
  return refuse(edge.requestId, edge.desk.runtime.config, { reason: "unknown_model", param: "model" });
}

function toPool(edge: Authenticated, { pool = "" }: Readonly<Record<string, string>>): Promise<Response> | Response {
  const known = edge.desk.runtime.pools.get(decoded(pool));
  if (known === undefined) return refuse(edge.requestId, edge.desk.runtime.config, { reason: "unknown_pool" });
  const path = edge.path.slice(`/p/${pool}`.length);
  return passThrough(edge, known, (path === "" ? "/" : path) + edge.query, "client");
}

/** A name as it was before it became part of a path: SDKs encode the slash of a model's name. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // A stray percent sign: then it is the name of nothing.
    return name;
  }
}
