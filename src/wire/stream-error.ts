/** How each protocol tells an error in the midst of a stream, so that its clients' packages report one. */
import type { AnswerProtocol } from "../dispatch/core/answer-protocol.ts";
import type { StreamError } from "../dispatch/core/stream-close.ts";
import { anthropicError } from "./error-forms.ts";
import { wireError } from "./error-body.ts";
import { ERRORS } from "./errors.ts";
import type { ErrorReason } from "./errors.ts";

/**
 * `sequence`: the next number of an event, where the protocol counts them; null: not known. OpenAI's packages look for `error` in every event;
 * Anthropic's for an event of that name; a reader of Responses without a package for an event of that type.
 */
export function streamError(
  reason: ErrorReason,
  protocol: AnswerProtocol | null,
  sequence: number | null = null,
): StreamError {
  const error = wireError(reason);
  const { code, message, param } = error;
  switch (protocol) {
    case "anthropic":
      return named(anthropicError(ERRORS[reason].status, error));
    case "responses":
      return named({
        type: "error",
        code,
        message,
        param,
        ...(sequence === null ? {} : { sequence_number: sequence }),
        error,
      });
    default: {
      const end = "data: [DONE]\n\n";
      const data = JSON.stringify({ error });
      return { members: membersOf(data), name: null, after: end, events: `data: ${data}\n\n${end}` };
    }
  }
}

function named(event: object): StreamError {
  const data = JSON.stringify(event);
  return { members: membersOf(data), name: "error", after: "", events: `event: error\ndata: ${data}\n\n` };
}

const membersOf = (object: string): string => object.slice(1, -1);
