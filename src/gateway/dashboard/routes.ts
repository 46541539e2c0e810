/**
 * What the dashboard page asks, below `/dashboard/api`. All of it is one part of the bundle, which a request to a model
 * never loads.
 */
import { FRAME_VERSION } from "../../sight/core/frame.ts";
import type { FeedFrame } from "../../sight/core/frame.ts";
import { frameFleet } from "../../sight/frame-fleet.ts";
import { unknownAction } from "../../wire/not-found.ts";
import type { Answer } from "../../wire/refusal.ts";
import { dress } from "../../wire/replies.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import { askFleet } from "../admin/admin.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";

/** Lets an operator in, and nobody else. */
export type AdmitOperator = (
  edge: EdgeRequest,
  handler: (edge: Authenticated) => Promise<Answer> | Answer,
) => Promise<Answer>;

type ApiRoute = {
  readonly method: "GET" | "POST" | "DELETE";
  readonly handle: (edge: Authenticated) => Promise<Answer>;
};

const API = "/dashboard/api";

const ROUTES: ReadonlyMap<string, ApiRoute> = new Map<string, ApiRoute>([
  ["snapshot", { method: "GET", handle: snapshot }],
]);

/** `edge.path` is below `/dashboard`. */
export async function routeDashboard(edge: EdgeRequest, admit: AdmitOperator): Promise<Answer> {
  const name = edge.path.startsWith(`${API}/`) ? edge.path.slice(API.length + 1) : "";
  const route = ROUTES.get(name);
  if (route === undefined) return unknownAction(API, name, [...ROUTES.keys()]);
  const { method } = edge.request;
  if (method !== route.method && !(method === "HEAD" && route.method === "GET")) {
    return { reason: "method_not_allowed", headers: [["allow", route.method]] };
  }
  return admit(edge, route.handle);
}

/** `GET /dashboard/api/snapshot`: the frame of this instant, for who has no socket. */
async function snapshot(edge: Authenticated): Promise<Answer> {
  const frame: FeedFrame<never> = {
    v: FRAME_VERSION,
    atMs: Date.now(),
    fleet: frameFleet(await askFleet(edge, false)),
    rates: null,
    decisions: [],
    jobs: [],
    events: [],
  };
  return answerPrivate(edge, frame);
}

/** What nobody keeps, and no other site reads. */
function answerPrivate({ requestId }: EdgeRequest, value: unknown): Response {
  const headers: HeaderRecord = { "content-type": "application/json", "cache-control": "no-store" };
  dress(headers, requestId, null);
  return new Response(JSON.stringify(value), { headers });
}
