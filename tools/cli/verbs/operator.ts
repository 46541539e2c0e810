/** How the verbs ask a router that runs: with the key of the environment, and with words for whatever goes wrong. */
import type { Command } from "commander";
import { type Io, Trouble } from "./io.ts";

const KEY_ENV = "WARMPATH_KEY";
const URL_ENV = "WARMPATH_URL";
const URL_DEFAULT = "http://127.0.0.1:8787";

/** An answer of the router takes so long at most, ms: it asks every shard, and each may be slow once. */
const ANSWER_MS_MAX = 30_000;

export type RouterOptions = { readonly url?: string };

export const withRouter = (command: Command): Command =>
  command.option("--url <url>", `the router (default: ${URL_ENV}, else ${URL_DEFAULT})`);

export const routerUrl = (io: Io, { url }: RouterOptions): string =>
  (url ?? io.env[URL_ENV] ?? URL_DEFAULT).replace(/\/+$/, "").replace(/\/v1$/, "");

function keyIn({ env }: Io): string {
  const key = env[KEY_ENV] ?? "";
  if (key !== "") return key;
  throw new Trouble("no_key", `${KEY_ENV} is not set: it is the key that is sent`, KEY_FIX);
}

const KEY_FIX = `export ${KEY_ENV}=wp_…, or write it into .env of this folder; "warmpath init" and "warmpath key" make one`;

export type Ask = {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
};

/** The answer's JSON. Throws `Trouble` for every other one. */
export async function askOperator(
  io: Io,
  options: RouterOptions,
  { method = "GET", path, body }: Ask,
): Promise<unknown> {
  const response = await askRaw(io, options, { method, path, body }, AbortSignal.timeout(ANSWER_MS_MAX));
  const text = await response.text();
  if (!response.ok) throw refused(routerUrl(io, options), response.status, text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const what = `${routerUrl(io, options)} answered ${path} with something that is not JSON`;
    throw new Trouble("not_a_router", what, "is this the address of a Warmpath router?");
  }
}

/** Throws `Trouble` when nobody answers. */
export async function askRaw(
  io: Io,
  options: RouterOptions,
  { method = "GET", path, body }: Ask,
  signal: AbortSignal,
): Promise<Response> {
  const base = routerUrl(io, options);
  if (!URL.canParse(base)) throw new Trouble("bad_url", `"${base}" is no URL`, `write one such as ${URL_DEFAULT}`);
  const headers = { authorization: `Bearer ${keyIn(io)}`, ...(body === undefined ? {} : JSON_TYPE) };
  try {
    return await fetch(`${base}${path}`, {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal.aborted) throw new Trouble("timeout", `${base} did not answer within ${ANSWER_MS_MAX} ms`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Trouble("no_answer", `${base} does not answer: ${cause}`, 'is it running? "warmpath serve" starts one');
  }
}

const JSON_TYPE = { "content-type": "application/json" } as const;

/** The router's own words, which say what to do. */
export function refused(base: string, status: number, text: string): Trouble {
  const { message, code } = errorIn(text);
  const said = message ?? text.slice(0, 300);
  const fix =
    status === 401 || status === 403 ? `${KEY_ENV} must be a key of this router with the scope that this needs` : null;
  return new Trouble(code ?? `http_${status}`, `${base} answered ${status}: ${said}`, fix);
}

function errorIn(text: string): { readonly message: string | null; readonly code: string | null } {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown; readonly code?: unknown } };
    const word = (value: unknown): string | null => (typeof value === "string" ? value : null);
    return { message: word(error?.message), code: word(error?.code) };
  } catch {
    return { message: null, code: null };
  }
}
