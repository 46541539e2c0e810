/**
 * How models are listed: in OpenAI's form, with what vLLM's and OpenRouter's clients read beside it, and in Anthropic's, page by
 * page.
 *
 * Model. What is not known of a model is not there, or is the form's own word for it: `created` 0 and `created_at` the epoch, because
 * SDKs want a number and a time; null where Anthropic's form has null for it. What is ours is in `warmpath`.
 * Source: docs/reference/sources.md, Clients. Rejected: an invented length; Anthropic's form by path, which is the same.
 */
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

/**
 * Of the endpoints of a model's pool: one is warm and takes requests; one is being loaded; all that take requests are to be woken;
 * none takes requests; there are none, because GPU workers pull its jobs; or nobody knows.
 */
export type ModelState = "up" | "warming" | "cold" | "down" | "jobs_only" | "unknown";

export type KnownModel = {
  readonly id: string;
  readonly pool: string;
  readonly state: ModelState;
  /** Unix seconds; null: not known. */
  readonly createdAtS: number | null;
  /** Tokens of prompt and answer together that every endpoint takes which tells; null: none does. */
  readonly contextTokens: number | null;
  /** The model that it is an adapter of; null: it is none. */
  readonly parent: string | null;
};

export const openaiModel = ({ id, pool, state, createdAtS, contextTokens, parent }: KnownModel) => ({
  id,
  object: "model" as const,
  created: createdAtS ?? 0,
  owned_by: "warmpath",
  ...(contextTokens === null ? {} : { max_model_len: contextTokens, context_length: contextTokens }),
  ...(parent === null ? {} : { parent }),
  warmpath: { pool, state },
});

export const openaiList = (models: readonly KnownModel[]) => ({
  object: "list" as const,
  data: models.map(openaiModel),
});

export const anthropicModel = ({ id, pool, state, createdAtS, contextTokens }: KnownModel) => ({
  type: "model" as const,
  id,
  display_name: id,
  created_at: new Date((createdAtS ?? 0) * 1_000).toISOString().replace(".000Z", "Z"),
  capabilities: null,
  deprecated_at: null,
  lifecycle: "active" as const,
  line: null,
  max_input_tokens: contextTokens,
  max_tokens: null,
  retires_at: null,
  warmpath: { pool, state },
});

/** Anthropic's own default and bound. */
const PAGE_DEFAULT = 20;
export const PAGE_MAX = 1_000;

export type PageProblem = { readonly param: string; readonly problem: string };

/** `query`: as the client wrote it. */
export function anthropicPage(models: readonly KnownModel[], query: string): Result<object, PageProblem> {
  const asked = new URLSearchParams(query);
  const limit = asked.get("limit") ?? String(PAGE_DEFAULT);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > PAGE_MAX)
    return err({ param: "limit", problem: `limit must be a whole number from 1 to ${PAGE_MAX}.` });
  const after = asked.get("after_id");
  const before = asked.get("before_id");
  if (after !== null && before !== null)
    return err({ param: "before_id", problem: "after_id and before_id exclude each other: send one." });
  const stages = [...asked.getAll("lifecycle"), ...asked.getAll("lifecycle[]")];
  // All that there are are active.
  const all = stages.length === 0 || stages.includes("active") ? models : [];
  const cursor = after ?? before;
  const at = cursor === null ? -1 : all.findIndex(({ id }) => id === cursor);
  if (cursor !== null && at === -1) {
    const param = after === null ? "before_id" : "after_id";
    return err({ param, problem: `${param} is no model of this list: it has changed, begin again without it.` });
  }
  const from = before === null ? at + 1 : Math.max(0, at - Number(limit));
  const end = before === null ? from + Number(limit) : at;
  const page = all.slice(from, end);
  return ok({
    data: page.map(anthropicModel),
    has_more: before === null ? end < all.length : from > 0,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  });
}
