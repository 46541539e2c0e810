/**
 * Signing in to the dashboard, and what its session may do.
 *
 * `POST /dashboard/api/session` takes an API key with the scope `admin`, once, and answers with a cookie (`cookie.ts`).
 * Every failure has one answer, whichever it was. Where the platform tells a client's address, attempts are counted by
 * it; where it does not, by the id in the key, so that a flood of guesses does not lock out who has another key.
 */
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { countAttempt } from "../../sight/core/attempts.ts";
import type { Attempts } from "../../sight/core/attempts.ts";
import { claimsOf, csrfOf, identityOf, isCsrfOf, readSession, signSession } from "../../sight/session.ts";
import type { SessionClaims } from "../../sight/session.ts";
import { parseKey } from "../../wire/api-keys.ts";
import type { Identity } from "../../wire/api-keys.ts";
import { parseJson } from "../../wire/body.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";
import { readBody } from "../read-body.ts";
import { cookieIn, CSRF, originProblem, setCookie } from "./cookie.ts";
import { answerPrivate } from "./private.ts";

/** A key is at most 90 characters. */
const SIGN_IN_BYTES_MAX = 1_024;

const NOT_IN: Refusal = {
  reason: "unauthorized",
  detail: 'This is no API key that may sign in here. It must be valid, and have the scope "admin".',
};

/** Of this isolate. */
const attempts: Attempts = new Map();

/** `{"key": "wp_…"}` for a cookie. */
export async function signIn(edge: EdgeRequest): Promise<Answer> {
  const { request, runtime } = edge;
  const url = new URL(request.url);
  const problem = originProblem(request.headers, url, false);
  if (problem !== null) return { reason: "forbidden", detail: problem };
  const bytes = await readBody(edge, SIGN_IN_BYTES_MAX);
  if (!bytes.ok) return bytes.error;
  const body = parseJson(bytes.value);
  const key = typeof body === "object" && body !== null && "key" in body ? body.key : null;
  if (typeof key !== "string") {
    return {
      reason: "invalid_request",
      param: "key",
      detail: 'Send {"key": "wp_…"}: an API key with the scope admin.',
    };
  }
  const waitMs = countAttempt(attempts, bucketOf(edge, key), edge.startedAtMs);
  if (waitMs !== null) return { reason: "rate_limited", retryAfterMs: waitMs, detail: TOO_MANY };
  const verified = await runtime.keys.verify(key, edge.startedAtMs);
  const entry = verified.ok ? runtime.config.keys.find(({ id }) => id === verified.value.keyId) : undefined;
  if (entry === undefined || !entry.scopes.includes("admin")) return NOT_IN;
  const claims = claimsOf(entry, nonce(), edge.startedAtMs);
  const cookie = await signSession(claims, pepperOf(edge));
  const identity = identityOf(claims, runtime.config, edge.startedAtMs);
  if (identity === null) return NOT_IN;
  const answer = answerPrivate(edge, await told(edge, identity, { cookie, claims }));
  const maxAgeS = Math.floor((claims.expiresAtMs - edge.startedAtMs) / 1_000);
  answer.headers.append("set-cookie", setCookie(cookie, maxAgeS, url));
  return answer;
}

const TOO_MANY = "Too many attempts to sign in. Wait for the time in Retry-After.";

function bucketOf({ request }: EdgeRequest, key: string): string {
  const address = request.cf === undefined ? null : request.headers.get("cf-connecting-ip");
  return address ?? parseKey(key)?.id ?? "";
}

/** Makes the browser forget. */
export function signOut(edge: Authenticated): Response {
  const answer = answerPrivate(edge, { signedOut: true });
  answer.headers.append("set-cookie", setCookie("", 0, new URL(edge.request.url)));
  return answer;
}

/** Who asks, and the token that its next order has to bring; null for who came with a key and needs none. */
export async function whoAmI(edge: Authenticated): Promise<Answer> {
  return answerPrivate(edge, await told(edge, edge.identity, await sessionIn(edge)));
}

type Session = { readonly cookie: string; readonly claims: SessionClaims };

async function told(edge: EdgeRequest, { keyId, tenant, scopes }: Identity, session: Session | null) {
  return {
    keyId,
    tenant,
    scopes,
    csrf: session === null ? null : await csrfOf(session.cookie, pepperOf(edge)),
    expiresAtMs: session?.claims.expiresAtMs ?? null,
  };
}

async function sessionIn(edge: EdgeRequest): Promise<Session | null> {
  const cookie = cookieIn(edge.request.headers.get("cookie"), new URL(edge.request.url));
  const claims = cookie === null ? null : await readSession(cookie, pepperOf(edge), edge.startedAtMs);
  return cookie === null || claims === null ? null : { cookie, claims };
}

/** What the feed looks up each second of who opens a socket; null: no key of the config, by which it could. */
export async function claimsHere(edge: Authenticated): Promise<SessionClaims | null> {
  const session = await sessionIn(edge);
  if (session?.claims.keyId === edge.identity.keyId) return session.claims;
  const entry = edge.runtime.config.keys.find(({ id }) => id === edge.identity.keyId);
  return entry === undefined ? null : claimsOf(entry, nonce(), edge.startedAtMs);
}

/** Whose session a request without a key has. A socket is opened by a GET, and held as strictly as an order is. */
export async function bySession(edge: EdgeRequest): Promise<Result<Identity, Refusal>> {
  const { headers, method, url } = edge.request;
  const session = await sessionIn(edge);
  const identity = session === null ? null : identityOf(session.claims, edge.runtime.config, edge.startedAtMs);
  if (session === null || identity === null) return err({ reason: "unauthorized", detail: SESSION_OVER });
  const isRead = method === "GET" || method === "HEAD";
  const problem = originProblem(headers, new URL(url), !isRead || headers.has("upgrade"));
  if (problem !== null) return err({ reason: "forbidden", detail: problem });
  if (!isRead && !(await isCsrfOf(headers.get(CSRF) ?? "", session.cookie, pepperOf(edge)))) {
    const detail = `With a session, this needs the header ${CSRF} with the token of GET /dashboard/api/session.`;
    return err({ reason: "forbidden", detail });
  }
  return ok(identity);
}

const SESSION_OVER = "There is no session, or it is over. Sign in again, or send an API key.";

const pepperOf = ({ env }: EdgeRequest): string => env.WARMPATH_KEY_PEPPER ?? "";

const nonce = (): string => crypto.randomUUID().slice(0, 8);
