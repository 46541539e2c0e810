/**
 * Decides under which name a session's cookie travels, and whether a request that brings one comes from our own page.
 *
 * Model. Behind https, or a proxy that speaks it, the cookie is `Secure` and has the prefix `__Host-`: no other host can
 * set it. On a loopback address over plain http a browser would drop such a cookie, so there it has neither. A cookie is
 * sent by the browser whoever caused the request, so the request has to show that it was our page: `SameSite=Strict`
 * keeps it from other sites, `Sec-Fetch-Site` and `Origin` from sibling hosts of the same site, and what changes something
 * needs the session's token as well.
 * Sources: RFC 6265bis (cookie prefixes), the Fetch standard (Origin), W3C Fetch Metadata.
 */
const NAME = "warmpath";
const SECURE_NAME = `__Host-${NAME}`;

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export const CSRF = "x-warmpath-csrf";

const isSecure = ({ protocol, hostname }: URL): boolean => protocol === "https:" || !LOOPBACK.test(hostname);

/** The session's cookie; null: there is none, or more than one. */
export function cookieIn(header: string | null, url: URL): string | null {
  const wanted = `${isSecure(url) ? SECURE_NAME : NAME}=`;
  const found = (header ?? "")
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one.startsWith(wanted));
  return found.length === 1 ? (found[0]?.slice(wanted.length) ?? null) : null;
}

/** The value of `Set-Cookie`; an empty `value` takes the cookie away. */
export function setCookie(value: string, maxAgeS: number, url: URL): string {
  const secure = isSecure(url);
  const name = secure ? SECURE_NAME : NAME;
  return `${name}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
}

/**
 * What is wrong with where a request comes from; null: nothing. `changes`: it may change something, or is a socket,
 * to which browsers apply no same-origin rule; then it has to say where it comes from.
 */
export function originProblem(headers: Headers, url: URL, changes: boolean): string | null {
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  if (site !== null && site !== "same-origin" && (changes || site !== "none")) {
    return "A session is only taken from the dashboard's own page (Sec-Fetch-Site).";
  }
  if (origin === null) {
    return changes && site === null ? "A session needs the header Origin, as every browser sends it." : null;
  }
  const from = URL.parse(origin);
  const isOwn = from !== null && from.host === url.host && (from.protocol === "https:" || url.protocol === "http:");
  if (isOwn) return null;
  return "The Origin is not this router's. Behind a proxy, have it pass on the Host header that the browser sent.";
}
