/**
 * A stream that its client may come back to, as the Worker sees it: begun in an object of its own, and found again by its name.
 * Loaded with the first request that asks for it (`x-warmpath-resumable: true`).
 *
 * Model. The object (`stream-object.ts`) is the client of the request: it runs the same pipeline, keeps what the client
 * would have got, and hands it on to whoever holds the name. So lease, rails, limits and translation know nothing of it.
 * A client goes on with `GET /v1/streams/{name}`, or by sending its request again with the `Last-Event-ID` that it had: the id
 * names the stream, and nothing is generated twice.
 * Rejected: to keep the answer in the isolate, which no other isolate reaches; to pump from the Worker into an object,
 * because the platform ends a Worker's work 30 s after its client has left (docs/decisions/0049).
 */
import { parseEventId } from "../../dispatch/core/stream-log.ts";
import { EVENT_STREAM_ID, RESUMABLE, STREAM } from "../../wire/headers.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { dress } from "../../wire/replies.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import type { Authenticated } from "../edge-request.ts";
import { isNameOf, ownerOf, streamName } from "./stream-name.ts";

/** What the object is asked, beside the client's own request. */
export type StreamCall = {
  readonly name: string;
  readonly owner: string;
  /** The last event that the client had; null: the stream is to begin. */
  readonly after: number | null;
};

/** Between the Worker and the object alone: a client's header of this name is overwritten. */
export const CALL = "stream-call";

/** How the object refuses: by a reason of ours, and in whose words. */
export const REFUSED = "stream-refused";

type Namespace = { getByName(name: string): { fetch(request: Request): Promise<Response> } };

const NO_OBJECTS: Refusal = {
  reason: "invalid_request",
  param: RESUMABLE,
  detail: "This deployment keeps no streams: bind RESUMABLE_STREAM, as wrangler.toml of the project does.",
};

/** `POST` to an inference path with the header. */
export async function resumable(edge: Authenticated, plain: () => Promise<Answer>): Promise<Answer> {
  const { request, identity, runtime } = edge;
  const wish = request.headers.get(RESUMABLE);
  if (wish === "false") return plain();
  if (wish !== "true") return refused(RESUMABLE, 'the value must be "true" or "false".');
  if (request.headers.has("x-warmpath-on-busy"))
    return refused(RESUMABLE, "what may become a job has events of its own. Leave out x-warmpath-on-busy, or this.");
  const last = request.headers.get(EVENT_STREAM_ID);
  if (last !== null) {
    const told = parseEventId(last);
    if (told === null || told.name === null)
      return refused(EVENT_STREAM_ID, "send the id of the last event as it came, or leave the header out.");
    return goOn(edge, told.name, told.after);
  }
  const name = streamName(runtime.affinitySecret, identity, crypto.randomUUID().replaceAll("-", ""));
  const answer = await call(edge, { name, owner: ownerOf(identity), after: null });
  // The request is told of where it runs.
  if (answer instanceof Response) edge.seen.isTold = true;
  return answer;
}

/** `GET /v1/streams/{name}`. */
export async function resumeStream(edge: Authenticated, name: string): Promise<Answer> {
  const header = edge.request.headers.get(EVENT_STREAM_ID);
  const last = header ?? new URLSearchParams(edge.query).get("after");
  const told = last === null ? { name: null, after: 0 } : parseEventId(last);
  if (told === null || (told.name !== null && told.name !== name))
    return refused(header === null ? "after" : EVENT_STREAM_ID, "it is no id of an event of this stream.");
  return goOn(edge, name, told.after);
}

async function goOn(edge: Authenticated, name: string, after: number): Promise<Answer> {
  const { runtime, identity } = edge;
  if (!isNameOf(runtime.affinitySecret, identity, name)) return NO_SUCH_STREAM;
  return call(edge, { name, owner: ownerOf(identity), after });
}

async function call(edge: Authenticated, asked: StreamCall): Promise<Answer> {
  const { request, env, requestId, runtime } = edge;
  const namespace = env.RESUMABLE_STREAM as Namespace | undefined;
  if (namespace === undefined) return NO_OBJECTS;
  const headers = new Headers(request.headers);
  headers.set(CALL, JSON.stringify(asked));
  let answer: Response;
  try {
    const init = asked.after === null ? { headers } : { headers, method: "GET", body: null };
    const asking = asked.after === null ? new Request(request, init) : new Request(request.url, init);
    answer = await namespace.getByName(asked.name).fetch(asking);
  } catch (error) {
    console.error("the object of a stream did not answer", error);
    return { reason: "stream_lost" };
  }
  if (asked.after === null) return answer;
  const why = answer.headers.get(REFUSED);
  if (why !== null) return REFUSALS[why as keyof typeof REFUSALS] ?? { reason: "stream_lost" };
  const dressed: HeaderRecord = { "cache-control": "no-store", "x-accel-buffering": "no", [STREAM]: asked.name };
  dressed["content-type"] = "text/event-stream; charset=utf-8";
  dress(dressed, requestId, runtime.config);
  return new Response(answer.body, { headers: dressed });
}

const NO_SUCH_STREAM: Refusal = {
  reason: "not_found",
  detail:
    "There is no stream of this name here: its time is over, or another key was given it. Send the request again.",
};

const REFUSALS = {
  unknown: NO_SUCH_STREAM,
  dropped: {
    reason: "not_found",
    detail:
      "The events that follow this one are no longer kept: the stream is longer than limits.resumable.bytesMax. Send the request again.",
  },
  ahead: {
    reason: "invalid_request",
    param: EVENT_STREAM_ID,
    detail: `${EVENT_STREAM_ID}: the stream has no event of this number yet. Send the id of the last event as it came.`,
  },
} satisfies Record<string, Refusal>;

export type RefusedBy = keyof typeof REFUSALS;

const refused = (param: string, what: string): Refusal => ({
  reason: "invalid_request",
  param,
  detail: `${param}: ${what}`,
});
