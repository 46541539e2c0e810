/**
 * Decides, of a request for Responses or Messages, which endpoints of its pool can answer it, and how each is asked. Loaded
 * with the first of them.
 *
 * Model. Endpoints that are known to speak chat completions alone are left out where the request cannot be told so; if all are, it is
 * refused before anything is sent. A request that goes on from a response goes to the endpoint that has it, and nowhere
 * else: no other can know what was said before.
 */
import type { HeaderRecord } from "../wire/headers.ts";
import { TRANSLATED } from "../wire/headers.ts";
import type { Speech } from "../dispatch/outgoing.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import { refusalOf, speaks, speechOf } from "../dispatch/speech.ts";
import type { Asked } from "../dispatch/speech.ts";
import { onwardRenamed, onwardTold } from "../dispatch/told-answer.ts";
import type { Onward } from "../dispatch/told-answer.ts";
import { isObject } from "../lib/json-object.ts";
import type { JsonObject } from "../lib/json-object.ts";
import { TRANSLATIONS } from "../translate/core/translations.ts";
import type { Spoken } from "../translate/core/translations.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { Authenticated } from "./edge-request.ts";
import { homeName, homeOf } from "./response-home.ts";

export type Speaking = {
  /** Endpoints that cannot answer it. */
  readonly excluded: readonly string[];
  readonly speech?: Speech;
  /** Its body, where it is another than the client's. */
  readonly sent?: unknown;
  /** How the answer of an endpoint goes on to the client; null: as it is. */
  readonly onward: (endpointId: string, headers: HeaderRecord) => Onward | null;
};

const PREVIOUS = "previous_response_id";

export function speakingOf(edge: Authenticated, pool: EdgePool, spoken: Spoken, json: unknown): Speaking | Refusal {
  const body: JsonObject = isObject(json) ? json : {};
  const home = spoken === "responses" ? previousHome(edge, pool, body[PREVIOUS]) : null;
  if (home !== null && "reason" in home) return home;
  const now = Date.now();
  const all = [...pool.endpoints.values()];
  const strangers = all.filter((endpoint) => speaks(endpoint, spoken, now) === false);
  const excluded = new Set(home === null ? [] : othersThan(pool, home.endpointId));
  if (strangers.length > 0) {
    const told = TRANSLATIONS[spoken].ask(body);
    if (!told.ok) for (const { config } of strangers) excluded.add(config.id);
    if (!told.ok && all.every(({ config }) => excluded.has(config.id))) return refusalOf(told.error);
  }
  const asked = new Map<string, Asked>();
  const { affinitySecret } = edge.runtime;
  const { tenant } = edge.identity;
  // What is not to be kept has no home.
  const isKept = spoken === "responses" && body["store"] !== false;
  return {
    excluded: [...excluded],
    speech: speechOf(spoken, asked),
    ...(home === null ? {} : { sent: withPrevious(body, home.id) }),
    onward(endpointId, headers) {
      const told = asked.get(endpointId);
      if (told !== undefined) {
        const { dropped } = told.chat;
        headers[TRANSLATED] = dropped.length === 0 ? "chat" : `chat;dropped="${dropped.join(" ")}"`;
        const translation = TRANSLATIONS[spoken];
        return onwardTold(translation, translation.back(told.body, told.chat.body));
      }
      if (!isKept) return null;
      return onwardRenamed("/v1/responses", (id) => homeName(affinitySecret, tenant, { endpointId, id }), []);
    },
  };
}

export const othersThan = ({ endpoints }: EdgePool, endpointId: string): readonly string[] =>
  [...endpoints.keys()].filter((id) => id !== endpointId);

const withPrevious = (body: JsonObject, id: string): JsonObject => ({ ...body, [PREVIOUS]: id });

/** Where the response is that it goes on from; null: it goes on from none. */
function previousHome(edge: Authenticated, pool: EdgePool, previous: unknown) {
  if (previous === undefined || previous === null) return null;
  const { runtime, identity } = edge;
  const home = typeof previous === "string" ? homeOf(runtime.affinitySecret, identity.tenant, previous) : null;
  if (home !== null && pool.endpoints.has(home.endpointId)) return home;
  const refusal: Refusal = {
    reason: "invalid_request",
    param: PREVIOUS,
    detail: `${PREVIOUS}: there is no response of this id here that this model's endpoints could go on from. Send the conversation as input.`,
  };
  return refusal;
}
