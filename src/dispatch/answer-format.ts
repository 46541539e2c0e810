/**
 * Decides by a path at the endpoint which protocol its answers speak.
 *
 * Model. The end of the path counts, whatever stands before it, compared as a lenient server reads it: a client that
 * names the path itself must not get around the rails by another spelling.
 */
import { remember } from "../lib/recent.ts";
import type { AnswerProtocol } from "./core/answer-protocol.ts";
import type { StreamFormatName } from "../rails/core/stream/stream-events.ts";

const FORMATS: readonly (readonly [RegExp, StreamFormatName])[] = [
  [/\/chat\/completions$/, "chat"],
  [/\/completions$/, "completions"],
  [/\/responses(?:\/[^/]+)?$/, "responses"],
  [/\/messages$/, "anthropic"],
];

/** Answers of these paths that are read whole, too. */
const PROTOCOLS: readonly (readonly [RegExp, AnswerProtocol])[] = [
  ...FORMATS.filter(([, name]) => name !== "responses"),
  // Not what is asked of a stored response: each of those has a shape of its own.
  [/\/responses$/, "responses"],
  [/\/embeddings$/, "embeddings"],
  [/\/images\/(?:generations|edits|variations)$/, "images"],
  [/\/audio\/speech$/, "speech"],
  [/\/audio\/trans(?:criptions|lations)$/, "transcript"],
  [/\/v1\/(?:moderations|score)$|\/rerank$|\/(?:de)?tokenize$/, "json"],
];

/** Paths that were read, most of which come again. A longer one is a stranger's. */
const READ_MAX = 64;
const READ_CHARS_MAX = 128;
const readProtocols = new Map<string, AnswerProtocol | null>();
const readFormats = new Map<string, StreamFormatName | null>();

/** What the answer to a request must be, to be one; null: nobody here knows. */
export function protocolOf(method: string, pathAndQuery: string): AnswerProtocol | null {
  return method === "POST" ? formatAmong(PROTOCOLS, pathAndQuery, readProtocols) : null;
}

/** Null: none that the rails know. */
export function answerFormat(pathAndQuery: string): StreamFormatName | null {
  return formatAmong(FORMATS, pathAndQuery, readFormats);
}

function formatAmong<Name>(
  formats: readonly (readonly [RegExp, Name])[],
  pathAndQuery: string,
  read: Map<string, Name | null>,
): Name | null {
  const known = read.get(pathAndQuery);
  if (known !== undefined) return known;
  const path = decoded(pathAndQuery.replace(/[?#].*$/s, ""))
    .toLowerCase()
    .replaceAll(/[;?#\s][^/]*/g, "")
    .replaceAll(/\/+/g, "/")
    .replace(/\/$/, "");
  const found = formats.find(([pattern]) => pattern.test(path))?.[1] ?? null;
  if (pathAndQuery.length <= READ_CHARS_MAX) remember(read, pathAndQuery, found, READ_MAX);
  return found;
}

/** What the runtime decodes before anybody reads it. */
const DECODED_ENCODINGS: ReadonlySet<string> = new Set(["", "identity", "gzip", "x-gzip", "br"]);

/** Can the bytes be read as they come here. */
export const isDecoded = (encoding: string | null | undefined): boolean =>
  DECODED_ENCODINGS.has((encoding ?? "").trim().toLowerCase());

/** Does a content type name another charset than UTF-8. In a header that was given twice, any of them. */
export function hasOtherCharset(contentType: string): boolean {
  const named = [...contentType.matchAll(/charset\s*=\s*["']?([^\s"';,]*)/gi)];
  return named.some(([, charset = ""]) => !/^(?:utf-?8|us-ascii)$/i.test(charset));
}

/** Media types have no case. */
export const isEventStream = (contentType: string): boolean => /^text\/event-stream/i.test(contentType);

/** A proxy says with a page of its own that what stood behind it is gone. */
const GONE: ReadonlySet<number> = new Set([404, 410]);

export const isGonePage = ({ status, headers }: Response): boolean =>
  GONE.has(status) && /^text\/html/i.test(headers.get("content-type") ?? "");

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
