/**
 * What an HTTP answer means where a server's own rules do not say otherwise.
 *
 * 401 and 403 come from our credential, never from the client's, so they are the endpoint's fault and must not reach the
 * client as its own. 404 stays the client's, although another endpoint may have the route or the model: the client
 * chooses the path, and one that asks for what nobody has must not eject the whole pool. Where the client may choose any
 * path at all (`/p`), the edge takes a server's error for the client's own as well (`src/edge/dispatch.ts`). Sources: facts/backends.md 1.1
 * and 2.
 */
import type { AnswerClass } from "./port.ts";

export function classifyStatus(status: number): AnswerClass {
  if (status < 400) return "served";
  switch (status) {
    // 529 is what Dynamo and Anthropic answer when they are full.
    case 429:
    case 503:
    case 529:
      return "capacity";
    case 401:
    case 403:
    case 407:
      return "server_fault";
    default:
      return status >= 500 ? "server_fault" : "client_fault";
  }
}

/**
 * When a server that has no room wants to be asked again, ms, > 0; null: it does not say, or says "now". The header's own
 * forms are whole seconds and an HTTP date (RFC 9110, 10.2.3); `retry-after-ms` is what OpenAI's clients read first.
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
