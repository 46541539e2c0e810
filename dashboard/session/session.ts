/**
 * Who is signed in. The admin key goes to the router once, for a cookie that scripts cannot read; it is kept nowhere on
 * this page, and a reload asks the router who the cookie stands for.
 */
import { signal } from "@preact/signals";
import { API, apiCall, memberOf, useCsrfToken, whenRefused } from "./api-call.ts";

export type Session =
  | { readonly kind: "asking" }
  | { readonly kind: "out"; readonly because: string | null }
  /** It has ended while the page was open: what is on it stays. */
  | { readonly kind: "over" }
  | { readonly kind: "in"; readonly keyId: string | null };

/** The router is the demo's: the page has buttons to break it. Stays when a session ends, as the page does. */
export const isDemo = signal(false);

export const session = signal<Session>({ kind: "asking" });

/** Asks whose the cookie is. */
export async function resumeSession(): Promise<void> {
  const answer = await apiCall("GET", `${API}/session`);
  if (answer.ok && begin(answer.value)) return;
  const isRefused = answer.ok || answer.status === 401 || answer.status === 403;
  session.value = { kind: "out", because: isRefused ? null : answer.message };
}

/** Null when it worked, otherwise why not. */
export async function signIn(key: string): Promise<string | null> {
  const answer = await apiCall("POST", `${API}/session`, { key });
  if (!answer.ok) return refusalText(answer.status, answer.message);
  if (begin(answer.value)) return null;
  // An answer without the token: ask for it.
  const asked = await apiCall("GET", `${API}/session`);
  if (asked.ok && begin(asked.value)) return null;
  return "The router took the key, but the browser kept no session. Are cookies blocked for this address?";
}

export async function signOut(): Promise<void> {
  await apiCall("DELETE", `${API}/session`);
  useCsrfToken("");
  session.value = { kind: "out", because: null };
}

/** The router said that there is no session any more. */
export function sessionExpired(): void {
  useCsrfToken("");
  if (session.value.kind === "in") session.value = { kind: "over" };
}

whenRefused(sessionExpired);

function begin(value: unknown): boolean {
  const csrf = memberOf(value, "csrf");
  if (typeof csrf !== "string") return false;
  const keyId = memberOf(value, "keyId");
  useCsrfToken(csrf);
  isDemo.value = memberOf(value, "demo") === true;
  session.value = { kind: "in", keyId: typeof keyId === "string" ? keyId : null };
  return true;
}

function refusalText(status: number | null, message: string): string {
  if (status !== 401) return message;
  return "This is not a valid key with the scope admin. Check that it was copied whole, and that its scopes name admin.";
}
