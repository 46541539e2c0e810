/**
 * Decides which one outcome a request had, from what its client saw. Pure. Whatever fits no outcome is a violation: an
 * answer that ends cleanly without being whole, an error that no table lists, a broken connection that nobody broke.
 */
import { ERRORS } from "../../src/wire/errors.ts";
import { eventData } from "../support/raw-client.ts";

/** What a client saw; `status` 0: the connection ended without an answer. */
export type Seen = {
  readonly stream: boolean;
  readonly maxTokens: number;
  readonly status: number;
  readonly requestId: string | null;
  readonly body: string;
  /** The answer came to its end as HTTP sees it. */
  readonly whole: boolean;
  /** The client left on purpose before the end. */
  readonly hasLeft: boolean;
  /** The router was killed while the request ran. */
  readonly hasCrashed: boolean;
};

export type Outcome =
  | { readonly kind: "ok" }
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "stream_error"; readonly code: string }
  | { readonly kind: "client_left" }
  | { readonly kind: "router_killed" }
  | { readonly kind: "violation"; readonly what: string };

const STATUS_BY_CODE = new Map(Object.values(ERRORS).map(({ code, status }) => [code, status]));
/** Codes that say that the router itself is at fault: no disturbance excuses them. */
const FORBIDDEN_CODES = new Set(["internal", "misconfigured", "request_loop", "invalid_json", "invalid_request"]);

export function classify(seen: Seen): Outcome {
  if (seen.hasLeft) return { kind: "client_left" };
  if (seen.status === 0 || !seen.whole) {
    return seen.hasCrashed ? { kind: "router_killed" } : violation("the connection broke");
  }
  if (seen.requestId === null) return violation("the answer has no request id");
  if (seen.status >= 400) return refusal(seen);
  return seen.stream ? streamed(seen) : answered(seen);
}

function refusal({ status, body }: Seen): Outcome {
  const code = errorCode(parse(body));
  if (code === null || STATUS_BY_CODE.get(code) !== status) return violation(`${status} is no error of ours: ${body}`);
  return FORBIDDEN_CODES.has(code) ? violation(`the router failed: ${code}`) : { kind: "refused", code };
}

function answered({ body, maxTokens }: Seen): Outcome {
  const answer = parse(body) as { usage?: { completion_tokens?: number } } | null;
  return answer?.usage?.completion_tokens === maxTokens ? { kind: "ok" } : violation(`an incomplete answer: ${body}`);
}

function streamed({ body, maxTokens }: Seen): Outcome {
  const data = eventData(body);
  const codes = data.map((text) => errorCode(parse(text))).filter((code) => code !== null);
  const [code] = codes;
  if (data.at(-1) !== "[DONE]") return violation(`a stream ended without [DONE]: …${body.slice(-200)}`);
  if (codes.length > 1) return violation(`${codes.length} error events`);
  if (data.filter((text) => text === "[DONE]").length !== 1) return violation("more than one [DONE]");
  if (code !== undefined) {
    const isLast = errorCode(parse(data.at(-2) ?? "")) === code;
    return isLast ? { kind: "stream_error", code } : violation("events after the error event");
  }
  const tokens = data.filter((text) => /"delta":\{"content":"[^"]/.test(text)).length;
  return tokens === maxTokens ? { kind: "ok" } : violation(`${tokens} of ${maxTokens} tokens, and no error`);
}

const violation = (what: string): Outcome => ({ kind: "violation", what });

function errorCode(value: unknown): string | null {
  const code = (value as { error?: { code?: unknown } } | null)?.error?.code;
  return typeof code === "string" ? code : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Cut in the middle of an event: what matters is the error event that follows.
    return null;
  }
}
