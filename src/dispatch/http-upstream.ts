/**
 * What a request is sent over in production: HTTP, and what an answer must be to be one.
 *
 * Model. Sent (`send.ts`), waited for until it has been an answer (`begin-answer.ts`), judged by the endpoint's adapter. The
 * seam to the life of the attempt is `upstream.ts`.
 */
import { retryAfterMs } from "../../backends/classify.ts";
import { egress } from "../../backends/egress.ts";
import { ANSWER_PEEK_BYTES } from "../../backends/port.ts";
import type { AnswerClass } from "../../backends/port.ts";
import { credentialsOf } from "../../backends/targets.ts";
import { FAILURE_CHARS_MAX } from "../routing/core/shard-messages.ts";
import { REQUEST_ID } from "../wire/headers.ts";
import type { Refusal } from "../wire/refusal.ts";
import { quotes, withoutForms } from "../wire/credential-forms.ts";
import { observeTokens } from "../wire/token-bytes.ts";
import { isEventStream, isGonePage } from "./answer-format.ts";
import { beginAnswer } from "./begin-answer.ts";
import type { Begun, NoAnswer } from "./begin-answer.ts";
import { usageIn } from "./core/answer-usage.ts";
import { createReach, noteAsked } from "./core/reach-step.ts";
import type { Reach } from "./core/reach-step.ts";
import type { Outgoing } from "./outgoing.ts";
import type { EdgeEndpoint, EdgePool, Runtime } from "./runtime.ts";
import { send } from "./send.ts";
import type { Upgraded } from "./socket-ask.ts";
import type { Asking, Heard, Shown, Upstream, Way } from "./upstream.ts";

/** What an endpoint's answer comes to: its own, or what is to be said in its place. */
export type Reply = OwnReply | { readonly kind: "refused"; readonly refusal: Refusal };

/** An answer that has begun, as it is to be told. */
export type OwnReply = {
  readonly kind: "own";
  readonly endpoint: EdgeEndpoint;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Begun | Upgraded;
  /** The client's name of the model, which the answer is to say; null: it says what it says. */
  readonly asked: string | null;
};

/** `tenant`: whose request it is. */
export function httpUpstream(runtime: Runtime, pool: EdgePool, outgoing: Outgoing, tenant: string): Upstream<Reply> {
  // Nobody has all of what goes up as it comes: it is like no other.
  const own = outgoing.upload === undefined ? "" : ` ${outgoing.headers[REQUEST_ID] ?? ""}`;
  const hash = async (of: string): Promise<string> =>
    (await import("./request-hash.ts")).requestHash(runtime, outgoing, of + own);
  const suspect = async (): Promise<string> => hash(tenant);
  return {
    to(endpointId) {
      const endpoint = pool.endpoints.get(endpointId);
      return endpoint === undefined ? null : wayTo(endpoint, outgoing, suspect);
    },
    hash,
  };
}

/** `suspect`: tells which request it is, should its endpoint end; absent: nobody wants to know. */
export function wayTo(endpoint: EdgeEndpoint, outgoing: Outgoing, suspect?: () => Promise<string>): Way<Reply> {
  const { id, executionTimeoutMs } = endpoint.config;
  const reach = reachOf(endpoint);
  return {
    endpointId: id,
    executionTimeoutMs,
    reach,
    ...(suspect === undefined ? {} : { suspect }),
    async askHealth(limitMs) {
      const result = await endpoint.backend.probe(endpoint.target, egress, AbortSignal.timeout(limitMs));
      if (reach !== null) noteAsked(reach, result.kind !== "failed", Date.now());
    },
    noteTokens: (tokens) => observeTokens(endpoint.tokenBytes, outgoing.body?.byteLength ?? 0, tokens),
    ...(outgoing.keyOfAnswer === undefined ? {} : { keyOfAnswer: outgoing.keyOfAnswer }),
    ask: async (asking) => ask(endpoint, outgoing, asking),
  };
}

const reaches = new WeakMap<EdgeEndpoint, Reach | null>();

/** Null: where health is asked at another origin, it tells nothing of this one. */
function reachOf(endpoint: EdgeEndpoint): Reach | null {
  const known = reaches.get(endpoint);
  if (known !== undefined) return known;
  const { healthUrl, url } = endpoint.target;
  const reach = new URL(healthUrl).origin === new URL(url).origin ? createReach() : null;
  reaches.set(endpoint, reach);
  return reach;
}

async function ask(endpoint: EdgeEndpoint, outgoing: Outgoing, asking: Asking): Promise<Heard<Reply>> {
  const { answer: response, protocol, asked } = await send(endpoint, outgoing, asking);
  if (!(response instanceof Response)) return inItsPlace(response, asking);
  return heardOf(endpoint, { ...outgoing, protocol }, { response, asked }, asking);
}

