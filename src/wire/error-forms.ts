/**
 * How an error is told: one body of ours from the table, and the forms that it is dressed in for who reads another
 * (docs/reference/sources.md, What clients read of an error).
 */
import type { ErrorBody } from "./error-body.ts";

export type ErrorForm = "openai" | "runpod" | "anthropic";

/** By status, where Anthropic has a type of its own; all other types have the same names. */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = { 413: "request_too_large", 504: "timeout_error" };

export const ERROR_FORMS: Readonly<Record<ErrorForm, (body: ErrorBody, requestId: string) => object>> = {
  /** OpenAI's object, with the members of RFC 9457 around it. */
  openai: (body) => body,
  /** Runpod's clients read `error` as text. Our object stays beside it. */
  runpod: ({ error, ...rest }) => ({ error: error.message, ...rest, errorDetail: error }),
  anthropic: ({ status, error }, requestId) => ({ ...anthropicError(status, error), request_id: requestId }),
};

/** As it also ends a stream. */
export function anthropicError(status: number, { type, message }: ErrorBody["error"]): object {
  return { type: "error", error: { type: ANTHROPIC_TYPES[status] ?? type, message } };
}
