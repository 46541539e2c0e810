/**
 * Decides who a value belongs to that is no key of the config: a key of the registry, or a token of an issuer.
 *
 * Model. The isolate's book (`core/key-book.ts`) says whether the registry must be asked; the digests of the key are made
 * while it is. What is good is remembered by the verifier, so that this file, which is a part of the bundle, is come to once
 * every few seconds a key. A key that matches under the old pepper is told to the registry by its digest under the new
 * one, beside the request.
 */
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { hashKeyOf } from "../lib/keyed-hash.ts";
import type { HashKey } from "../lib/keyed-hash.ts";
import { SCOPES } from "../config/config-bounds.ts";
import { peppersOf } from "../config/env.ts";
import type { Scope } from "../config/config.ts";
import { PRIORITIES } from "../routing/core/shard/priority.ts";
import { equalDigests, fromHex, parseKey, toHex } from "../wire/api-keys.ts";
import type { Identity } from "../wire/api-keys.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { Runtime } from "../dispatch/runtime.ts";
import type { Asking } from "./asking.ts";
import { part } from "../dispatch/part.ts";
import { createKeyBook, idsToAsk, lookInto, mayBeNewer, noteAnswer, noteSilence } from "./core/key-book.ts";
import type { KeyBook } from "./core/key-book.ts";
import { isGiven, pepperMark } from "./core/key-id.ts";
import { liveSecrets, standingOf } from "./core/key-record.ts";
import { keyLimits } from "../config/limits-schema.ts";
import type { KeyRecord } from "./core/key-record.ts";
import { callRegistry } from "./registry-stub.ts";

/** Of one deployment's config and peppers. */
type Memory = {
  readonly book: KeyBook;
  /** The present pepper first, as the verifier has them. */
  readonly marks: readonly string[];
  readonly hashKeys: readonly HashKey[];
};

const memories = new WeakMap<Runtime, Memory>();

const jwtPart = part(async () => import("./jwt.ts"));

export async function verifyElsewhere(
  asking: Asking,
  headerValue: string,
  nowMs: number,
): Promise<Result<Identity, Refusal>> {
  const parsed = parseKey(headerValue);
  if (parsed !== null) return verifyKey(asking, headerValue, parsed, nowMs);
  if (asking.runtime.config.jwt.length === 0) return UNAUTHORIZED;
  const { verifyToken } = await jwtPart();
  return verifyToken(asking, headerValue, nowMs);
}

async function verifyKey(
  asking: Asking,
  headerValue: string,
  { id, key }: { readonly id: string; readonly key: string },
  nowMs: number,
): Promise<Result<Identity, Refusal>> {
  const { runtime, env, ctx } = asking;
  // An id of the config is the config's, whatever the registry has.
  if (!("KEY_REGISTRY" in env) || runtime.config.keys.some((entry) => entry.id === id)) return UNAUTHORIZED;
  const memory = memoryOf(asking);
  const { book, hashKeys } = memory;
  const given = isGiven(hashKeys, id);
  let known = lookInto(book, id, given, nowMs);
  const isFromBook = known.kind === "use";
  // The digests are made while the registry is asked.
  const digesting = known.kind === "ask" || known.kind === "use" ? runtime.keys.digests(key) : null;
  if (known.kind === "ask") {
    await ask(asking, memory, id, nowMs);
    known = lookInto(book, id, given, nowMs);
  } else if (known.kind === "use" && known.due) ctx.waitUntil(ask(asking, memory, id, nowMs));
  const digests = (await digesting) ?? [];
  if (known.kind === "absent") return UNAUTHORIZED;
  if (known.kind !== "use") {
    return err({ reason: "keys_unavailable", retryAfterMs: known.kind === "unknown" ? known.retryAfterMs : 1_000 });
  }
  const matching = { digests, headerValue, nowMs };
  const found = match(asking, memory, { ...matching, record: known.record, untilMs: known.untilMs });
  if (found !== UNAUTHORIZED || !isFromBook || !mayBeNewer(book, nowMs)) return found;
  await ask(asking, memory, id, nowMs);
  known = lookInto(book, id, given, nowMs);
  return known.kind === "use"
    ? match(asking, memory, { ...matching, record: known.record, untilMs: known.untilMs })
    : UNAUTHORIZED;
}

type Matching = {
  readonly record: KeyRecord;
  readonly untilMs: number;
  readonly digests: readonly Uint8Array[];
  readonly headerValue: string;
  readonly nowMs: number;
};

function match(asking: Asking, { marks }: Memory, matching: Matching): Result<Identity, Refusal> {
  const { record, untilMs, digests, headerValue, nowMs } = matching;
  const secret = record.secrets.find(({ hmac, pepper }) => {
    const digest = digests[marks.indexOf(pepper)];
    return digest !== undefined && equalDigests(digest, fromHex(hmac));
  });
  if (secret === undefined) return UNAUTHORIZED;
  // Only who holds the key learns that it has ended.
  if (standingOf(record, nowMs) !== "active" || !liveSecrets(record, nowMs).includes(secret)) return EXPIRED;
  const [present] = digests;
  const [mark = ""] = marks;
  if (secret.pepper !== mark && present !== undefined) {
    const rehash = { id: record.id, from: secret.hmac, hmac: toHex(present), pepper: mark };
    asking.ctx.waitUntil(callRegistry(asking.env, "rehash", rehash));
  }
  const identity = identityOf(record);
  if (identity === null) return LIMITS_UNREAD;
  const ends = Math.min(untilMs, record.expiresAtMs ?? Infinity, secret.endsAtMs ?? Infinity);
  asking.runtime.keys.remember(headerValue, identity, ends);
  return ok(identity);
}

/** Null: its limits are none that this version knows, as after going back to an older one. They hold, so it may not pass. */
export function identityOf({
  id,
  tenant,
  scopes,
  priorityMax,
  pools,
  models,
  addresses,
  limits,
}: KeyRecord): Identity | null {
  const highest = PRIORITIES.find((one) => one === priorityMax);
  const isFree = pools === null && models === null && addresses === null;
  const own = keyLimits.optional().safeParse(limits);
  if (!own.success) return null;
  return {
    keyId: id,
    tenant,
    scopes: SCOPES.filter((scope: Scope) => scopes.includes(scope)),
    ...(highest === undefined ? {} : { priorityMax: highest }),
    ...(own.data !== undefined && { limits: own.data }),
    ...(isFree ? {} : { access: { pools, models, addresses } }),
  };
}

/** What it says is in the book afterwards, and that it said nothing too. */
async function ask({ env }: Asking, { book }: Memory, id: string, nowMs: number): Promise<void> {
  const ids = idsToAsk(book, id, nowMs);
  const answer = await callRegistry(env, "lookup", { ids });
  for (const [at, one] of ids.entries()) {
    if (answer.ok) noteAnswer(book, one, answer.value[at] ?? null, nowMs);
    else noteSilence(book, one, nowMs);
  }
}

function memoryOf({ runtime, env }: Asking): Memory {
  const known = memories.get(runtime);
  if (known !== undefined) return known;
  const peppers = peppersOf(env);
  const memory = { book: createKeyBook(), marks: peppers.map(pepperMark), hashKeys: peppers.map(hashKeyOf) };
  memories.set(runtime, memory);
  return memory;
}

const UNAUTHORIZED: Result<never, Refusal> = err({ reason: "unauthorized" });
const LIMITS_UNREAD: Result<never, Refusal> = err({
  reason: "keys_unavailable",
  detail: "The limits of this key are not readable by this version of the router.",
});
const EXPIRED: Result<never, Refusal> = err({ reason: "key_expired" });
