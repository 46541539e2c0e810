/**
 * Decides which handler serves a path. Deny by default: every route but health and preflight goes through
 * `authenticated`, which names the scope it needs.
 */
import { Router } from "itty-router";
import type { IRequest } from "itty-router";
import { modelById, modelList } from "../protocol/openai.ts";
import type { Scope } from "../protocol/config.ts";
import { fleet, restartShard } from "./admin.ts";
import { answerJson, refuse } from "./edge-request.ts";
import type { Authenticated, EdgeRequest } from "./edge-request.ts";
import { infer, passThrough } from "./pipeline.ts";

type Handler = (edge: Authenticated, params: Readonly<Record<string, string>>) => Promise<Response> | Response;

const router = Router<IRequest, [EdgeRequest], Response>();

router
  .post(
    "/v1/chat/completions",
    authenticated("infer", async (edge) => infer(edge, "/v1/chat/completions")),
  )
  .post(
    "/v1/completions",
    authenticated("infer", async (edge) => infer(edge, "/v1/completions")),
  )
  .post(
    "/v1/embeddings",
    authenticated("infer", async (edge) => infer(edge, "/v1/embeddings")),
  )
  .get(
    "/v1/models",
    authenticated("infer", (edge) => answerJson(edge, modelList(edge.desk.runtime.config))),
  )
  .get(
    "/v1/models/:id+",
    authenticated("infer", (edge, { id = "" }) => {
      const model = modelById(edge.desk.runtime.config, id);
      if (model !== null) return answerJson(edge, model);
      return refuse(edge.requestId, edge.desk.runtime.config, { reason: "unknown_model", param: "model" });
    }),
  )
  .all("/p/:pool", authenticated("infer", toPool))
  .all("/p/:pool/*", authenticated("infer", toPool))
  .get("/admin/fleet", authenticated("admin", fleet))
  .post("/admin/shards/:pool/:region/restart", authenticated("admin", restartShard));

/** The paths above by their methods, to tell a wrong method from a wrong path. */
const METHODS: Readonly<Record<string, string>> = {
  "/v1/chat/completions": "POST",
  "/v1/completions": "POST",
  "/v1/embeddings": "POST",
  "/v1/models": "GET",
  "/admin/fleet": "GET",
};

export async function routeRequest(edge: EdgeRequest): Promise<Response> {
  const { config, pools } = edge.desk.runtime;
  const declared = config.routes.get(edge.url.pathname);
  const pool = declared === undefined ? undefined : pools.get(declared.poolId);
  if (declared !== undefined && pool !== undefined) {
    const path = declared.upstreamPath + edge.url.search;
    return authenticated("infer", async (known) => passThrough(known, pool, path))(routable(edge), edge);
  }
  const answer = await router.fetch(routable(edge), edge);
  if (answer instanceof Response) return answer;
  const allowed = METHODS[edge.url.pathname];
  if (allowed === undefined) return refuse(edge.requestId, config, { reason: "not_found" });
  return refuse(edge.requestId, config, { reason: "method_not_allowed", headers: [["allow", allowed]] });
}

/** The router reads these two members and writes its own beside them. */
const routable = ({ request, url }: EdgeRequest): IRequest => ({ method: request.method, url: url.href }) as IRequest;

function authenticated(scope: Scope, handler: Handler) {
  return async (matched: IRequest, edge: EdgeRequest): Promise<Response> => {
    const { runtime } = edge.desk;
    const { headers } = edge.request;
    const presented = headers.get("authorization") ?? headers.get("x-api-key");
    const identity = await runtime.keys.verify(presented, Date.now());
    if (!identity.ok) {
      const reason = identity.error === "expired" ? "key_expired" : "unauthorized";
      return refuse(edge.requestId, runtime.config, { reason });
    }
    if (!identity.value.scopes.includes(scope)) return refuse(edge.requestId, runtime.config, { reason: "forbidden" });
    return handler({ ...edge, identity: identity.value }, matched.params ?? {});
  };
}

function toPool(edge: Authenticated, { pool = "" }: Readonly<Record<string, string>>): Promise<Response> | Response {
  const known = edge.desk.runtime.pools.get(decodeURIComponent(pool));
  if (known === undefined) return refuse(edge.requestId, edge.desk.runtime.config, { reason: "unknown_pool" });
  const path = edge.url.pathname.slice(`/p/${pool}`.length);
  return passThrough(edge, known, (path === "" ? "/" : path) + edge.url.search);
}
