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
