/**
 * The inference routes: a request becomes tokens of the engine, tokens become chunks or one answer.
 *
 * Order of checks as in vLLM: JSON, shape, model, context, then the queue. The role chunk leaves with the first token,
 * the headers long before it, so first byte and first token are two instants here as they are in production.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type * as z from "zod";
import { err, ok } from "../../src/lib/result.ts";
import type { Result } from "../../src/lib/result.ts";
import type { Exchange } from "./exchange.ts";
import {
  drawOutputTokens,
  drawTokens,
  drawVector,
  EMBEDDING_DIMENSIONS_DEFAULT,
  encodeVector,
  rngFor,
} from "./generation.ts";
import {
  chatPromptTokens,
  chatSchema,
  completionPromptTokens,
  completionSchema,
  embeddingInputs,
  embeddingSchema,
  endEvents,
  errorBody,
  tokenEvents,
  wholeAnswer,
} from "./openai-bodies.ts";
import type { Answer, ChatRequest, CompletionRequest } from "./openai-bodies.ts";
import { mediaRoute, serveMedia } from "./media-api.ts";
import type { MediaRoute } from "./media-api.ts";
import type { Metrics } from "./metrics.ts";
import { modelNames, servesName } from "./options.ts";
import type { GpuSimulatorOptions } from "./options.ts";
import type { Pacer } from "./pacer.ts";
import { begunBy } from "./prefill.ts";

export type OpenAiRoute = "chat" | "completion" | "embedding" | MediaRoute;

export type OpenAiContext = {
  readonly options: GpuSimulatorOptions;
  readonly pacer: Pacer;
  readonly metrics: Pick<Metrics, "adapters">;
};

type Refusal = { readonly status: number; readonly type: string; readonly message: string };

export const openAiRoute = (path: string): OpenAiRoute | null =>
  path === "/v1/chat/completions"
    ? "chat"
    : path === "/v1/completions"
      ? "completion"
      : path === "/v1/embeddings"
        ? "embedding"
        : mediaRoute(path);

export async function serveOpenAi(
  exchange: Exchange,
  route: OpenAiRoute,
  body: Buffer,
  context: OpenAiContext,
): Promise<void> {
  const refusal = await answerRoute(exchange, route, body, context);
  if (refusal === null) return;
  const headers: OutgoingHttpHeaders = refusal.status === 429 ? { "retry-after": "1" } : {};
  exchange.reply.json(refusal.status, errorBody(refusal.status, refusal.type, refusal.message), headers);
}

export const modelList = (options: GpuSimulatorOptions): unknown => ({
  object: "list",
  data: [
    ...modelNames(options).map((id) => ({
      ...listed(id),
      root: options.model,
      parent: null,
      max_model_len: contextTokensMax(options),
    })),
    ...options.loraModules.map((id) => ({ ...listed(id), root: `/adapters/${id}`, parent: modelNames(options)[0] })),
  ],
});

const listed = (id: string) => ({ id, object: "model", created: 0, owned_by: "vllm" });

async function answerRoute(
  exchange: Exchange,
  route: OpenAiRoute,
  body: Buffer,
  context: OpenAiContext,
): Promise<Refusal | null> {
  switch (route) {
    case "chat": {
      const request = parse(chatSchema, body, context.options);
      if (!request.ok) return request.error;
      return generate(
        exchange,
        { kind: "chat", request: request.value, promptTokens: chatPromptTokens(request.value), body },
        context,
      );
    }
    case "completion": {
      const request = parse(completionSchema, body, context.options);
      if (!request.ok) return request.error;
      const promptTokens = completionPromptTokens(request.value);
      return generate(exchange, { kind: "completion", request: request.value, promptTokens, body }, context);
    }
    case "embedding":
      return embed(exchange, body, context);
    default:
      return serveMedia(exchange, route, body, context);
  }
}

function parse<T extends { model?: string | undefined }>(
  schema: z.ZodType<T>,
  body: Buffer,
  options: GpuSimulatorOptions,
): Result<T, Refusal> {
  const badRequest = (message: string): Result<T, Refusal> => err({ status: 400, type: "BadRequestError", message });
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch {
    return badRequest("The body is not JSON.");
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return badRequest(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const { model } = parsed.data;
  if (model !== undefined && !servesName(options, model)) {
    return err({ status: 404, type: "NotFoundError", message: `The model \`${model}\` does not exist.` });
  }
  return ok(parsed.data);
}

/** What fits into the model's context and into the GPU; vLLM refuses to start when the second is smaller. */
const contextTokensMax = ({ maxModelLen, engine }: GpuSimulatorOptions): number =>
  Math.min(maxModelLen, engine.kvTokensMax ?? Infinity);

const tooLong = (contextTokens: number, promptTokens: number): Refusal => ({
  status: 400,
  type: "BadRequestError",
  message: `This model's maximum context length is ${contextTokens} tokens. However, your request has ${promptTokens} input tokens.`,
});

const queueFull: Refusal = { status: 429, type: "RateLimitError", message: "waiting requests queue is full" };

