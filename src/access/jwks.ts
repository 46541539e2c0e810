/**
 * The public keys of an issuer, fetched and kept by the isolate.
 *
 * Model. A set is young, and used; or old, and used while a new one is fetched beside the request; or too old, and no
 * longer used. A token whose key is not in it has the set fetched anew, but not again and again: whoever makes up key ids
 * costs one fetch in `JWKS_COOLDOWN_MS`. An issuer that does not answer leaves the last set in use for
 * `JWKS_STALE_MS_MAX`: its outage ends nobody's work here. A set is data; no promise is kept, because a request may not
 * await what another one began.
 * Rejected: jose's own remote set, which keeps that promise and has no bound on the size.
 */
import { createLocalJWKSet } from "jose";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { readService } from "../../backends/egress.ts";
import { readWhole } from "../wire/read-body.ts";

/** A set of this age is used and fetched anew, ms. */
const JWKS_FRESH_MS = 600_000;
/** While the issuer does not answer, its last set is used for so long, ms: a day. */
const JWKS_STALE_MS_MAX = 86_400_000;
/** For a key that is not in the set it is fetched no sooner than this after the last try, ms. */
const JWKS_COOLDOWN_MS = 30_000;
/** After a failure it is tried again no sooner than this, ms. */
export const JWKS_RETRY_MS = 5_000;
/** The issuer without a whole answer by then has not answered, ms. */
const JWKS_TIMEOUT_MS = 3_000;
/** A set of a hundred RSA keys. */
const JWKS_BYTES_MAX = 65_536;
/** Of one issuer at once, in one isolate: a request may not wait for another one's. */
const JWKS_FETCHES_MAX = 4;
/** Of one set. */
const JWKS_KEYS_MAX = 100;

type Kept = { readonly find: JWTVerifyGetKey; readonly fetchedAtMs: number };

/** `fetching`: when those began that are not over. One whose request has ended never ends: it counts until its time is over. */
type Source = { kept: Kept | null; triedAtMs: number; failedAtMs: number; fetching: number[] };

const sources = new Map<string, Source>();

/** Null: there is none that may be used. `spawn`: keeps work alive beside the request. */
export async function keySetAt(
  url: string,
  nowMs: number,
  spawn: (work: Promise<unknown>) => void,
): Promise<JWTVerifyGetKey | null> {
  const source = sourceOf(url);
  const ageMs = source.kept === null ? Infinity : nowMs - source.kept.fetchedAtMs;
  const mayTry = nowMs - source.failedAtMs >= JWKS_RETRY_MS;
  if (ageMs < JWKS_FRESH_MS) return source.kept?.find ?? null;
  if (ageMs < JWKS_STALE_MS_MAX) {
    if (mayTry && nowMs - source.triedAtMs >= JWKS_RETRY_MS) spawn(refresh(url, source, nowMs));
    return source.kept?.find ?? null;
  }
  if (mayTry) await refresh(url, source, nowMs);
  return source.kept !== null && nowMs - source.kept.fetchedAtMs < JWKS_STALE_MS_MAX ? source.kept.find : null;
}

/** Once more, for a key that was not in the set; null: not now, or in vain. */
export async function keySetAgain(url: string, nowMs: number): Promise<JWTVerifyGetKey | null> {
  const source = sourceOf(url);
  if (nowMs - source.triedAtMs < JWKS_COOLDOWN_MS) return null;
  await refresh(url, source, nowMs);
  return source.kept?.fetchedAtMs === nowMs ? source.kept.find : null;
}

/** As it is written in the config. */
export const inlineKeySet = (keys: readonly Readonly<Record<string, unknown>>[]): JWTVerifyGetKey | null =>
  keySetOf({ keys });

function sourceOf(url: string): Source {
  const known = sources.get(url);
  if (known !== undefined) return known;
  const source: Source = { kept: null, triedAtMs: -Infinity, failedAtMs: -Infinity, fetching: [] };
  sources.set(url, source);
  return source;
}

async function refresh(url: string, source: Source, nowMs: number): Promise<void> {
  source.fetching = source.fetching.filter((beganAtMs) => nowMs - beganAtMs <= JWKS_TIMEOUT_MS);
  if (source.fetching.length >= JWKS_FETCHES_MAX) return;
  source.triedAtMs = nowMs;
  source.fetching.push(nowMs);
  const find = await fetchKeySet(url);
  source.fetching = source.fetching.filter((beganAtMs) => beganAtMs !== nowMs);
  if (find === null) source.failedAtMs = nowMs;
  else source.kept = { find, fetchedAtMs: nowMs };
}

/** Null: no answer, or none that is a set of public keys. */
async function fetchKeySet(url: string): Promise<JWTVerifyGetKey | null> {
  try {
    const headers = { accept: "application/jwk-set+json, application/json" };
    const response = await readService(url, { headers, signal: AbortSignal.timeout(JWKS_TIMEOUT_MS) });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    const bytes = await readWhole(response.body, JWKS_BYTES_MAX);
    if (bytes === null) throw new Error(`more than ${JWKS_BYTES_MAX} bytes (JWKS_BYTES_MAX)`);
    const set = keySetOf(JSON.parse(new TextDecoder().decode(bytes)));
    if (set === null) throw new Error("no set of public keys");
    return set;
  } catch (error) {
    console.error(`the public keys of an issuer cannot be had (${new URL(url).host}):`, error);
    return null;
  }
}

/** Of public keys alone: a shared secret, or a private key, is left out. */
function keySetOf(value: unknown): JWTVerifyGetKey | null {
  const { keys } = (typeof value === "object" && value !== null ? value : {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length > JWKS_KEYS_MAX) return null;
  const publicKeys = (keys as readonly unknown[]).filter(isPublic);
  return publicKeys.length === 0 ? null : createLocalJWKSet({ keys: publicKeys });
}

const PUBLIC_TYPES: ReadonlySet<unknown> = new Set(["RSA", "EC", "OKP"]);

function isPublic(key: unknown): key is JSONWebKeySet["keys"][number] {
  if (typeof key !== "object" || key === null || !("kty" in key)) return false;
  return PUBLIC_TYPES.has(key.kty) && !("d" in key) && !("k" in key);
}
