/**
 * Decides in whose form a refusal is told: by the path, and for the list of models, whose path is the same in both, by the version
 * that Anthropic's clients name; here and nowhere else.
 *
 * Model. Under `/v2` a client of Runpod's reads; where the endpoint's path is Anthropic's Messages, a client of theirs;
 * everybody else reads OpenAI's, also below `/v2/{pool}/openai`. Status and headers are the same in all.
 * Source: what the clients of each read (docs/reference/sources.md, What clients read of an error).
 * Rejected: to ask the client's headers everywhere, which proxies and scripts leave out.
 */
import type { Config } from "../config/config.ts";
import { answerFormat } from "../dispatch/answer-format.ts";
import { withoutLastSlash } from "../wire/request-target.ts";
import type { ErrorForm } from "../wire/error-forms.ts";

/** `/v2/rerank` is Cohere's. */
const RUNPOD_PATH = /^\/v2(?!\/(?:[^/]+\/openai(?:\/|$)|rerank\/?$))(?:\/|$)/;
/** What a pool's endpoints serve. */
const POOL_PATH = /^\/p\/[^/]+(\/.*)/;
const MODELS_PATH = /^\/v1\/models(?:\/|$)/;
/** Beside the messages themselves. */
const MESSAGES_TOO = /\/count_tokens\/?$/;

/** `isAnthropics`: the client has named a version of Anthropic's API. */
export function errorFormOf(path: string, config: Config | null, isAnthropics = false): ErrorForm {
  if (isAnthropics && MODELS_PATH.test(path)) return "anthropic";
  if (RUNPOD_PATH.test(path)) return "runpod";
  const declared = config?.routes.get(withoutLastSlash(path))?.upstreamPath;
  const upstream = declared ?? POOL_PATH.exec(path)?.[1] ?? path;
  return answerFormat(upstream.replace(MESSAGES_TOO, "")) === "anthropic" ? "anthropic" : "openai";
}
