/**
 * Decides what a Runpod job's `input` calls at the endpoint that is to run it.
 *
 * Model. A pulling GPU worker gets `input` as it is. An endpoint that is called needs a path, in this order:
 *   1. `{openai_route, openai_input}`, what Runpod's platform sends to its vLLM worker: that route, that body.
 *   2. `{route, body?, method?}`, the same worker's newer form.
 *   3. `messages` or `prompt` in a pool without a job path of its own: `/v1/chat/completions` or `/v1/completions`, with
 *      `sampling_params` laid into the body (the vLLM worker's legacy form).
 *   4. anything else: the pool's job path, with `{"input": …}`.
 * `model` is filled in where a body lacks it. Facts: backends.md 1.5. Rejected: guessing from the backend's kind, since
 * both kinds serve both sorts of software.
 */
import type { JobWork } from "../core/messages.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { readTarget } from "../../wire/request-target.ts";
import { isObject } from "../../lib/json-object.ts";

/** Where Runpod's Python package serves a handler over HTTP (`--rp_serve_api`), and answers when it is done. */
const JOB_PATH_DEFAULT = "/runsync";

/** As long as any URL that a server takes. */
export const ROUTE_CHARS_MAX = 2_000;

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

export type WorkContext = {
  /** The name that stands in for a missing `model`. */
  readonly model: string;
  /** The pool's own job path; null: none is configured. */
  readonly jobPath: string | null;
};

export type WorkProblem = { readonly param: string; readonly problem: string };

type Json = Readonly<Record<string, unknown>>;

export function workOf(input: unknown, { model, jobPath }: WorkContext): Result<JobWork, WorkProblem> {
  const text = JSON.stringify(input);
  const call = isObject(input) ? callOf(input, jobPath === null) : null;
  if (call === null) {
    const path = jobPath ?? JOB_PATH_DEFAULT;
    return ok({ kind: "runpod", method: "POST", path, headers: JSON_HEADERS, body: text, stream: false });
  }
  const { route, method, body, param } = call;
  const target = isRoute(route) ? readTarget(route) : null;
  if (target === null || !target.ok) {
    return err({ param, problem: `${param} must be a plain path such as "/v1/chat/completions".` });
  }
  if (!METHODS.has(method)) return err({ param: "input.method", problem: "input.method must be an HTTP method." });
  const hasBody = method !== "GET" && body !== undefined && body !== null;
  const whole = isObject(body) && !Object.hasOwn(body, "model") ? { model, ...body } : body;
  return ok({
    kind: "http",
    method,
    path: target.value.path + target.value.query,
    headers: hasBody ? JSON_HEADERS : {},
    body: hasBody ? JSON.stringify(whole) : "",
    stream: isObject(body) && body["stream"] === true,
    input: text,
  });
}

const JSON_HEADERS = { "content-type": "application/json" } as const;

type Call = { readonly route: unknown; readonly method: string; readonly body: unknown; readonly param: string };

function callOf(input: Json, readsPrompts: boolean): Call | null {
  const { openai_route: openAiRoute, openai_input: openAiInput, route, messages, prompt } = input;
  if (openAiRoute !== undefined) {
    const isRead = openAiInput === undefined || openAiInput === null;
    return { route: openAiRoute, method: isRead ? "GET" : "POST", body: openAiInput, param: "input.openai_route" };
  }
  if (typeof route === "string") {
    const { body, method } = input;
    const fallback = body === undefined || body === null ? "GET" : "POST";
    return { route, method: typeof method === "string" ? method.toUpperCase() : fallback, body, param: "input.route" };
  }
  if (!readsPrompts) return null;
  if (Array.isArray(messages)) return legacy("/v1/chat/completions", input);
  return typeof prompt === "string" ? legacy("/v1/completions", input) : null;
}

function legacy(route: string, input: Json): Call {
  const { sampling_params: sampling, ...rest } = input;
  const body = isObject(sampling) ? { ...sampling, ...rest } : rest;
  return { route, method: "POST", body, param: "input" };
}

/** Two slashes are a host to some readers: here nothing joins paths, so nobody means one. */
function isRoute(route: unknown): route is string {
  return typeof route === "string" && route.length <= ROUTE_CHARS_MAX && !route.startsWith("//");
}
