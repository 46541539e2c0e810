/**
 * Decides who a token (JWT) speaks for: one that an issuer of the config has signed, for this router, and that is not over.
 *
 * Model. The issuer is chosen by `iss`, unread words until the signature is checked with that issuer's own keys and one
 * of its own algorithms, all of them of public keys: neither the token's `alg` nor its `kid` decides anything that the
 * config has not allowed. What was verified is remembered until the token ends, and `TOKEN_AGE_MS_MAX` at most, so that a
 * key that its issuer takes back stops working. An issuer whose keys cannot be had makes nobody wrong: 503, not 401.
 */
import { decodeJwt, errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { keyedHash } from "../lib/keyed-hash.ts";
import { SCOPES } from "../config/config-bounds.ts";
import type { Config, Scope } from "../config/config.ts";
import type { Identity } from "../wire/api-keys.ts";
import type { Refusal } from "../wire/refusal.ts";
import { readClaims } from "./core/claims.ts";
import { inlineKeySet, JWKS_RETRY_MS, keySetAgain, keySetAt } from "./jwks.ts";
import type { Asking } from "./asking.ts";

/** A token with many claims; headers of 8 KiB pass everywhere. */
export const TOKEN_CHARS_MAX = 8_192;
/** A token is verified anew after so long, ms. */
export const TOKEN_AGE_MS_MAX = 300_000;
const SUBJECT_CHARS_MAX = 200;

type Issuer = Config["jwt"][number];

const TOKEN = /^(?:bearer +)?([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;

export async function verifyToken(
  asking: Asking,
  headerValue: string,
  nowMs: number,
): Promise<Result<Identity, Refusal>> {
  const [, token] = headerValue.length <= TOKEN_CHARS_MAX ? (TOKEN.exec(headerValue) ?? []) : [];
  const said = token === undefined ? null : issuerOf(token);
  if (token === undefined || said === null) return UNAUTHORIZED;
  let answer: Result<Identity, Refusal> = UNAUTHORIZED;
  for (const [index, issuer] of asking.runtime.config.jwt.entries()) {
    if (issuer.issuer !== said) continue;
    const verified = await verifyBy(asking, issuer, token, nowMs);
    answer = verified.ok ? accept(asking, { issuer, index, claims: verified.value, headerValue, nowMs }) : verified;
    if (answer.ok) return answer;
  }
  return answer;
}

/** What it says itself, before anything of it is believed. */
function issuerOf(token: string): string | null {
  try {
    return decodeJwt(token).iss ?? null;
  } catch {
    return null;
  }
}

async function verifyBy(
  { ctx }: Asking,
  issuer: Issuer,
  token: string,
  nowMs: number,
): Promise<Result<JWTPayload, Refusal>> {
  const { jwksUrl } = issuer;
  const first =
    jwksUrl === undefined
      ? inlineKeySet(issuer.keys ?? [])
      : await keySetAt(jwksUrl, nowMs, (work) => ctx.waitUntil(work));
  if (first === null) return UNAVAILABLE;
  const checked = await check(issuer, token, first, nowMs);
  if (checked !== "no_such_key" || jwksUrl === undefined) return checked === "no_such_key" ? UNAUTHORIZED : checked;
  const again = await keySetAgain(jwksUrl, nowMs);
  const second = again === null ? "no_such_key" : await check(issuer, token, again, nowMs);
  return second === "no_such_key" ? UNAUTHORIZED : second;
}

async function check(
  { issuer, audience, algorithms, clockToleranceS }: Issuer,
  token: string,
  find: JWTVerifyGetKey,
  nowMs: number,
): Promise<Result<JWTPayload, Refusal> | "no_such_key"> {
  try {
    const { payload } = await jwtVerify(token, find, {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockToleranceS,
      currentDate: new Date(nowMs),
      requiredClaims: ["exp"],
    });
    return ok(payload);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return "no_such_key";
    return error instanceof errors.JWTExpired ? EXPIRED : UNAUTHORIZED;
  }
}

type Accepting = {
  readonly issuer: Issuer;
  readonly index: number;
  readonly claims: JWTPayload;
  readonly headerValue: string;
  readonly nowMs: number;
};

function accept({ runtime }: Asking, { issuer, index, claims, headerValue, nowMs }: Accepting) {
  const claimed = readClaims(issuer, claims);
  if (claimed === null) return NO_TENANT;
  const { tenant, scopes, models } = claimed;
  const subject = (claims.sub ?? "").slice(0, SUBJECT_CHARS_MAX);
  const identity: Identity = {
    // Whose token it is, without its name: that may be somebody's address.
    keyId: `jwt-${index}-${keyedHash(runtime.affinitySecret, `j ${issuer.issuer} ${subject}`).slice(0, 12)}`,
    tenant,
    scopes: SCOPES.filter((scope: Scope) => scopes.includes(scope)),
    subject,
    ...(models === null ? {} : { access: { pools: null, models, addresses: null } }),
  };
  const endsAtMs = ((claims.exp ?? 0) + issuer.clockToleranceS) * 1_000;
  runtime.keys.remember(headerValue, identity, Math.min(endsAtMs, nowMs + TOKEN_AGE_MS_MAX));
  return ok(identity);
}

const UNAUTHORIZED: Result<never, Refusal> = err({ reason: "unauthorized" });
const EXPIRED: Result<never, Refusal> = err({ reason: "key_expired" });
const UNAVAILABLE: Result<never, Refusal> = err({ reason: "keys_unavailable", retryAfterMs: JWKS_RETRY_MS });
const NO_TENANT: Result<never, Refusal> = err({
  reason: "forbidden",
  detail: "This token names no tenant that its issuer may speak for here.",
});
