/**
 * Streams of no protocol that is known here: a server's own API.
 *
 * Model. Every event is JSON or a text. Its pieces are known by their names (`stream-pieces.ts`), all else is looked at as
 * it comes. A blocked stream ends with an event that says so in its name and in its data.
 */
import { NOTHING_READ } from "./stream-format.ts";
import type { StreamFormat } from "./stream-format.ts";
import { pieceSites } from "./stream-pieces.ts";

export function anyFormat(): StreamFormat {
  return {
    read: (event) => {
      const isEnd = event["error"] !== undefined && event["error"] !== null;
      if (isEnd) return { ...NOTHING_READ, ends: "all" };
      return {
        ...NOTHING_READ,
        sites: pieceSites({ event, name: null, root: event, path: [], group: "any", isDelta: false, known: [] }),
      };
    },
    note: () => undefined,
    closing: () => {
      const error = {
        message: "A guardrail refused the rest of this answer.",
        type: "invalid_request_error",
        code: "blocked_by_guardrail",
      };
      return [{ event: "error", data: { error } }];
    },
    hasDoneMarker: false,
  };
}
