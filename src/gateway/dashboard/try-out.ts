/**
 * `POST /dashboard/api/try?path=/v1/chat/completions`: a request of the page's panel, served as if it had come with the key
 * that is signed in. The cookie opens no path of the API itself: a page that a browser
 * could be led to would then spend an operator's tokens.
 */
import { INFERENCE_PATHS } from "../../wire/openai.ts";
import type { Answer } from "../../wire/refusal.ts";
import type { Authenticated } from "../edge-request.ts";
import { infer } from "../pipeline.ts";

export async function tryOut(edge: Authenticated): Promise<Answer> {
  if (!edge.identity.scopes.includes("infer")) {
    return {
      reason: "forbidden",
      detail: 'The key that is signed in may not call models: it needs the scope "infer".',
    };
  }
  const asked = new URLSearchParams(edge.query).get("path") ?? "/v1/chat/completions";
  const path = INFERENCE_PATHS.find((one) => one === asked);
  if (path === undefined) {
    return { reason: "invalid_request", param: "path", detail: `path must be one of ${INFERENCE_PATHS.join(", ")}.` };
  }
  // On record, counted and charged under the path that it asks: it costs what any request does.
  edge.seen.path = path;
  return infer({ ...edge, path, query: "" }, path);
}
