/**
 * Decides what the router reads of an OpenAI-style body.
 *
 * Model: only what routing needs (`model`, `stream`, the token limit) is read and checked; the rest is the client's
 * and the GPU server's business, so a new parameter needs no change here. Written by hand: this runs on every request,
 * and a schema would cost more than the routing decision. `stream` comes from the body because SDKs send
 * `Accept: application/json` for streams too. Rejected: validating the whole body, which would refuse what a server
 * allows.
 */
import { err, ok, type Result } from "../lib/result.ts";

export const INFERENCE_PATHS = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/responses",
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/v1/images/generations",
  "/v1/images/edits",
  "/v1/images/variations",
  "/v1/audio/speech",
  "/v1/audio/transcriptions",
  "/v1/audio/translations",
  "/v1/moderations",
  "/v1/rerank",
  "/v2/rerank",
  "/rerank",
  "/v1/score",
  "/v1/tokenize",
  "/tokenize",
  "/v1/detokenize",
  "/detokenize",
] as const;
export type InferencePath = (typeof INFERENCE_PATHS)[number];

/** Those whose clients send forms. */
export const FORM_PATHS: ReadonlySet<InferencePath> = new Set([
  "/v1/images/edits",
  "/v1/images/variations",
  "/v1/audio/transcriptions",
  "/v1/audio/translations",
] as const);

/** Those that are told in chat completions where an endpoint does not have them, and under which name. */
export const SPOKEN: Readonly<Partial<Record<InferencePath, "responses" | "messages" | "count">>> = {
  "/v1/responses": "responses",
  "/v1/messages": "messages",
  "/v1/messages/count_tokens": "count",
};

/** Longer than any name in the config (200): a longer one can only be a mistake. */
export const MODEL_CHARS_MAX = 256;
/**
 * English text under common tokenizers; code and other scripts need fewer bytes per token. Learned rates correct it.
 */
export const BYTES_PER_TOKEN = 4;

export type InferenceRequest = {
  /** Null: the path has named the pool, and the body no model. */
  readonly model: string | null;
  readonly stream: boolean;
  /** Longest output asked for, tokens; null when the client leaves it to the server. */
  readonly maxTokens: number | null;
};

export type InferenceProblem = { readonly param: string | null; readonly problem: string };

/** No prompt is read there, or nobody counts it in tokens of the body's bytes: media, and whoever only counts. */
const WITHOUT_PROMPT = /\/(?:images|audio)\/|\/(?:count_tokens|(?:de)?tokenize)$/;

export const hasPrompt = (path: string): boolean => !WITHOUT_PROMPT.test(path);

/**
 * Which member bounds the output. The first that is present counts: OpenAI renamed it and kept the old name. Where none
 * is told no answer is written in tokens.
 */
const TOKEN_LIMITS: Readonly<Partial<Record<InferencePath, readonly string[]>>> = {
  "/v1/chat/completions": ["max_completion_tokens", "max_tokens"],
  "/v1/completions": ["max_tokens"],
  "/v1/responses": ["max_output_tokens"],
  "/v1/messages": ["max_tokens"],
};

/** A number that is written as a text: as many digits as a double holds. */
const WHOLE = /^-?\d{1,15}$/;

/**
 * `parsed`: what JSON.parse gave. A member that is null counts as absent, as SDKs send it. `hasPool`: the path has named the
 * pool; then engines may know their model where no answer is written in tokens.
 */
export function readInferenceBody(
  parsed: unknown,
  path: InferencePath,
  hasPool = false,
): Result<InferenceRequest, InferenceProblem> {
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return err({ param: null, problem: "The body must be a JSON object." });
  const body = parsed as Readonly<Record<string, unknown>>;
  const { stream } = body;
  const isUnnamed = body["model"] === undefined || body["model"] === null;
  if (isUnnamed && (!hasPool || Object.hasOwn(TOKEN_LIMITS, path)))
    return err({ param: "model", problem: "model is required." });
  const model = isUnnamed ? null : body["model"];
  if (model !== null && typeof model !== "string") return err({ param: "model", problem: "model must be a string." });
  if (model === "" || (model ?? "").length > MODEL_CHARS_MAX)
    return err({ param: "model", problem: `model must have 1 to ${MODEL_CHARS_MAX} characters.` });
  if (stream !== undefined && stream !== null && typeof stream !== "boolean")
    return err({ param: "stream", problem: "stream must be true or false." });
  const isStream = stream === true || (path === "/v1/audio/speech" && body["stream_format"] === "sse");
  for (const param of TOKEN_LIMITS[path] ?? []) {
    const asked = body[param];
    if (asked === undefined || asked === null) continue;
    // Engines that read with pydantic take "64" for 64; another one refuses it itself.
    const limit = typeof asked === "string" && WHOLE.test(asked) ? Number(asked) : asked;
    if (typeof limit !== "number" || !Number.isInteger(limit))
      return err({ param, problem: `${param} must be a whole number.` });
    // Some servers read a negative limit as "none".
    return ok({ model, stream: isStream, maxTokens: limit < 0 ? null : limit });
  }
  return ok({ model, stream: isStream, maxTokens: null });
}

/**
 * Members by which an engine is handed another request's memory, or the host to fetch it from (prefill and decode apart:
 * vLLM, SGLang, TensorRT-LLM). Between engines they are its operator's; from a client they would read another tenant's
 * prompt.
 */
const ENGINE_MEMBERS = "kv_transfer_params disaggregated_params bootstrap_host bootstrap_port bootstrap_room".split(
  " ",
);

/** The first of them that is in the body; undefined: none is. */
export const engineMemberIn = (parsed: unknown): string | undefined =>
  typeof parsed === "object" && parsed !== null ? ENGINE_MEMBERS.find((name) => name in parsed) : undefined;

/** Tokens of a prompt, from the bytes of the whole body: a prior for the cost of prefill, never a bill. */
export function inputTokensEstimate(bodyBytes: number): number {
  return Math.ceil(bodyBytes / BYTES_PER_TOKEN);
}
