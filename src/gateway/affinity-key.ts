/**
 * Decides by what a request may be led to the endpoint that has its prompt in the cache: a session that it
 * names, else how its prompt begins.
 *
 * Model. Only prompts from AFFINITY_TOKENS_MIN on: below it a cached prompt saves less than asking the shard costs, and
 * such a request costs one comparison here. The key is SipHash under a secret of the deployment over the tenant and the
 * text, so nobody else can compute it, and no tenant can meet another's; neither the session's name nor the prompt
 * leaves this isolate. The prompt's beginning is its first PREFIX_CHARS characters, as written, before any rail.
 * Source: docs/sources.md, Threats. Measured: about 1 µs for a session, 4 µs for a prefix.
 * Rejected: HMAC-SHA-256, which is asynchronous and would delay the call to the shard; the hash of every block of the
 * prompt, as an engine's own cache has it, which a router in front of a load balancer cannot keep right.
 */
import type { AffinityKey } from "../routing/core/shard/affinity.ts";
import { keyedHash } from "../lib/keyed-hash.ts";
import type { HashKey } from "../lib/keyed-hash.ts";
import type { AffinityMode } from "../config/config.ts";
import { SESSION_HEADERS } from "../wire/headers.ts";
import { BYTES_PER_TOKEN } from "../wire/openai.ts";

/** Prompts shorter than this have no key, tokens: 32 ms of prefill on a mid-range GPU. */
export const AFFINITY_TOKENS_MIN = 512;

/** A longer session id is cut: ids have at most the length of a URL's part. */
export const SESSION_CHARS_MAX = 256;

/** What two prompts must have in common, characters: 256 tokens. */
export const PREFIX_CHARS = 1_024;

export type KeyedRequest = {
  readonly mode: AffinityMode;
  readonly tenant: string;
  readonly headers: Headers;
  /** The parsed body; null when it is not JSON. */
  readonly json: unknown;
  /** Does the body hold a prompt that an engine keeps in its cache. */
  readonly hasPrompt: boolean;
  /** Estimated tokens of the prompt. */
  readonly inputTokens: number;
};

/** The key of a request; null when it has none that is worth anything. */
export function affinityKeyOf(secret: HashKey, request: KeyedRequest): AffinityKey | null {
  const { mode, tenant, inputTokens } = request;
  if (mode === "off" || inputTokens < AFFINITY_TOKENS_MIN) return null;
  const body = typeof request.json === "object" && request.json !== null ? (request.json as JsonObject) : null;
  const session = sessionKeyOf(secret, tenant, request.headers, body);
  if (session !== null) return { key: session, tokens: inputTokens, kind: "session" };
  if (mode === "session" || body === null || !request.hasPrompt) return null;
  const prefix = prefixOf(body);
  if (prefix.length < PREFIX_CHARS) return null;
  const tokens = PREFIX_CHARS / BYTES_PER_TOKEN;
  return { key: keyedHash(secret, `p ${tenant} ${prefix}`), tokens, kind: "prefix" };
}

/** Key of the session that a request names; null: it names none. */
export function sessionKeyOf(secret: HashKey, tenant: string, headers: Headers, json: unknown): string | null {
  const body = typeof json === "object" && json !== null ? (json as JsonObject) : null;
  const session = sessionOf(headers, body);
  return session === null ? null : keyedHash(secret, `s ${tenant} ${session}`);
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Members of a body that name a session, the most telling first. `user` is OpenAI's older name for the same. */
const SESSION_MEMBERS = ["prompt_cache_key", "user"] as const;

function sessionOf(headers: Headers, body: JsonObject | null): string | null {
  for (const name of SESSION_HEADERS) {
    const value = headers.get(name);
    if (value !== null && value !== "") return value.slice(0, SESSION_CHARS_MAX);
  }
  for (const name of SESSION_MEMBERS) {
    const value = body?.[name];
    if (typeof value === "string" && value !== "") return value.slice(0, SESSION_CHARS_MAX);
  }
  return null;
}

/** Members that hold a prompt, in the order in which an engine reads them. */
const PROMPT_MEMBERS = ["system", "instructions", "messages", "prompt", "input"] as const;

/**
 * Parts of messages looked at: a prompt that has not come to PREFIX_CHARS by then is made of something else than text.
 */
const PARTS_MAX = 64;

function prefixOf(body: JsonObject): string {
  const parts = { text: "", left: PARTS_MAX };
  for (const name of PROMPT_MEMBERS) append(parts, body[name]);
  return parts.text;
}

/** Adds the text of a prompt, a list of messages, a message or a part, up to PREFIX_CHARS. */
function append(parts: { text: string; left: number }, value: unknown): void {
  if (parts.text.length >= PREFIX_CHARS || parts.left <= 0) return;
  parts.left -= 1;
  if (typeof value === "string") {
    parts.text += value.slice(0, PREFIX_CHARS - parts.text.length);
  } else if (Array.isArray(value)) {
    for (const item of value) append(parts, item);
  } else if (typeof value === "object" && value !== null) {
    const { role, content, text } = value as JsonObject;
    append(parts, role);
    append(parts, content);
    append(parts, text);
  }
}
