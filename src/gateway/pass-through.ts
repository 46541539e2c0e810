/**
 * A request to a path of its endpoints that this router does not understand, or that is named together with its pool.
 */
import { protocolOf } from "../dispatch/answer-format.ts";
import { refuseReach } from "../dispatch/reach.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import { parseJson } from "../wire/body.ts";
import { RESUMABLE } from "../wire/headers.ts";
import type { Answer } from "../wire/refusal.ts";
import type { Authenticated } from "./edge-request.ts";
import { send } from "./pipeline.ts";
import { readBody } from "./read-body.ts";

/** Any other request to a pool, as far as its paths are open. `pathFrom`: who named the path at the endpoint. */
export async function passThrough(
  edge: Authenticated,
  pool: EdgePool,
  path: string,
  pathFrom: "client" | "config",
): Promise<Answer> {
  const { request, runtime, seen } = edge;
  seen.pool = pool;
  const closed = refuseReach(edge, pool, { method: request.method, path, from: pathFrom });
  if (closed !== null) return closed;
  if (request.headers.get("upgrade") !== null) {
    const { openSocket } = await import("./sockets.ts");
    return openSocket(edge, pool, { path, isClientsPath: pathFrom === "client" });
  }
  if (request.headers.get(RESUMABLE) === "true") {
    const detail = `${RESUMABLE}: a stream is kept for its client under /v1 alone. Ask there, or leave the header out.`;
    return { reason: "invalid_request", param: RESUMABLE, detail };
  }
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  const { config } = runtime;
  const read = hasBody ? await readBody(edge, config.limits.bodyBytesMax, "limits.bodyBytesMax") : null;
  if (read !== null && !read.ok) return read.error;
  const bytes = read?.value ?? null;
  // Whatever the content type says: a body that a model could read as JSON is read as JSON here.
  const json = bytes === null ? null : parseJson(bytes);
  const stream = typeof json === "object" && json !== null && "stream" in json && json.stream === true;
  // Only the endpoint knows what an unknown POST does, so it is not done twice; of a known protocol it answers, as
  // under /v1.
  const isKnown = protocolOf(request.method, path) !== null;
  const repeatable = isKnown || (request.method !== "POST" && request.method !== "PATCH");
  const { method } = request;
  const isClientsPath = pathFrom === "client";
  return send(edge, { pool, method, path, bytes, json, stream, isInference: false, isClientsPath, repeatable });
}
