/**
 * Decides in which protocol an endpoint is asked, and asks it: Responses and Messages natively where it speaks them, else in
 * chat completions.
 *
 * Model. The config may say which protocols an endpoint speaks (`endpoints[].protocols`). Where it does not, the request goes
 * out as it came, and an endpoint that has no such path is asked again in chat completions, at once: nothing ran there. The isolate
 * remembers it for a while, because an engine is upgraded without a word. What cannot be told in chat completions is refused by
 * its name.
 * Rejected: to find it out with each probe, for what only few pools need; to translate always, which would lose what
 * an engine's own protocol can say.
 */
import { ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { longDigits, parseLong } from "../lib/json-source.ts";
import { isObject } from "../lib/json-object.ts";
import type { JsonObject } from "../lib/json-object.ts";
import type { Untold } from "../translate/core/members.ts";
import type { ChatRequest } from "../translate/core/messages-request.ts";
import { TRANSLATIONS } from "../translate/core/translations.ts";
import type { Spoken } from "../translate/core/translations.ts";
import { readStart } from "../wire/read-body.ts";
import type { Refusal } from "../wire/refusal.ts";
import { isGonePage } from "./answer-format.ts";
import type { Answered, Outgoing, Speech } from "./outgoing.ts";
import type { EdgeEndpoint } from "./runtime.ts";

/** After this an endpoint that had no such path is asked natively again, ms. */
const LEARNED_MS = 600_000;

/** What a server says of a path, or a method, that it does not have. */
const NO_SUCH_PATH: ReadonlySet<number> = new Set([404, 405, 501]);

/** A message of an error is far shorter. */
const SAID_BYTES_MAX = 65_536;

/** Until when an endpoint is known not to speak a protocol. */
const learned = new WeakMap<EdgeEndpoint, Map<Spoken, number>>();

/** Null: nobody knows, so it is asked. */
export function speaks(endpoint: EdgeEndpoint, spoken: Spoken, now: number): boolean | null {
  const { protocols } = endpoint.config;
  const says = protocols?.includes(spoken === "count" ? "messages" : spoken);
  if (says === false) return false;
  if ((learned.get(endpoint)?.get(spoken) ?? 0) > now) return false;
  // That it speaks Messages does not say that it counts.
  return says === true && spoken !== "count" ? true : null;
}

/** What an endpoint was asked that does not speak the protocol itself. */
export type Asked = { readonly body: JsonObject; readonly chat: ChatRequest };

/** `told`: written in place, by endpoint. */
export function speechOf(spoken: Spoken, told: Map<string, Asked>): Speech {
  let last: { readonly of: Outgoing["body"]; readonly told: Told } | null = null;
  return async (endpoint, outgoing, send) => {
    const { protocol } = outgoing;
    if (speaks(endpoint, spoken, Date.now()) !== false) {
      const answer = await send({});
      const own = answer instanceof Response ? await ownAnswer(endpoint, spoken, outgoing, answer) : answer;
      if (own !== null) return { answer: own, protocol };
    }
    if (last?.of !== outgoing.body) last = { of: outgoing.body, told: toldIn(spoken, outgoing.body) };
    const { body, chat } = last?.told ?? NO_BODY;
    if (!chat.ok) return { answer: refusalOf(chat.error), protocol };
    told.set(endpoint.config.id, { body, chat: chat.value });
    return askTold(spoken, chat.value, send);
  };
}

/** Its own answer; null: it has no such path. */
async function ownAnswer(
  endpoint: EdgeEndpoint,
  spoken: Spoken,
  { body }: Outgoing,
  response: Response,
): Promise<Response | null> {
  const isKnown = speaks(endpoint, spoken, Date.now()) === true;
  if (isKnown || !NO_SUCH_PATH.has(response.status) || isGonePage(response)) return response;
  const said = await readStart(response.body, SAID_BYTES_MAX);
  const text = new TextDecoder().decode(said);
  const names = [...endpoint.models, ...endpoint.names.values(), modelIn(body)];
  // It is the model that it does not have.
  if (names.some((name) => name !== "" && text.includes(name))) {
    return new Response(said, { status: response.status, headers: response.headers });
  }
  const known = learned.get(endpoint) ?? new Map<Spoken, number>();
  learned.set(endpoint, known.set(spoken, Date.now() + LEARNED_MS));
  return null;
}

function modelIn(body: Outgoing["body"]): string {
  const { model } = objectIn(body) ?? {};
  return typeof model === "string" ? model : "";
}

/** A request, and what it became. */
type Told = { readonly body: JsonObject; readonly chat: Result<ChatRequest, Untold> };

const NO_BODY: Told = { body: {}, chat: ok({ body: {}, dropped: [] }) };

function toldIn(spoken: Spoken, bytes: Outgoing["body"]): Told {
  const body = objectIn(bytes);
  return body === null ? NO_BODY : { body, chat: TRANSLATIONS[spoken].ask(body) };
}

/** Integers keep the digits that a double cannot hold. */
function objectIn(bytes: Outgoing["body"]): JsonObject | null {
  const value = bytes === null ? null : parseLong(new TextDecoder().decode(bytes));
  return isObject(value) && longDigits(value) === null ? value : null;
}

async function askTold(spoken: Spoken, { body }: ChatRequest, send: Parameters<Speech>[2]): Promise<Answered> {
  const { path } = TRANSLATIONS[spoken];
  const answer = await send({ path, body: new TextEncoder().encode(JSON.stringify(body)) });
  if (spoken !== "count") return { answer, protocol: "chat" };
  const hasCounted = answer instanceof Response && !NO_SUCH_PATH.has(answer.status);
  return { answer: hasCounted ? answer : COUNTS_NOTHING, protocol: null };
}

export const refusalOf = ({ param, what }: Untold): Refusal => ({
  reason: "invalid_request",
  param,
  detail: `${param}: the endpoints of this model speak chat completions alone, which have no ${what}. Leave it out, or ask for a model whose endpoints speak this protocol themselves.`,
});

const COUNTS_NOTHING: Refusal = {
  reason: "not_found",
  detail: "The endpoints of this model count no tokens: they have neither /v1/messages/count_tokens nor /tokenize.",
};