type Job = {
  readonly kind: Answer["kind"];
  readonly request: ChatRequest | CompletionRequest;
  readonly promptTokens: number;
  readonly body: Buffer;
};

function generate(exchange: Exchange, job: Job, { options, pacer, metrics }: OpenAiContext): Refusal | null {
  const { request, promptTokens, kind } = job;
  const contextTokens = contextTokensMax(options);
  if (promptTokens >= contextTokens) return tooLong(contextTokens, promptTokens);
  const begun = begunBy(job.body);
  const rng = rngFor(options.seed, begun.original);
  const drawn = Math.max(1, drawOutputTokens(rng, options.meanOutputTokens) - begun.tokens);
  const asked = request.max_completion_tokens ?? request.max_tokens ?? null;
  const room = contextTokens - promptTokens;
  // What has been said already is not said again.
  drawTokens(rng, { fromIndex: 0, count: begun.tokens });
  const answer: Answer = {
    kind,
    id: `${kind === "chat" ? "chatcmpl" : "cmpl"}-${exchange.requestId}`,
    created: Math.floor(Date.now() / 1000),
    model: request.model ?? modelNames(options)[0],
    promptTokens,
    outputTokens: Math.min(asked ?? drawn, room),
    finishReason: asked === null && drawn <= room ? "stop" : "length",
  };
  const { reply } = exchange;
  const stream = request.stream === true;
  const isCounting = request.stream_options?.continuous_usage_stats === true;
  let sent = 0;
  let text = "";
  const onTokens = (count: number): void => {
    const tokens = drawTokens(rng, { fromIndex: begun.tokens + sent, count });
    if (stream)
      reply.write(tokenEvents(answer, { tokens, isFirst: sent === 0, countedFrom: isCounting ? sent : null }));
    else text += tokens.join("");
    sent += count;
  };
  const count = (by: number): void => {
    if (options.loraModules.includes(answer.model)) {
      metrics.adapters.set(answer.model, (metrics.adapters.get(answer.model) ?? 0) + by);
    }
  };
  const onDone = (): void => {
    count(-1);
    if (stream) {
      reply.write(endEvents(answer, { includeUsage: request.stream_options?.include_usage === true }));
      reply.end();
    } else {
      reply.json(200, wholeAnswer(answer, text), loadReport(exchange, pacer));
    }
  };
  const id = pacer.submit({
    promptTokens,
    outputTokens: answer.outputTokens,
    finishReason: answer.finishReason,
    onTokens,
    onDone,
  });
  if (id === null) return queueFull;
  count(1);
  exchange.gone.addEventListener("abort", () => {
    if (pacer.cancel(id)) count(-1);
  });
  if (stream) reply.start(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  return null;
}

function embed(exchange: Exchange, body: Buffer, { options, pacer }: OpenAiContext): Refusal | null {
  const parsed = parse(embeddingSchema, body, options);
  if (!parsed.ok) return parsed.error;
  const request = parsed.value;
  const inputs = embeddingInputs(request.input);
  const promptTokens = inputs.reduce((sum, { tokens }) => sum + tokens, 0);
  if (promptTokens >= contextTokensMax(options)) return tooLong(contextTokensMax(options), promptTokens);
  const dimensions = request.dimensions ?? EMBEDDING_DIMENSIONS_DEFAULT;
  const onDone = (): void => {
    const data = inputs.map(({ text }, index) => {
      const vector = drawVector(rngFor(options.seed, text), dimensions);
      return {
        object: "embedding",
        index,
        embedding: request.encoding_format === "base64" ? encodeVector(vector) : vector,
      };
    });
    const model = request.model ?? modelNames(options)[0];
    const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
    exchange.reply.json(200, { object: "list", model, data, usage });
  };
  // Reading the input is all the work: one token stands for the vector.
  const id = pacer.submit({ promptTokens, outputTokens: 1, finishReason: "stop", onTokens: () => {}, onDone });
  if (id === null) return queueFull;
  exchange.gone.addEventListener("abort", () => pacer.cancel(id));
  return null;
}

/**
 * The ORCA report, exactly as vLLM sends it: only on whole answers, only when asked
 * (docs/reference/sources.md, Inference servers).
 */
function loadReport(exchange: Exchange, pacer: Pacer): OutgoingHttpHeaders {
  const format = exchange.req.headers["endpoint-load-metrics-format"];
  const { kvUsage, waiting } = pacer.load();
  switch (typeof format === "string" ? format.toLowerCase() : "") {
    case "json": {
      const metrics = { named_metrics: { kv_cache_usage_perc: kvUsage, num_requests_waiting: waiting } };
      return { "endpoint-load-metrics": `JSON ${JSON.stringify(metrics)}` };
    }
    case "text":
      return {
        "endpoint-load-metrics": `TEXT named_metrics.kv_cache_usage_perc=${kvUsage}, named_metrics.num_requests_waiting=${waiting}`,
      };
    default:
      return {};
  }
}
