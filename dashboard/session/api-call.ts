/**
 * How the page asks the router: with the session's cookie, which scripts cannot read, and for everything that changes
 * something with the session's token in `x-warmpath-csrf`, which other sites cannot.
 */

export const API = "/dashboard/api";

/** What the router answered, or why there is no answer, in words for a person. */
export type Answered =
  | { readonly ok: true; readonly status: number; readonly value: unknown }
  | { readonly ok: false; readonly status: number | null; readonly message: string };

let csrfToken = "";

/** Of the session that began; empty when it has ended. */
export function useCsrfToken(token: string): void {
  csrfToken = token;
}

/** For requests that this module does not send, such as one that streams. */
export const csrfHeaders = (): Readonly<Record<string, string>> => ({ "x-warmpath-csrf": csrfToken });

let onRefused = (): void => undefined;

/** Called when the router knows no session for an order or a question of this page. */
export function whenRefused(call: () => void): void {
  onRefused = call;
}

const WAIT_MS_MAX = 20_000;

/** `path` from the root, such as `/admin/endpoints/a/drain`. A body is sent as JSON. Never rejects. */
export async function apiCall(
  method: "GET" | "POST" | "DELETE" | "PUT" | "PATCH",
  path: string,
  body?: unknown,
): Promise<Answered> {
  try {
    const response = await fetch(path, {
      method,
      headers: {
        ...(method === "GET" ? {} : csrfHeaders()),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      signal: AbortSignal.timeout(WAIT_MS_MAX),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const value = parsed(await response.text());
    if (response.ok) return { ok: true, status: response.status, value };
    if (response.status === 401 && path !== `${API}/session`) onRefused();
    return {
      ok: false,
      status: response.status,
      message: messageIn(value) ?? `The router answered ${response.status}.`,
    };
  } catch {
    return { ok: false, status: null, message: "The router did not answer. Is it running, and is the network there?" };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `error.message`, as every refusal of the router has it. */
function messageIn(value: unknown): string | null {
  const error = memberOf(value, "error");
  const message = memberOf(error, "message");
  return typeof message === "string" && message !== "" ? message : null;
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