/** What an answer over HTTP comes to. */
export async function heardOf(
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  { response, asked }: { readonly response: Response; readonly asked: string | null },
  asking: Pick<Asking, "onHeaders" | "onBytes">,
): Promise<Heard<Reply>> {
  const { protocol } = outgoing;
  const { workerHeader } = endpoint.backend;
  asking.onHeaders(workerHeader === null ? undefined : response.headers.get(workerHeader));
  const begun = await beginAnswer(response, protocol, asking.onBytes);
  const { isClientsPath } = outgoing;
  const answer = classify(endpoint, { isClientsPath, protocol }, response, begun);
  const { status } = begun.kind === "no_answer" ? begun : response;
  switch (answer) {
    case "capacity": {
      const isNobodys = isClientsPath && protocol === null;
      const askedMs = retryAfterMs(response.headers, Date.now());
      return { kind: "no_room", status, ...shownBy(begun, outgoing), retryAfterMs: askedMs, isNobodys };
    }
    case "server_fault":
      return { kind: "failed", status, ...shownBy(begun, outgoing) };
    case "served":
    case "client_fault":
    case "too_long": {
      const reply: OwnReply = { ...asTold(endpoint, response, begun), asked };
      const isOver = reply.body.kind === "whole";
      const hasToken = protocol !== null && isEventStream(reply.headers.get("content-type") ?? "");
      const usage = begun.kind === "whole" && begun.value !== undefined ? usageIn(begun.value) : null;
      return { kind: "begun", reply, status, isTooLong: answer === "too_long", isOver, hasToken, usage };
    }
  }
}

/** It answered 404, in words that help nobody. */
function inItsPlace(refusal: Refusal, { onHeaders }: Asking): Heard<Reply> {
  onHeaders(undefined);
  const reply = { kind: "refused", refusal } as const;
  return { kind: "begun", reply, status: 404, isTooLong: false, isOver: true, hasToken: false, usage: null };
}

function classify(
  { backend }: EdgeEndpoint,
  outgoing: Pick<Outgoing, "isClientsPath" | "protocol">,
  response: Response,
  begun: Begun | NoAnswer,
): AnswerClass {
  const { headers } = response;
  const isNothing = begun.kind === "no_answer" && !begun.isError;
  // Nobody asks for what is no answer at all.
  if (isNothing || (outgoing.protocol !== null && isGonePage(response))) return "server_fault";
  const status = begun.kind === "no_answer" ? begun.status : response.status;
  const peek = begun.kind !== "stream" && status >= 400 ? begun.bytes : null;
  const bodyStart = peek === null ? "" : new TextDecoder().decode(peek.subarray(0, ANSWER_PEEK_BYTES));
  const answer = backend.classify({ status, headers, bodyStart });
  // Else whoever holds a key takes an endpoint out for everyone, by asking five times for what it cannot do.
  return outgoing.isClientsPath && (answer === "server_fault" || answer === "too_long") ? "client_fault" : answer;
}

/** The start of an answer that is none. */
function shownBy(begun: Begun | NoAnswer, { body }: Outgoing): Shown {
  const bytes = begun.kind === "stream" ? begun.first : begun.bytes;
  return { shown: new TextDecoder().decode(bytes?.subarray(0, FAILURE_CHARS_MAX)), sent: body };
}

/** An error is told as what it is, and as the endpoint told it, but for the credential that some quote. */
function asTold(
  endpoint: EdgeEndpoint,
  { status, headers }: Response,
  begun: Begun | NoAnswer,
): Omit<OwnReply, "asked"> & { readonly body: Begun } {
  const credentials = credentialsOf(endpoint.target);
  if (begun.kind === "whole" && status >= 400 && begun.bytes !== null) {
    const body = { kind: "whole", bytes: withoutCredentials(begun.bytes, credentials) } as const;
    return { kind: "own", endpoint, status, headers, body };
  }
  if (begun.kind !== "no_answer") return { kind: "own", endpoint, status, headers, body: begun };
  const told = new Headers(headers);
  told.set("content-type", "application/json");
  const body = { kind: "whole", bytes: withoutCredentials(begun.bytes, credentials) } as const;
  return { kind: "own", endpoint, status: begun.status, headers: told, body };
}

/** The same bytes where none is in them. */
function withoutCredentials(bytes: Uint8Array, credentials: readonly string[]): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  return quotes(text, credentials) ? new TextEncoder().encode(withoutForms(text, credentials)) : bytes;
}
