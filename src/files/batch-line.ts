/**
 * Decides whether a line of a batch's file is a request, and what is to be told of one that is not, in OpenAI's words
 * where it has such.
 */
import { parseLong } from "../lib/json-source.ts";
import { isObject } from "../lib/json-object.ts";
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { readInferenceBody } from "../wire/openai.ts";
import type { InferencePath } from "../wire/openai.ts";
import { CUSTOM_ID_CHARS_MAX, LINE_BYTES_MAX } from "./core/bounds.ts";
import type { BatchError } from "./core/batch.ts";

export type LineRequest = {
  readonly customId: string;
  readonly model: string;
  /** As it was written, long numbers too. */
  readonly body: unknown;
};

type Problem = Omit<BatchError, "line">;

/** What of the router's paths answers with text, at once and once: a job keeps no sound, and counts no tokens. */
export const BATCH_ENDPOINTS = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/responses",
  "/v1/messages",
  "/v1/moderations",
  "/v1/images/generations",
  "/v1/rerank",
  "/v1/score",
] as const satisfies readonly InferencePath[];

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null: there is nothing in it. `bytes` null: it is too long. */
export function readLine(bytes: Uint8Array | null, endpoint: InferencePath): Result<LineRequest, Problem> | null {
  if (bytes === null) {
    return fail("line_too_long", null, `This line has more than ${LINE_BYTES_MAX} bytes (LINE_BYTES_MAX).`);
  }
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    return fail("invalid_json_line", null, "This line is not UTF-8.");
  }
  if (text.trim() === "") return null;
  let json: unknown;
  try {
    json = parseLong(text);
  } catch {
    return fail("invalid_json_line", null, "This line is not parseable as valid JSON.");
  }
  if (!isObject(json)) return fail("invalid_json_line", null, "This line is not a JSON object.");
  return readRequest(json, endpoint);
}

function readRequest(json: Readonly<Record<string, unknown>>, endpoint: InferencePath): Result<LineRequest, Problem> {
  const { custom_id: customId, method, url, body } = json;
  const missing = ["custom_id", "method", "url", "body"].find(
    (name) => json[name] === undefined || json[name] === null,
  );
  if (missing !== undefined) {
    return fail("missing_required_parameter", missing, `Missing required parameter: '${missing}'.`);
  }
  if (typeof customId !== "string" || customId === "" || customId.length > CUSTOM_ID_CHARS_MAX) {
    return fail("invalid_value", "custom_id", `custom_id must be a text of 1 to ${CUSTOM_ID_CHARS_MAX} characters.`);
  }
  if (method !== "POST") return fail("invalid_method", "method", "method must be POST.");
  if (url !== endpoint) {
    return fail("invalid_url", "url", `url must be the endpoint of the batch, ${endpoint}.`);
  }
  const read = readInferenceBody(body, endpoint);
  if (!read.ok) {
    const { param, problem } = read.error;
    return fail("invalid_request", param === null ? "body" : `body.${param}`, problem);
  }
  if (read.value.stream) return fail("invalid_request", "body.stream", "A batch has no streams: leave out stream.");
  const { model } = read.value;
  if (model === null) return fail("missing_required_parameter", "body.model", "Missing required parameter: 'model'.");
  return ok({ customId, model, body });
}

function fail(code: string, param: string | null, message: string): Result<never, Problem> {
  return err({ code, message, param });
}
