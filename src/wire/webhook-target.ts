/**
 * Decides whether a webhook may be sent to a URL: https to a public name or address, nothing else.
 *
 * Asked when a job is submitted, so that a mistake is a 400 and not a silent dead letter, and again before each
 * delivery: the rules may have become stricter since. A receiver's URL is a client's word, and this service stands
 * where private networks may be in reach. Names are not resolved here: on the platform private addresses are not
 * routable from a Worker, and self-hosted the network's own rules must say no to what a public name resolves to. A
 * redirect is never followed (`egress.ts`).
 */
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

/** Room for any real receiver; a longer URL is data. */
export const WEBHOOK_URL_CHARS_MAX = 2_000;

export type WebhookProblem = "not_a_url" | "not_https" | "has_credentials" | "not_public";

/** What its client is told. */
export const WEBHOOK_PROBLEMS: Readonly<Record<WebhookProblem, string>> = {
  not_a_url: "must be an http or https URL.",
  not_https: "must be an https URL.",
  has_credentials: "must not carry a user name or a password.",
  not_public: "must name a public host: private networks are not called.",
};

/** Of hosts' own files, home and company networks, and what a cluster adds to a service's name. */
const LOCAL_SUFFIXES =
  ".localhost .local .localdomain .localdomain6 .internal .intranet .corp .home .home.arpa .lan .svc".split(" ");

/** `isDev`: loopback and private receivers, and http, are allowed. */
export function webhookTarget(text: string, isDev: boolean): Result<string, WebhookProblem> {
  const url = text.length <= WEBHOOK_URL_CHARS_MAX ? URL.parse(text) : null;
  if (url === null) return err("not_a_url");
  const isWeb = url.protocol === "https:" || (isDev && url.protocol === "http:");
  if (!isWeb) return err("not_https");
  if (url.username !== "" || url.password !== "") return err("has_credentials");
  return isDev || isPublicHost(url.hostname) ? ok(url.href) : err("not_public");
}

/** `host` as a parsed URL has it: lower case, IPv4 in four decimals whatever was written, IPv6 in brackets. */
function isPublicHost(host: string): boolean {
  if (host.startsWith("[")) return isPublicV6(host.slice(1, -1));
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  const octets = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(name);
  if (octets !== null) return isPublicV4(octets.slice(1).map(Number));
  // A name without a dot is a name of the local network.
  return name.includes(".") && !LOCAL_SUFFIXES.some((suffix) => name.endsWith(suffix));
}

/** IANA's special-purpose registry, IPv4. */
function isPublicV4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b < 128) return false;
  if (a === 169 && b === 254) return false;
  if (a === 172 && b >= 16 && b < 32) return false;
  if (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99))) return false;
  if (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) return false;
  return !(a === 203 && b === 0 && c === 113);
}

/** Global unicast (2000::/3) only, and of it neither documentation nor what carries an IPv4 address. */
function isPublicV6(address: string): boolean {
  const [head = "", next = ""] = address.split(":");
  const first = Number.parseInt(head === "" ? "0" : head, 16);
  if (first < 0x2000 || first > 0x3fff) return false;
  if (first === 0x2002) return false;
  // 2001::/23 holds Teredo and other protocol assignments; 2001:db8::/32 and 3fff::/20 are documentation.
  if (first === 0x2001) return next !== "" && Number.parseInt(next, 16) >= 0x200 && next !== "db8";
  return first !== 0x3fff;
}
