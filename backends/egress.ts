/**
 * The only place from which this project calls the network, and the only one that puts a credential on a request.
 * Attempts, probes, wake-ups, guards, pushed jobs, rails and webhooks all leave here.
 *
 * Model. A call to an endpoint has a path and no URL. The URL is made here, of the endpoint's own and that path. It
 * leaves only if it is still the endpoint's: once parsed, its origin is the endpoint's, and its path is the endpoint's
 * base path with the whole of what was asked behind it. Only then the credential is added. A URL parser repairs what it
 * reads (dots, backslashes, a host behind an `@`), so the comparison comes after it.
 *
 * Redirects are never followed: a redirect would carry a credential, or a prompt, to an address that no config named.
 * Rejected: checks in each route, which is how gateways have forgotten one; a prefix comparison of texts, which
 * `https://gpu.example@elsewhere/` passes.
 */
import { readTarget } from "../src/wire/request-target.ts";
import type { Egress } from "./port.ts";

/** Rejects, before anything is sent, when the path would leave the endpoint. */
export const egress: Egress = async (target, { method, path, headers, body, signal }) => {
  const url = path === null ? target.healthUrl : endpointUrl(target.url, path);
  if (url === null) throw new Error("a path that would leave its endpoint is not sent");
  const authorization = path === null ? target.healthAuthorization : target.authorization;
  const { authorization: _others, ...sent } = headers;
  const withCredential = authorization === null ? sent : { ...sent, authorization };
  const request: RequestInit = { method, headers: withCredential, body, signal, redirect: "manual" };
  return fetch(url, request);
};

/** The URL of `path` (with its query) at `base`; null when it would not be there. */
export function endpointUrl(base: string, path: string): string | null {
  const read = readTarget(path);
  if (!read.ok || read.value.path + read.value.query !== path) return null;
  const [own, url] = [URL.parse(base), URL.parse(base + path)];
  return own !== null && url !== null && isOf(own, url, read.value.path) ? url.href : null;
}

/**
 * Is `url`, as a parser read it, `path` at the endpoint `own`. A second wall: no path that `readTarget` lets pass is known to
 * lead elsewhere, and the credential goes where this says yes.
 */
export function isOf(own: URL, url: URL, path: string): boolean {
  const isBelow = url.pathname === own.pathname.replace(/\/$/, "") + path;
  return url.origin === own.origin && isBelow && url.username === "" && url.password === "" && url.hash === "";
}

/** What is sent to a service that is no endpoint. */
export type ServiceCall = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly signal: AbortSignal;
};

/** A service that the config or a job names by its whole URL; `token`: sent as a bearer token, or null. */
export function callService(url: string, token: string | null, { headers, ...call }: ServiceCall): Promise<Response> {
  const sent = token === null ? headers : { ...headers, authorization: `Bearer ${token}` };
  return fetch(url, { ...call, headers: sent, redirect: "manual" });
}

/** A public document that the config names by its whole URL. No credential goes along. */
export function readService(
  url: string,
  { headers, signal }: Pick<ServiceCall, "headers" | "signal">,
): Promise<Response> {
  return fetch(url, { headers, signal, redirect: "manual" });
}
