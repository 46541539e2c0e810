/**
 * What an endpoint's own list of models says (`GET /v1/models`), whichever engine wrote it.
 *
 * Model. Each engine has a word of its own for the length of the context, and most have none; what is not said is not
 * known. vLLM and SGLang list an adapter with its `parent`, and a second name of a model with the same `root`. Most write
 * the instant of their answer as `created`, which says nothing of the model.
 * Source: docs/reference/sources.md, Inference servers. Rejected: llama.cpp's `meta.n_ctx_train`, which is what the model was trained
 * with and not what the server takes.
 */
import { isObject } from "../lib/json-object.ts";
import type { JsonObject } from "../lib/json-object.ts";
import { MODEL_CHARS_MAX } from "./openai.ts";

export type ListedModel = {
  readonly id: string;
  readonly root: string;
  /** The model that it is an adapter (LoRA) of; null: it is none. */
  readonly parent: string | null;
  /** Tokens of prompt and answer together; null: it does not say. */
  readonly contextTokens: number | null;
  /** Unix seconds; null: it does not say. */
  readonly createdAtS: number | null;
};

/** Models of one endpoint that are read; more are no list of what one serves. */
export const LISTED_MAX = 1_000;

/** A list of LISTED_MAX models is shorter. */
export const LIST_BYTES_MAX = 1_048_576;

/** A model that is younger was made when it was asked for, s. */
const NEW_S = 60;

/** Words for it: vLLM and SGLang, OpenRouter and Together, Groq, Mistral, LM Studio. */
const CONTEXT = ["max_model_len", "context_length", "context_window", "max_context_length", "loaded_context_length"];

/** Null: it is no list. `nowS`: when it was asked for, Unix seconds. */
export function listedModels(text: string, nowS: number): readonly ListedModel[] | null {
  const value = parsed(text);
  const data = isObject(value) ? value["data"] : null;
  if (!Array.isArray(data)) return null;
  return data.slice(0, LISTED_MAX).flatMap((one: unknown) => {
    if (!isObject(one)) return [];
    const { id, root, parent, created, meta } = one as JsonObject & { readonly meta?: unknown };
    if (!isName(id)) return [];
    const createdAtS = whole(created);
    return [
      {
        id,
        root: isName(root) ? root : id,
        parent: isName(parent) ? parent : null,
        contextTokens: contextIn(one) ?? (isObject(meta) ? whole(meta["n_ctx"]) : null),
        createdAtS: createdAtS === null || createdAtS > nowS - NEW_S ? null : createdAtS,
      },
    ];
  });
}

/** The one model that an endpoint serves, by its first name; null: it lists none, or several. */
export function onlyModel(listed: readonly ListedModel[]): ListedModel | null {
  const models = listed.filter(({ parent }) => parent === null);
  return new Set(models.map(({ root }) => root)).size === 1 ? (models[0] ?? null) : null;
}

const isName = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= MODEL_CHARS_MAX;

function contextIn(model: JsonObject): number | null {
  for (const name of CONTEXT) {
    const tokens = whole(model[name]);
    if (tokens !== null) return tokens;
  }
  return null;
}

/** A whole number above 0; null: anything else. */
const whole = (value: unknown): number | null =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : null;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
