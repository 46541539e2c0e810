/**
 * Paths with a name in them, which few requests have: one model, a response that is kept, and what operators order. Loaded with the first of them.
 * Deny by default holds here too: every route goes through `admit`, which the router hands in.
 */
import { Router } from "itty-router";
import type { IRequest } from "itty-router";
import type { Scope } from "../config/config.ts";
import type { Answer } from "../wire/refusal.ts";
import type { Authenticated, EdgeRequest } from "./edge-request.ts";
import { part } from "../dispatch/part.ts";
import { keptResponse } from "./kept-responses.ts";
import { administer, notServed } from "./admin/rare.ts";
import type { AdminAction } from "./admin/rare.ts";
import { oneModel } from "./models.ts";

type Params = Readonly<Record<string, string>>;
type Handler = (edge: Authenticated, params: Params) => Promise<Answer> | Answer;
type Admit = (edge: EdgeRequest, scope: Scope, handler: Handler, params: Params) => Promise<Answer>;

const patterns = Router<IRequest, [EdgeRequest, Admit], Answer>();

const batchesPart = part(async () => import("./files-api/batch-routes.ts"));
const filesPart = part(async () => import("./files-api/files-routes.ts"));

patterns
  .post(
    "/v1/batches",
    authenticated("infer", async (edge) => (await batchesPart()).createBatch(edge)),
  )
  .get(
    "/v1/batches",
    authenticated("infer", async (edge) => (await batchesPart()).listBatches(edge)),
  )
  .get(
    "/v1/batches/:id",
    named("infer", async (edge, id) => (await batchesPart()).readBatch(edge, id)),
  )
  .post(
    "/v1/batches/:id/cancel",
    named("infer", async (edge, id) => (await batchesPart()).cancelBatch(edge, id)),
  )
  .post(
    "/v1/files",
    authenticated("infer", async (edge) => (await filesPart()).createFile(edge)),
  )
  .get(
    "/v1/files",
    authenticated("infer", async (edge) => (await filesPart()).listFiles(edge)),
  )
  .get(
    "/v1/files/:id",
    named("infer", async (edge, id) => (await filesPart()).readFile(edge, id)),
  )
  .delete(
    "/v1/files/:id",
    named("infer", async (edge, id) => (await filesPart()).deleteFile(edge, id)),
  )
  .get(
    "/v1/files/:id/content",
    named("infer", async (edge, id) => (await filesPart()).fileContent(edge, id)),
  )
  .get("/openapi.json", openToAll(document))
  .get("/v1/models/:id+", authenticated("infer", model))
  .get("/v1/realtime", authenticated("infer", realtimeSocket))
  .get("/v1/responses/:id", authenticated("infer", kept("")))
  .delete("/v1/responses/:id", authenticated("infer", kept("")))
  .post("/v1/responses/:id/cancel", authenticated("infer", kept("/cancel")))
  .get("/v1/responses/:id/input_items", authenticated("infer", kept("/input_items")))
  .get("/v1/streams/:name", authenticated("infer", stream))
  .post("/admin/endpoints/:id/drain", authenticated("admin", admin("drain")))
  .post("/admin/endpoints/:id/undrain", authenticated("admin", admin("undrain")))
  .post("/admin/pools/:pool/drain", authenticated("admin", admin("drainPool")))
  .post("/admin/pools/:pool/undrain", authenticated("admin", admin("undrainPool")))
  .post("/admin/shards/:pool/:region/restart", authenticated("admin", admin("restart")))
  .get("/admin/poison", authenticated("admin", admin("poison")))
  .delete("/admin/poison", authenticated("admin", admin("pardon")))
  .post("/admin/feed/restart", authenticated("admin", admin("restartFeed")));

/** `path`: without its last slash. */
export async function routePatterns(edge: EdgeRequest, path: string, admit: Admit): Promise<Answer> {
  // The router reads these two members and writes its own beside them.
  const asked = { method: edge.request.method, url: `http://router${path}` } as IRequest;
  const answer: Answer | undefined = await patterns.fetch(asked, edge, admit);
  if (answer !== undefined) return answer;
  const { servedPaths } = await import("../wire/served-paths.ts");
  return notServed(path, servedPaths());
}

function authenticated(scope: Scope, handler: Handler) {
  return async (matched: IRequest, edge: EdgeRequest, admit: Admit): Promise<Answer> =>
    admit(edge, scope, handler, matched.params ?? {});
}

/** With the name in the path. The door lets nothing pass that cannot be decoded. */
function named(scope: Scope, handler: (edge: Authenticated, id: string) => Promise<Answer>) {
  return authenticated(scope, async (edge, { id = "" }) => handler(edge, decodeURIComponent(id)));
}

function admin(action: AdminAction): Handler {
  return (edge, { id, ...params }) =>
    administer(action, edge, id === undefined ? params : { ...params, id: decodeURIComponent(id) });
}

/** Needs no key. */
function openToAll(handler: (edge: EdgeRequest) => Promise<Answer>) {
  return async (_: IRequest, edge: EdgeRequest): Promise<Answer> => handler(edge);
}

async function document(edge: EdgeRequest): Promise<Answer> {
  const { openApi } = await import("./openapi.ts");
  return openApi(edge);
}

async function realtimeSocket(edge: Authenticated): Promise<Answer> {
  const { realtime } = await import("./sockets.ts");
  return realtime(edge);
}

function kept(rest: string): Handler {
  return async (edge, { id = "" }) => keptResponse(edge, decodeURIComponent(id), rest);
}

/** Loaded by the first: what begins a stream is not needed to find one. */
async function stream(edge: Authenticated, { name = "" }: Params): Promise<Answer> {
  const { resumeStream } = await import("./resume/resumable.ts");
  return resumeStream(edge, decodeURIComponent(name));
}

/** A name as it was before it became part of a path. The door lets nothing pass that cannot be decoded. */
async function model(edge: Authenticated, { id = "" }: Params): Promise<Answer> {
  return oneModel(edge, decodeURIComponent(id));
}
