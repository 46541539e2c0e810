/**
 * What an HTTP answer means where a server's own rules do not say otherwise.
 *
 * A 5xx is the endpoint's own failure, unless it says itself that the request is at fault: a grammar that does not
 * parse is a 500 of some servers, and must not take out one after the other. 401 and 403 come from our credential,
 * never from the client's, so they are the endpoint's fault and must not reach the client as its own. A prompt that is
 * longer than the context is the client's, and fits where the context is longer: the endpoints of one pool need not
 * have the same card. 404 stays the client's, although another endpoint may have the route or the model: the client
 * chooses the path, and one that asks for what nobody has must not eject the whole pool. Where the client may choose
 * any path at all (`/p`), the edge takes a server's error for the client's own as well (`src/dispatch/http-upstream.ts`).
 * Sources: docs/reference/sources.md, Runpod load balancing; docs/reference/sources.md, Inference servers.
 */
import type { AnswerClass } from "./port.ts";

export function classifyStatus(status: number, bodyStart = ""): AnswerClass {
  if (status < 400) return "served";
  switch (status) {
    // "Not implemented" is said of the request: llama.cpp answers it where the model cannot do what was asked.
    case 501:
      return "client_fault";
    // 529 is what Dynamo and Anthropic answer when they are full.
    case 429:
    case 503:
    case 529:
      return "capacity";
    case 401:
    case 403:
    case 407:
      return "server_fault";
    case 400:
    case 413:
    case 422:
      return CONTEXT_EXCEEDED.test(bodyStart) ? "too_long" : "client_fault";
    default:
      return status >= 500 && !REQUEST_AT_FAULT.test(bodyStart) ? "server_fault" : "client_fault";
  }
}

/**
 * Prompt and answer do not fit into the context, in the words of OpenAI's code, vLLM, llama.cpp, SGLang, TGI (and TEI),
 * and Anthropic. A client that has these words in its request and an echo in its error gains one more question.
 */
const CONTEXT_EXCEEDED = new RegExp(
  [
    String.raw`"(?:type|code)"\s*:\s*"(?:context_length_exceeded|exceed_context_size_error)"`,
    "maximum (?:context|model) length",
    "exceeds the available context size",
    "longer than the model's context length",
    "exceeds the maximum allowed (?:input )?length",
    "`inputs` must have less than",
    "`inputs` tokens \\+ `max_new_tokens` must be",
    "prompt is too long",
  ].join("|"),
  "i",
);

/**
 * A server's error whose own words are that the request is wrong: the error types of OpenAI, vLLM and llama.cpp, and
 * what llama.cpp and vLLM say of a grammar, a schema or an image that they cannot take, with a 500.
 */
const REQUEST_AT_FAULT = new RegExp(
  [
    String.raw`"(?:type|code)"\s*:\s*"(?:invalid_request|invalid_request_error|not_supported_error|BadRequestError)"`,
    "failed to (?:parse|initialize) grammar",
    "(?:invalid|unsupported) (?:grammar|json schema|regex)",
    "(?:image|audio|multimodal|video) inputs? (?:is|are) not supported",
    "is not a multimodal model",
  ].join("|"),
  "i",
);

/**
 * When a server that has no room wants to be asked again, ms, > 0; null: it does not say, or says "now". The
 * header's own forms are whole seconds and an HTTP date (RFC 9110, 10.2.3); `retry-after-ms` is what
 * OpenAI's clients read first.
 */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const exactMs = positive(headers.get("retry-after-ms"));
  if (exactMs !== null) return exactMs;
  const text = headers.get("retry-after");
  if (text === null) return null;
  const seconds = positive(text);
  if (seconds !== null) return seconds * 1_000;
  const untilMs = HTTP_DATE.test(text) ? Date.parse(text) - now : Number.NaN;
  return untilMs > 0 ? untilMs : null;
}

/** All three forms of an HTTP date begin with the day's name; `Date.parse` alone takes "-5" for a year. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

function positive(text: string | null): number | null {
  const value = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) && value > 0 ? value : null;
}
