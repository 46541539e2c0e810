/**
 * Decides which session a request belongs to, by the names that agents and their packages send, and how it is told to a
 * shard: SipHash under a secret of the deployment over the tenant and the name, so that nobody else can compute it, and
 * one tenant's name never is another's. The first name that there is counts; an explicit header comes before the body.
 * Source: docs/reference/sources.md, Threats.
 */
import { keyedHash } from "../lib/keyed-hash.ts";
import type { HashKey } from "../lib/keyed-hash.ts";
import { SESSION_HEADERS } from "../wire/headers.ts";

/** A longer session id is cut: ids have at most the length of a URL's part. */
export const SESSION_CHARS_MAX = 256;

/** Key of the session that a request names; null: it names none. */
export function sessionKeyOf(secret: HashKey, tenant: string, headers: Headers, json: unknown): string | null {
  const body = typeof json === "object" && json !== null ? (json as JsonObject) : null;
  const session = sessionOf(headers, body);
  return session === null ? null : keyOf(secret, tenant, session);
}

/** By an answer's id the key of a request that goes on from it, and names no session before it. */
export const answerKeys =
  (secret: HashKey, tenant: string) =>
  (answerId: string): string =>
    keyOf(secret, tenant, answerId.slice(0, SESSION_CHARS_MAX));

const keyOf = (secret: HashKey, tenant: string, name: string): string => keyedHash(secret, `s ${tenant} ${name}`);

/** Does it go on from an answer before it, which its endpoint puts before the prompt. */
export const goesOn = (json: unknown): boolean => {
  const id = member(json, "previous_response_id");
  return typeof id === "string" && id !== "";
};

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * What of a body names a session, the most telling first: OpenAI's cache key; the Responses API's conversation, and the
 * answer that it goes on from; Anthropic's `metadata.user_id`, in which Claude Code names its
 * session, and OpenAI's older `user`.
 */
function namesIn(body: JsonObject): readonly unknown[] {
  const { prompt_cache_key, conversation, previous_response_id, metadata, user } = body;
  return [
    prompt_cache_key,
    member(conversation, "id") ?? conversation,
    previous_response_id,
    member(metadata, "user_id"),
    user,
  ];
}

function member(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? (of as JsonObject)[name] : undefined;
}

function sessionOf(headers: Headers, body: JsonObject | null): string | null {
  const named = SESSION_HEADERS.map((name) => headers.get(name));
  for (const name of body === null ? named : [...named, ...namesIn(body)]) {
    if (typeof name === "string" && name !== "") return name.slice(0, SESSION_CHARS_MAX);
  }
  return null;
}
