/**
 * The body of a stream that asks for its usage, for pools that want to know of every stream what was cached
 * (`pools.*.streamUsage`). Chat and completions have the option; the other protocols tell their usage unasked.
 */
import type { AnswerProtocol } from "../dispatch/core/answer-protocol.ts";

export function askingUsage(protocol: AnswerProtocol | null, body: unknown): unknown {
  if ((protocol !== "chat" && protocol !== "completions") || typeof body !== "object" || body === null) return body;
  const { stream_options: options } = body as { readonly stream_options?: unknown };
  const isAbsent = options === undefined || options === null;
  // What the client has written is its own, right or wrong.
  if (!isAbsent && (typeof options !== "object" || "include_usage" in options)) return body;
  return { ...body, stream_options: { ...(isAbsent ? {} : options), include_usage: true } };
}
