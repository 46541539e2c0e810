/**
 * Decides which handler serves a path. Deny by default: every route but health and preflight goes through `admit`, with
 * the scope it needs.
 */
import { Router } from "itty-router";
import type { IRequest } from "itty-router";
import { modelById, modelList } from "../protocol/openai.ts";
import type { Scope } from "../protocol/config.ts";
import { drain, fleet, restartShard } from "./admin.ts";
import { answerJson, refuse } from "./edge-request.ts";
import type { Authenticated, EdgeRequest } from "./edge-request.ts";
import { explain } from "./explain.ts";
import { infer, passThrough } from "./pipeline.ts";

type Handler = (edge: Authenticated, params: Readonly<Record<string, string>>) => Promise<Response> | Response;

type Exact = { readonly method: string; readonly scope: Scope; readonly handler: Handler };

/** Paths without parameters: one look-up decides, which is what every inference request pays. */
const EXACT: ReadonlyMap<string, Exact> = new Map<string, Exact>([
  ...(["/v1/chat/completions", "/v1/completions", "/v1/embeddings"] as const).map((path): [string, Exact] => [
    path,
    { method: "POST", scope: "infer", handler: async (edge) => infer(edge, path) },
  ]),
  ["/v1/models", { method: "GET", scope: "infer", handler: models }],
  ["/admin/fleet", { method: "GET", scope: "admin", handler: fleet }],
  ["/admin/explain", { method: "POST", scope: "admin", handler: explain }],
]);

const patterns = Router<IRequest, [EdgeRequest], Response>();

patterns
  .get("/v1/models/:id+", authenticated("infer", model))
  .all("/p/:pool", authenticated("infer", toPool))
  .all("/p/:pool/*", authenticated("infer", toPool))
  .post("/admin/endpoints/:id/drain", authenticated("admin", drains(true)))
  .post("/admin/endpoints/:id/undrain", authenticated("admin", drains(false)))
  .post("/admin/shards/:pool/:region/restart", authenticated("admin", restartShard));

export async function routeRequest(edge: EdgeRequest): Promise<Response> {
  const { config, pools } = edge.desk.runtime;
  const exact = EXACT.get(edge.path);
  if (exact !== undefined) {
    if (edge.request.method === exact.method) return admit(edge, exact.scope, exact.handler, {});
    const allow = [["allow", exact.method]] as const;
    return refuse(edge.requestId, config, { reason: "method_not_allowed", headers: allow });
  }
  const declared = config.routes.get(edge.path);
  const pool = declared === undefined ? undefined : pools.get(declared.poolId);
  if (declared !== undefined && pool !== undefined) {
    const path = declared.upstreamPath + edge.query;
    return admit(edge, "infer", async (known) => passThrough(known, pool, path, "config"), {});
  }
  // The router reads these two members and writes its own beside them.
  const { method, url } = edge.request;
  const answer = await patterns.fetch({ method, url } as IRequest, edge);
  return answer instanceof Response ? answer : refuse(edge.requestId, config, { reason: "not_found" });
}

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
  return handler({ ...edge, identity: identity.value }, params);
}

function drains(drained: boolean): Handler {
  return async (edge, { id = "" }) => drain(edge, decoded(id), drained);
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
