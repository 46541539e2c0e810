/**
 * The dashboard: its page (`page.ts`), and what that asks, below `/dashboard/api`. All of it is one part of the bundle, which a request to a model
 * never loads.
 */
import type { Result } from "../../lib/result.ts";
import { FRAME_VERSION } from "../../sight/core/frame.ts";
import type { FeedFrame } from "../../sight/core/frame.ts";
import { frameFleet } from "../../sight/frame-fleet.ts";
import type { Identity } from "../../wire/api-keys.ts";
import { unknownAction } from "../../wire/not-found.ts";
import { modelList } from "../../wire/openai.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { askFleet } from "../admin/admin.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";
import { page } from "./page.ts";
import { answerPrivate } from "./private.ts";
import * as session from "./sign-in.ts";
import { tryOut } from "./try-out.ts";

/** Lets an operator in, and nobody else. */
export type AdmitOperator = (
  edge: EdgeRequest,
  handler: (edge: Authenticated) => Promise<Answer> | Answer,
) => Promise<Answer>;

type Handler = (edge: Authenticated) => Promise<Answer> | Answer;

const API = "/dashboard/api";

/** By name and method. */
const ROUTES: ReadonlyMap<string, Readonly<Record<string, Handler>>> = new Map<
  string,
  Readonly<Record<string, Handler>>
>([
  ["session", { GET: session.whoAmI, DELETE: session.signOut }],
  ["snapshot", { GET: snapshot }],
  ["models", { GET: async (edge) => answerPrivate(edge, modelList(edge.runtime.config)) }],
  ["try", { POST: tryOut }],
]);

/** `edge.path` is below `/dashboard`. */
export async function routeDashboard(edge: EdgeRequest, admit: AdmitOperator): Promise<Answer> {
  if (edge.path !== API && !edge.path.startsWith(`${API}/`)) return page(edge);
  const name = edge.path.slice(API.length + 1);
  const route = ROUTES.get(name);
  if (route === undefined) return unknownAction(API, name, [...ROUTES.keys()]);
  const { method } = edge.request;
  if (name === "session" && method === "POST") return session.signIn(edge);
  const handler = new Map(Object.entries(route)).get(method === "HEAD" ? "GET" : method);
  if (handler === undefined) {
    const allow = [...Object.keys(route), ...(name === "session" ? ["POST"] : [])].join(", ");
    return { reason: "method_not_allowed", headers: [["allow", allow]] };
  }
  return admit(edge, handler);
}

/** Whose session a request has that shows no key: for the paths of operators. */
export async function sessionOf(edge: EdgeRequest): Promise<Result<Identity, Refusal>> {
  return session.bySession(edge);
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
