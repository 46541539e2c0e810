/**
 * Decides which request targets may come in, and gives each the one spelling in which it is routed, compared, judged
 * and sent. The door reads a target here, and so does whatever else takes a path from a client: a job's route.
 *
 * Model: RFC 3986 read strictly. What needs no encoding is decoded, the hex digits that stay are upper case, slashes in
 * a row are one: a second reading changes nothing. What two readers may take for two things is refused and never
 * repaired: dot segments, backslashes, encoded slashes, control characters, a fragment, a host that is none.
 * Sources: RFC 3986 3.3 and 6.2.2, RFC 9112 3.2, the URL Standard's path state (which takes `%2e` for a dot, `\` for a
 * slash, and leaves a base path by either).
 * Rejected: resolving dot segments as URL parsers do. Who writes one wants to be where the text does not say.
 */
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

export type RequestTarget = {
  /** Starts with a slash. */
  readonly path: string;
  /** With its question mark, as it was sent; or empty. */
  readonly query: string;
};

/** The words for them: `target-problems.ts`. */
export type TargetProblem =
  | "host"
  | "form"
  | "too_long"
  | "character"
  | "encoding"
  | "encoded_slash"
  | "control"
  | "dot_segment";

/** As long as the request line that common servers take. */
export const TARGET_CHARS_MAX = 8_192;

/** Names as containers have them (with `_`), addresses, a port. */
const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
/** What a path may hold as it is: pchar of RFC 3986, and the slash. */
const NOT_OF_A_PATH = /[^A-Za-z0-9._~!$&'()*+,;=:@%/-]/;
const NOT_OF_A_QUERY = /[^!-~]|#/;
const UNRESERVED = /[A-Za-z0-9._~-]/;
/** Some servers drop what follows a semicolon before they look for dots; some decode, and then read a URL once more. */
const DOT_SEGMENT = /\/\.{1,2}(?:\/|;|%3B|%23|%3F|%20|$)/;
/**
 * Whatever it hides: it is another path for who decodes once than for who decodes twice. Looked for in the one spelling,
 * because the digits may have been encoded themselves.
 */
const ENCODED_TWICE = /%25[0-9A-Fa-f]{2}/;
/** Names of models have slashes, and SDKs encode them, also where their base URL lacks /v1. */
const MODEL_NAME = /(?:^|\/v1)\/models\//;

/** The target of a request's URL as the runtime gives it: with a host before it, and otherwise as it was sent. */
export function readUrl(url: string): Result<RequestTarget, TargetProblem> {
  const hostAt = url.indexOf("//") + 2;
  const length = url.slice(hostAt).search(/[/?#\\]/);
  const pathAt = length === -1 ? url.length : hostAt + length;
  if (!HOST.test(url.slice(hostAt, pathAt))) return err("host");
  return readTarget(pathAt === url.length ? "/" : url.slice(pathAt));
}

/** A path and its query. Idempotent: what comes out is read as itself. */
export function readTarget(text: string): Result<RequestTarget, TargetProblem> {
  if (text.length > TARGET_CHARS_MAX) return err("too_long");
  if (!text.startsWith("/")) return err("form");
  const queryAt = text.indexOf("?");
  const query = queryAt === -1 ? "" : text.slice(queryAt);
  const sent = queryAt === -1 ? text : text.slice(0, queryAt);
  if (NOT_OF_A_PATH.test(sent) || NOT_OF_A_QUERY.test(query)) return err("character");
  const spelt = sent.includes("%") ? respell(sent) : ok(sent);
  if (!spelt.ok) return spelt;
  const path = spelt.value.replaceAll(/\/{2,}/g, "/");
  return DOT_SEGMENT.test(path) ? err("dot_segment") : ok({ path, query });
}

/** A path without its last slash, as paths are looked up. */
export function withoutLastSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

function respell(sent: string): Result<string, TargetProblem> {
  if (/%(?![0-9A-Fa-f]{2})/.test(sent) || !isUtf8(sent)) return err("encoding");
  const spelt = sent.replaceAll(/%(..)/g, (_, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return UNRESERVED.test(char) ? char : `%${hex.toUpperCase()}`;
  });
  if (ENCODED_TWICE.test(spelt)) return err("encoding");
  if (/%(?:[01].|7F)/.test(spelt)) return err("control");
  if (spelt.includes("%5C")) return err("encoded_slash");
  if (!spelt.includes("%2F")) return ok(spelt);
  const nameAt = spelt.search(MODEL_NAME);
  if (nameAt === -1 || spelt.indexOf("%2F") < nameAt) return err("encoded_slash");
  return ok(spelt.replaceAll("%2F", "/"));
}

function isUtf8(sent: string): boolean {
  try {
    decodeURIComponent(sent);
    return true;
  } catch {
    return false;
  }
}
