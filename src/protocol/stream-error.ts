/** How each protocol tells an error in the midst of a stream, so that its clients' packages report one. */
import type { AnswerProtocol } from "../core/answer-protocol.ts";
import type { StreamError } from "../core/stream-close.ts";
import { wireError } from "./errors.ts";
import type { ErrorReason } from "./errors.ts";

/**
 * OpenAI's packages look for `error` in every event;
 * Anthropic's for an event of that name; a reader of Responses without a package for an event of that type.
 */
export function streamError(reason: ErrorReason, protocol: AnswerProtocol | null): StreamError {
  const error = wireError(reason);
  const member = `"error":${JSON.stringify(error)}`;
  const end = "data: [DONE]\n\n";
  switch (protocol) {
    case "anthropic": {
      const { type, message } = error;
      const data = JSON.stringify({ type: "error", error: { type, message } });
      return { member: null, after: "", events: `event: error\ndata: ${data}\n\n` };
    }
    case "responses": {
      const { code, message, param } = error;
      const data = JSON.stringify({ type: "error", code, message, param, error });
      const events = `event: error\ndata: ${data}\n\n`;
      return { member, after: events, events };
    }
    case "chat":
    case "completions":
    case "embeddings":
    case null:
      return { member, after: end, events: `data: {${member}}\n\n${end}` };
  }
}
