/**
 * Decides by a path at the endpoint which protocol its answers speak.
 *
 * Model. The end of the path counts, whatever stands before it, compared as a lenient server reads it: a client that names
 * the path itself must not get around the rails by another spelling.
 */
import type { StreamFormatName } from "../core/rails/stream-format.ts";

const FORMATS: readonly (readonly [RegExp, StreamFormatName])[] = [
  [/\/chat\/completions$/, "chat"],
  [/\/completions$/, "completions"],
  [/\/responses(?:\/[^/]+)?$/, "responses"],
  [/\/messages$/, "anthropic"],
];

/** Null: none that the rails know. */
export function answerFormat(pathAndQuery: string): StreamFormatName | null {
  const path = decoded(pathAndQuery.replace(/[?#].*$/s, ""))
    .toLowerCase()
    .replaceAll(/;[^/]*/g, "")
    .replaceAll(/\/+/g, "/")
    .replace(/\/$/, "");
  return FORMATS.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

/** Media types have no case. */
export const isEventStream = (contentType: string): boolean => /^text\/event-stream/i.test(contentType);

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
