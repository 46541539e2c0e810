/**
 * Decides which handler serves a path. Deny by default: every route but health and preflight goes through `admit`, with
 * the scope it needs. The path is the door's (`edge.path`): nobody here reads the URL again.
 */
import { keysIn, RESUMABLE } from "../wire/headers.ts";
import { INFERENCE_PATHS } from "../wire/openai.ts";
import type { InferencePath } from "../wire/openai.ts";
import { withoutLastSlash } from "../wire/request-target.ts";
import { part } from "../dispatch/part.ts";
import { err } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { Identity } from "../wire/api-keys.ts";
import type { Scope } from "../config/config.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import { answerOptions } from "./edge-request.ts";
import type { Authenticated, EdgeRequest } from "./edge-request.ts";
import { loadRails } from "../rails/input-rails.ts";
import type { passThrough } from "./pass-through.ts";
import { infer } from "./pipeline.ts";
import type { AdminAction } from "./admin/rare.ts";

type Handler = (edge: Authenticated, params: Readonly<Record<string, string>>) => Promise<Answer> | Answer;

type Exact = { readonly method: string; readonly scope: Scope; readonly handler: Handler };

const jobsPart = part(async () => import("./jobs-api/routes.ts"));
const asyncPart = part(async () => import("./jobs-api/respond-async.ts"));
const dashboardPart = part(async () => import("./dashboard/routes.ts"));
const usagePart = part(async () => import("./usage.ts"));
const modelsPart = part(async () => import("./models.ts"));
const patternsPart = part(async () => import("./patterns.ts"));
const passPart = part(async () => import("./pass-through.ts"));
const elsewherePart = part(async () => import("../access/verify-elsewhere.ts"));
const shieldPart = part(async () => import("../access/shield.ts"));
const withinPart = part(async () => import("../access/within.ts"));
const resumePart = part(async () => import("./resume/resumable.ts"));
const recordedPart = part(async () => import("./admin/recorded.ts"));

/** Paths without parameters: one look-up decides, which is what every inference request pays. */
const EXACT: ReadonlyMap<string, Exact> = new Map<string, Exact>([
  ...INFERENCE_PATHS.map((path): [string, Exact] => [
    path,
    { method: "POST", scope: "infer", handler: async (edge) => inferOrKeep(edge, path) },
  ]),
  ["/v1/usage", { method: "GET", scope: "infer", handler: async (edge) => (await usagePart()).ownUsage(edge) }],
  [
    "/admin/usage",
    { method: "GET", scope: "admin", handler: async (edge) => (await usagePart()).usageForOperators(edge) },
  ],
  ["/v1/models", { method: "GET", scope: "infer", handler: async (edge) => (await modelsPart()).listModels(edge) }],
  ["/metrics", { method: "GET", scope: "admin", handler: admin("metrics") }],
  ["/admin/fleet", { method: "GET", scope: "admin", handler: admin("fleet") }],
  ["/admin/explain", { method: "POST", scope: "admin", handler: admin("explain") }],
]);

/** The page of operators, and what it asks. */
const DASHBOARD_PATH = /^\/dashboard(?:\/|$)/;

/** Where the page's session stands in for a key. */
const SESSION_PATH = /^\/(?:admin|dashboard\/api)\//;

/** Who may do what, and the record of who did. */
const ACCESS_PATH = /^\/admin\/(?:keys|audit|tenants)(?:\/|$)/;

/** A pool, and the path at its endpoints. */
const POOL_PATH = /^\/p\/([^/]+)(\/.*)?$/;

/** Where a GET waits, follows, or takes something that is then gone: HEAD would do it for nothing. */
const GET_TAKES = /\/(?:job-[a-z-]+|ping|stream|status-sync)\/|\/(?:events|live)$/;

/** What belongs to jobs alone. */
export const JOB_PATH = /^\/(?:v2|hooks|v1\/jobs|admin\/(?:jobs|hooks))(?:\/|$)/;

export async function routeRequest(edge: EdgeRequest): Promise<Answer> {
  const { config } = edge.runtime;
  const { shield } = config.limits;
  if (shield !== null && !edge.isKept) {
    const refusal = await (await shieldPart()).shieldAddress(edge, shield);
    if (refusal !== null) return refusal;
  }
  loadRails(edge.runtime);
  const path = withoutLastSlash(edge.path);
  const { method } = edge.request;
  // The config may say what a path means that engines have at their root; it may not of the router's own.
  const declared = config.routes.get(path);
  if (declared !== undefined) {
    const { openTo, poolId, upstreamPath } = declared;
    const serve: Handler = async (known) => {
      const pool = known.runtime.pools.get(poolId);
      return pool === undefined ? notFound(path) : passOn(known, pool, upstreamPath + edge.query, "config");
    };
    if (openTo !== null && keysIn(edge.request.headers).length === 0) {
      const identity: Identity = { keyId: "", tenant: openTo, scopes: ["infer"] };
      edge.seen.identity = identity;
      return serve({ ...edge, identity }, {});
    }
    return admit(edge, "infer", serve, {});
  }
  const exact = EXACT.get(path);
  if (exact !== undefined) {
    if (method === exact.method || (method === "HEAD" && exact.method === "GET")) {
      return admit(edge, exact.scope, exact.handler, {});
    }
    const allow = exact.method === "GET" ? "GET, HEAD" : exact.method;
    if (method === "OPTIONS") return answerOptions(edge, `${allow}, OPTIONS`);
    return { reason: "method_not_allowed", headers: [["allow", allow]] };
  }
  const [, poolId, poolPath = "/"] = POOL_PATH.exec(edge.path) ?? [];
  if (poolId !== undefined) return admit(edge, "infer", async (known) => toPool(known, poolId, poolPath), {});
  if (method === "HEAD") return routeHead(edge, path);
  return routeRare(edge, path);
}

