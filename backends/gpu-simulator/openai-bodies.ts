/**
 * The JSON of the OpenAI API as vLLM speaks it: what requests must look like, what answers and errors look like.
 *
 * Unknown members are accepted and ignored, as vLLM does. What would change the answer's shape and is not simulated
 * (several choices, several prompts) is refused rather than answered wrongly.
 */
import * as z from "zod";
import { countTokens, EMBEDDING_DIMENSIONS_MAX } from "./generation.ts";

const part = z.looseObject({ text: z.string().optional() });
const tokenIds = z.array(z.number());
const limit = z.int().min(1).nullish();
const common = {
  model: z.string().optional(),
  n: z.literal(1).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  max_tokens: limit,
  max_completion_tokens: limit,
};

export const chatSchema = z.object({
  ...common,
  messages: z
    .array(z.looseObject({ role: z.string().optional(), content: z.union([z.string(), z.array(part)]).nullish() }))
    .min(1),
  continue_final_message: z.boolean().nullish(),
});
export const completionSchema = z.object({
  ...common,
  prompt: z.union([z.string(), z.tuple([z.string()]), tokenIds, z.tuple([tokenIds])]),
});
export const embeddingSchema = z.object({
  model: z.string().optional(),
  input: z.union([z.string(), z.array(z.string()).min(1), tokenIds.min(1), z.array(tokenIds).min(1)]),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).max(EMBEDDING_DIMENSIONS_MAX).nullish(),
});

export type ChatRequest = z.output<typeof chatSchema>;
export type CompletionRequest = z.output<typeof completionSchema>;
export type EmbeddingRequest = z.output<typeof embeddingSchema>;

export function chatPromptTokens({ messages }: ChatRequest): number {
  const texts = messages.map(({ content }) =>
    typeof content === "string" ? content : (content ?? []).map((item) => item.text ?? "").join(""),
  );
  return countTokens(texts.join(""));
}

export function completionPromptTokens({ prompt }: CompletionRequest): number {
  const [first] = embeddingInputs(prompt);
  return first === undefined ? 1 : first.tokens;
}

/** The inputs one by one, with their size. */
export function embeddingInputs(
  input: EmbeddingRequest["input"],
): { readonly text: string; readonly tokens: number }[] {
  const items = typeof input === "string" ? [input] : isTokenIds(input) ? [input] : input;
  return items.map((item) =>
    typeof item === "string"
      ? { text: item, tokens: countTokens(item) }
      : { text: item.join(","), tokens: Math.max(1, item.length) },
  );
}

const isTokenIds = (input: readonly unknown[]): input is number[] => input.every((item) => typeof item === "number");

export type Answer = {
  readonly kind: "chat" | "completion";
  readonly id: string;
  /** Seconds since 1970, as on the wire. */
  readonly created: number;
  readonly model: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly finishReason: "stop" | "length";
};

const usageOf = ({ promptTokens, outputTokens }: Answer) => ({
  prompt_tokens: promptTokens,
  total_tokens: promptTokens + outputTokens,
  completion_tokens: outputTokens,
});

const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;

const chunk = ({ kind, id, created, model }: Answer, choices: readonly unknown[]) => ({
  id,
  object: kind === "chat" ? "chat.completion.chunk" : "text_completion",
  created,
  model,
  choices,
});

export function tokenEvents(
  answer: Answer,
  options: {
    readonly tokens: readonly string[];
    readonly isFirst: boolean;
    /** Tokens before these, where each chunk is to tell the usage so far; null: none does. */
    readonly countedFrom: number | null;
  },
): string {
  const choice = (text: string): unknown =>
    answer.kind === "chat"
      ? { index: 0, delta: { content: text }, logprobs: null, finish_reason: null }
      : { index: 0, text, logprobs: null, finish_reason: null, stop_reason: null };
  const counted = (outputTokens: number) =>
    options.countedFrom === null
      ? {}
      : { usage: usageOf({ ...answer, outputTokens: options.countedFrom + outputTokens }) };
  const role =
    options.isFirst && answer.kind === "chat"
      ? event({
          ...chunk(answer, [
            { index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
          ]),
          ...counted(0),
        })
      : "";
  return (
    role + options.tokens.map((text, at) => event({ ...chunk(answer, [choice(text)]), ...counted(at + 1) })).join("")
  );
}

export function endEvents(answer: Answer, { includeUsage }: { readonly includeUsage: boolean }): string {
  const finish =
    answer.kind === "chat"
      ? { index: 0, delta: {}, logprobs: null, finish_reason: answer.finishReason, stop_reason: null }
      : { index: 0, text: "", logprobs: null, finish_reason: answer.finishReason, stop_reason: null };
  const usage = includeUsage ? event({ ...chunk(answer, []), usage: usageOf(answer) }) : "";
  return `${event(chunk(answer, [finish]))}${usage}data: [DONE]\n\n`;
}

export function wholeAnswer(answer: Answer, text: string): unknown {
  const { kind, id, created, model, finishReason } = answer;
  const choice =
    kind === "chat"
      ? { index: 0, message: { role: "assistant", content: text, refusal: null, tool_calls: [] } }
      : { index: 0, text };
  return {
    id,
    object: kind === "chat" ? "chat.completion" : "text_completion",
    created,
    model,
    choices: [{ ...choice, logprobs: null, finish_reason: finishReason, stop_reason: null }],
    usage: usageOf(answer),
  };
}

export const errorBody = (status: number, type: string, message: string) => ({
  error: { message, type, param: null, code: status },
});
