/**
 * Decides which path is meant where a client's base URL has `/v1` once too often, or not at all: every SDK adds its paths
 * to what it is given, one expects `/v1` at its end and another does not.
 *
 * Model. The door asks once, behind `request-target.ts`; what comes out is the request's one path, for routes, rails,
 * records and the wire alike. Only where nothing else is served: a path that the config declares is left alone, and so
 * is whatever is not one of OpenAI's or Anthropic's paths, because only the endpoint knows what it means. A second reading
 * changes nothing.
 * Rejected: prefixes of other gateways (`/openai/v1`, `/api/v1`): there an answer that names the path is more use than a
 * guess; and adding `/v1` under `/p`, where engines serve both.
 */
import { withoutLastSlash } from "./request-target.ts";

/** What the APIs have below `/v1`. */
const FAMILY =
  "(?:chat/completions|completions|embeddings|models|responses|messages|moderations|images|audio|files|batches|rerank|score|usage|jobs)(?=/|$)";
/** At the router's root, at a pool's endpoints, and where Runpod's clients have OpenAI's paths. */
const DOUBLED = new RegExp(`^(/p/[^/]+|/v2/[^/]+/openai|)(?:/v1){2,}(?=/${FAMILY})`);
/** What engines have at their own root is not among them, nor what is ours. */
const LACKING =
  /^(?:\/v2\/[^/]+\/openai)?(?=\/(?:chat\/completions|completions|embeddings|models|responses|messages|moderations|images|audio)(?:\/|$))/;

/** `path`: as the door has read it. `declared`: the paths of the config. */
export function meantPath(path: string, declared: ReadonlyMap<string, unknown>): string {
  // What nearly all requests have.
  if (path.startsWith("/v1/") && !path.startsWith("/v1/v1/")) return path;
  if (declared.has(withoutLastSlash(path))) return path;
  return path.replace(DOUBLED, "$1/v1").replace(LACKING, "$&/v1");
}
