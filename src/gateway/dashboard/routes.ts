/**
 * The dashboard: its page (`page.ts`), and what that asks, below `/dashboard/api`. All of it is one part of the bundle,
 * which a request to a model never loads.
 */
import { err } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { Identity } from "../../wire/api-keys.ts";
import { unknownAction } from "../../wire/not-found.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";
import { openaiModels } from "../models.ts";
import { demoOrder, demoState } from "./demo.ts";
import { history, live, snapshot } from "./live.ts";
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
  ["live", { GET: live }],
  ["history", { GET: history }],
  ["models", { GET: async (edge) => answerPrivate(edge, await openaiModels(edge)) }],
  ["try", { POST: tryOut }],
  ["demo", { GET: demoState, POST: demoOrder }],
]);

const SWITCHED_OFF: Refusal = {
  reason: "not_found",
  detail: "The dashboard is switched off by the option sight.dashboard.",
};

/** `edge.path` is below `/dashboard`. */
export async function routeDashboard(edge: EdgeRequest, admit: AdmitOperator): Promise<Answer> {
  if (!edge.runtime.config.sight.dashboard) return SWITCHED_OFF;
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
  const { dashboard } = edge.runtime.config.sight;
  return dashboard ? session.bySession(edge) : err({ reason: "unauthorized" });
}