/** As GET: the runtime leaves out the body. */
async function routeHead(edge: EdgeRequest, path: string): Promise<Answer> {
  if (GET_TAKES.test(path)) return { reason: "method_not_allowed", headers: [["allow", "GET"]] };
  const { url, headers, signal, cf } = edge.request;
  // Not made from the request itself: one that has a body, which a HEAD may have, cannot become a GET.
  const request = new Request(url, { method: "GET", headers, signal, ...(cf === undefined ? {} : { cf }) });
  return routeRare({ ...edge, request }, path);
}

async function routeRare(edge: EdgeRequest, path: string): Promise<Answer> {
  if (JOB_PATH.test(path)) {
    const { routeJobs } = await jobsPart();
    return routeJobs({ ...edge, path }, async (asked, scope, handler) => admit(asked, scope, handler, {}));
  }
  if (ACCESS_PATH.test(path)) {
    const { routeAccess } = await import("./admin/access-routes.ts");
    return routeAccess({ ...edge, path }, async (asked, handler) => admit(asked, "admin", handler, {}));
  }
  if (DASHBOARD_PATH.test(path)) {
    const { routeDashboard } = await dashboardPart();
    return routeDashboard({ ...edge, path }, async (asked, handler) => admit(asked, "admin", handler, {}));
  }
  return (await patternsPart()).routePatterns(edge, path, admit);
}

async function notFound(path: string): Promise<Refusal> {
  const { notServed } = await import("./admin/rare.ts");
  return notServed(path, []);
}

async function admit(
  edge: EdgeRequest,
  scope: Scope,
  handler: Handler,
  params: Readonly<Record<string, string>>,
): Promise<Answer> {
  let identity = await identify(edge);
  if (!identity.ok && maySign(edge)) identity = await (await dashboardPart()).sessionOf(edge);
  if (!identity.ok) return identity.error;
  edge.seen.identity = identity.value;
  const { access, scopes } = identity.value;
  const { shield } = edge.runtime.config.limits;
  if (shield !== null && !edge.isKept) {
    const refusal = await (await shieldPart()).shieldKey(edge.env, shield, identity.value);
    if (refusal !== null) return refusal;
  }
  let known: Authenticated = { ...edge, identity: identity.value };
  if (access !== undefined) {
    const { refuseAddress, runtimeWithin } = await withinPart();
    const refusal = refuseAddress(edge, access);
    if (refusal !== null) return refusal;
    known = { ...known, runtime: runtimeWithin(edge.runtime, access) };
  }
  if (!scopes.includes(scope)) {
    const detail = `This API key may not do this: it needs the scope "${scope}".`;
    return { reason: "forbidden", detail };
  }
  const { headers, method } = edge.request;
  if (scope === "infer" && method === "POST" && mayBecomeJob(headers)) {
    const { asJob } = await asyncPart();
    return asJob(known, async (sync) => handler(sync, params));
  }
  if (scope === "admin" && method !== "GET" && method !== "HEAD") {
    const { recorded } = await recordedPart();
    return recorded(known, async (order) => handler(order, params));
  }
  return handler(known, params);
}

/** A stream that its client may come back to is asked for by whoever keeps it. */
async function inferOrKeep(edge: Authenticated, path: InferencePath): Promise<Answer> {
  const plain = async (): Promise<Answer> => infer(edge, path);
  return edge.request.headers.has(RESUMABLE) ? (await resumePart()).resumable(edge, plain) : plain();
}

/** A session stands in for a key where operators are served, and only where no key was shown. */
const maySign = ({ path, request: { headers } }: EdgeRequest): boolean =>
  SESSION_PATH.test(path) && headers.has("cookie") && keysIn(headers).length === 0;

/** The first good key or token of those that are presented, of which each header has at most one. */
async function identify(edge: EdgeRequest): Promise<Result<Identity, Refusal>> {
  const { runtime, request, env, startedAtMs } = edge;
  let refusal: Refusal = { reason: "unauthorized" };
  for (const presented of keysIn(request.headers)) {
    const own = await runtime.keys.verify(presented, startedAtMs);
    if (own.ok) return own;
    let why: Refusal = { reason: own.error === "expired" ? "key_expired" : "unauthorized" };
    if (own.error === "unknown" ? "KEY_REGISTRY" in env : runtime.config.jwt.length > 0) {
      const other = await (await elsewherePart()).verifyElsewhere(edge, presented, startedAtMs);
      if (other.ok) return other;
      why = other.error;
    }
    if (refusal.reason === "unauthorized") refusal = why;
  }
  return err(refusal);
}

/** The client would rather have its answer later than wait, or than be refused. */
const mayBecomeJob = (headers: Headers): boolean =>
  headers.get("prefer")?.includes("respond-async") === true || headers.has("x-warmpath-on-busy");

/** Operators come rarely: what serves them is not loaded at start. */
function admin(action: AdminAction): Handler {
  return async (edge) => {
    const { administer } = await import("./admin/rare.ts");
    return administer(action, edge, {});
  };
}

async function toPool(edge: Authenticated, poolId: string, path: string): Promise<Answer> {
  const pool = edge.runtime.pools.get(poolId);
  if (pool !== undefined) return passOn(edge, pool, path + edge.query, "client");
  const { unknownPool } = await import("./admin/rare.ts");
  return unknownPool(poolId, edge.runtime.config);
}

/** Loaded with the first request to such a path. */
async function passOn(...request: Parameters<typeof passThrough>): Promise<Answer> {
  return (await passPart()).passThrough(...request);
}
