/**
 * Signing in to the dashboard, and what its session may do.
 *
 * `POST /dashboard/api/session` takes an API key with the scope `admin`, once, and answers with a cookie (`cookie.ts`).
 * Every failure has one answer, whichever it was, and every attempt is on record. So many attempts a minute may be made
 * at all isolates together. Where the platform tells a client's
 * address, attempts are counted by it; where it does not, by the id in the key, so that a flood of guesses does not lock
 * out who has another key.
 */
import { verifyElsewhere } from "../../access/verify-elsewhere.ts";
import { addressOf, refuseAddress } from "../../access/within.ts";
import { peppersOf } from "../../config/env.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { askInTime } from "../../sight/ask-in-time.ts";
import { feedOf } from "../../sight/feed-port.ts";
import { countAttempt } from "../../sight/core/attempts.ts";
import type { Attempts } from "../../sight/core/attempts.ts";
import { holderOf } from "../../sight/object/holder.ts";
import { claimsOf, csrfOf, isCsrfOf, readSession, signSession } from "../../sight/session.ts";
import type { SessionClaims } from "../../sight/session.ts";
import { parseKey, toHex } from "../../wire/api-keys.ts";
import type { Identity } from "../../wire/api-keys.ts";
import { parseJson } from "../../wire/body.ts";
import { KEY_HEADERS } from "../../wire/headers.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { actionOf, recordEvent } from "../admin/recorded.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";
import { readBody } from "../read-body.ts";
import { cookieIn, CSRF, originProblem, setCookie } from "./cookie.ts";
import { isDemo } from "./demo.ts";
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
  const { request } = edge;
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
  const bucket = addressOf(edge) ?? parseKey(key)?.id ?? "";
  const waitMs = await waitOf(edge, bucket);
  if (waitMs !== null) return { reason: "rate_limited", retryAfterMs: waitMs, detail: TOO_MANY };
  const found = await operatorOf(edge, key);
  const claims = found === null ? null : await claimsFor(edge, found, key);
  // An isolate may remember a key for a minute that was revoked since: a session is not begun on its word.
  const holder = claims === null ? null : await holderOf(edge.env, claims, edge.startedAtMs);
  const identity = holder?.ok === true ? holder.value : null;
  const event = { action: actionOf(edge), after: { keyId: identity?.keyId ?? null } };
  if (identity === null || claims === null) {
    edge.ctx.waitUntil(recordEvent(edge, { ...event, outcome: "refused" }));
    return NOT_IN;
  }
  edge.ctx.waitUntil(recordEvent({ ...edge, identity }, { ...event, outcome: "done" }));
  const cookie = await signSession(claims, peppersOf(edge.env)[0] ?? "");
  const answer = answerPrivate(
    edge,
    await told(edge, identity, { cookie, claims, pepper: peppersOf(edge.env)[0] ?? "" }),
  );
  const maxAgeS = Math.floor((claims.expiresAtMs - edge.startedAtMs) / 1_000);
  answer.headers.append("set-cookie", setCookie(cookie, maxAgeS, url));
  return answer;
}

/**
 * Counted in this isolate, which ends a flood at no cost, and then by the feed, so that it is no more attempts for who
 * reaches many isolates. Without a feed, or an answer of it, each isolate counts by itself.
 */
async function waitOf({ env, startedAtMs }: EdgeRequest, bucket: string): Promise<number | null> {
  const own = countAttempt(attempts, bucket, startedAtMs);
  const feed = feedOf(env);
  if (own !== null || feed === null) return own;
  const asked = await askInTime(async () => feed.attempt(bucket));
  return asked.ok ? asked.value : null;
}

const TOO_MANY = "Too many attempts to sign in. Wait for the time in Retry-After.";

/** Null: whatever it is, it may not sign in, or not from here. A token of an issuer may not: it cannot be looked up. */
async function operatorOf(edge: EdgeRequest, key: string): Promise<Identity | null> {
  const { runtime, startedAtMs } = edge;
  if (parseKey(key) === null) return null;
  const own = await runtime.keys.verify(key, startedAtMs);
  const found = own.ok ? own : await verifyElsewhere(edge, key, startedAtMs);
  if (!found.ok || !found.value.scopes.includes("admin")) return null;
  const { access } = found.value;
  return access !== undefined && refuseAddress(edge, access) !== null ? null : found.value;
}

