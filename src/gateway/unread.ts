/**
 * Decides what of a request's body no rail can read, before its texts are looked for.
 *
 * Model. Read is what is JSON in UTF-8 and is said to be nothing else: a server that goes by the content type would
 * make another text of it. All other forms (forms, multipart, lines of JSON, other encodings, JSON with NaN) reach a
 * model too, so they are told as unread; whoever must read everything refuses them.
 * Rejected: decoding each of them here, which is a parser for every server's tolerance.
 */
import { ALL_READ } from "../rails/core/rail.ts";
import type { Unread } from "../rails/core/rail.ts";
import { hasRepeatedMembers } from "../rails/core/text/repeated-members.ts";
import { hasOtherCharset } from "../dispatch/answer-format.ts";
import { textOf } from "../wire/body.ts";

/**
 * `json`: what the body is when parsed, null when it is not JSON. `contentType`: what the endpoint will be told that it
 * is.
 */
export function unreadOf(bytes: ArrayBuffer | null, json: unknown, contentType: string | null): Unread {
  if (bytes === null || bytes.byteLength === 0) return ALL_READ;
  const text = json === null ? null : textOf(bytes);
  if (text === null) {
    return { reasons: ["not_json"], bytes: TEXT_TYPE.test(contentType ?? "") ? bytes.byteLength : 0 };
  }
  if (contentType !== null && (OTHER_TYPE.test(contentType) || hasOtherCharset(contentType))) return NOT_AS_JSON;
  return hasRepeatedMembers(text, json) ? { reasons: ["repeated_members"], bytes: bytes.byteLength } : ALL_READ;
}

/** Its texts were counted as JSON. */
const NOT_AS_JSON: Unread = { reasons: ["not_json"], bytes: 0 };

/**
 * All others are mostly no text, as uploads are, and without a type a body is any bytes: its own bound holds for those.
 */
const TEXT_TYPE = /\btext\/|json|xml|\/x-www-form-urlencoded\b/i;

/** Types under which a server decodes a body before it reads a text in it. */
const OTHER_TYPE = /\bmultipart\/|\/x-www-form-urlencoded\b/i;