async function claimsFor({ runtime, startedAtMs }: EdgeRequest, { keyId }: Identity, value: string) {
  const key = parseKey(value)?.key ?? "";
  const digests = (await runtime.keys.digests(key)).map(toHex);
  const endsAtMs = runtime.config.keys.find(({ id }) => id === keyId)?.expiresAtMs ?? null;
  return claimsOf({ keyId, digests, endsAtMs }, crypto.randomUUID().slice(0, 8), startedAtMs);
}

/** Makes the browser forget. */
export function signOut(edge: Authenticated): Response {
  const answer = answerPrivate(edge, { signedOut: true });
  answer.headers.append("set-cookie", setCookie("", 0, new URL(edge.request.url)));
  return answer;
}

/** Who asks, and the token that its next order has to bring; null for who came with a key and needs none. */
export async function whoAmI(edge: Authenticated): Promise<Answer> {
  return answerPrivate(edge, await told(edge, edge.identity, hasKey(edge) ? null : await sessionIn(edge)));
}

/** `pepper`: the one that it was signed with, of two while one is changed. */
type Session = { readonly cookie: string; readonly claims: SessionClaims; readonly pepper: string };

async function told(edge: EdgeRequest, { keyId, tenant, scopes }: Identity, session: Session | null) {
  return {
    keyId,
    tenant,
    scopes,
    csrf: session === null ? null : await csrfOf(session.cookie, session.pepper),
    expiresAtMs: session?.claims.expiresAtMs ?? null,
    demo: isDemo(edge),
  };
}

async function sessionIn({ request, env, startedAtMs }: EdgeRequest): Promise<Session | null> {
  const cookie = cookieIn(request.headers.get("cookie"), new URL(request.url));
  if (cookie === null) return null;
  for (const pepper of peppersOf(env)) {
    const claims = await readSession(cookie, pepper, startedAtMs);
    if (claims !== null) return { cookie, claims, pepper };
  }
  return null;
}

const hasKey = ({ request: { headers } }: EdgeRequest): boolean => KEY_HEADERS.some((name) => headers.has(name));

/** What the feed looks up each second of who opens a socket; null: a token of an issuer, which it could not. */
export async function claimsHere(edge: Authenticated): Promise<SessionClaims | null> {
  if (!hasKey(edge)) return (await sessionIn(edge))?.claims ?? null;
  const { headers } = edge.request;
  const shown = KEY_HEADERS.map((name) => headers.get(name)).find((key) => parseKey(key)?.id === edge.identity.keyId);
  return shown === undefined || shown === null ? null : claimsFor(edge, edge.identity, shown);
}

/** Whose session a request without a key has. A socket is opened by a GET, and held as strictly as an order is. */
export async function bySession(edge: EdgeRequest): Promise<Result<Identity, Refusal>> {
  const { headers, method, url } = edge.request;
  const session = await sessionIn(edge);
  if (session === null) return SESSION_OVER;
  const holder = await holderOf(edge.env, session.claims, edge.startedAtMs);
  if (!holder.ok)
    return holder.error === "gone" ? SESSION_OVER : err({ reason: "keys_unavailable", retryAfterMs: 1_000 });
  const isRead = method === "GET" || method === "HEAD";
  const problem = originProblem(headers, new URL(url), !isRead || headers.has("upgrade"));
  if (problem !== null) return err({ reason: "forbidden", detail: problem });
  if (!isRead && !(await isCsrfOf(headers.get(CSRF) ?? "", session.cookie, session.pepper))) {
    const detail = `With a session, this needs the header ${CSRF} with the token of GET /dashboard/api/session.`;
    return err({ reason: "forbidden", detail });
  }
  return ok(holder.value);
}

const SESSION_OVER: Result<never, Refusal> = err({
  reason: "unauthorized",
  detail: "There is no session, or it is over. Sign in again, or send an API key.",
});
