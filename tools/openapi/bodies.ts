/**
 * The bodies that a client sends, as zod schemas: where the router has such a schema itself, that one.
 *
 * Model. Of an inference body the router reads little and passes everything on, so that these objects are open: what is
 * named here is read by the router, or every engine has it. `document.ts` makes the components of these by their names.
 */
import * as z from "zod";
import { keyEdit, newKey, rotation } from "../../src/config/orders-schema.ts";
import { PRIORITIES } from "../../src/routing/core/shard/priority.ts";
import { MODEL_CHARS_MAX } from "../../src/wire/openai.ts";

const model = z
  .string()
  .min(1)
  .max(MODEL_CHARS_MAX)
  .describe("One of what `GET /v1/models` lists: it chooses the pool.");
const stream = z.boolean().nullish().describe("Answer by server-sent events.");
const maxTokens = z
  .union([z.int(), z.string().regex(/^-?\d{1,15}$/)])
  .nullish()
  .describe("Most tokens of the answer, bounded by `limits.maxTokensMax`. Negative: no limit of the client's.");
const choices = z.int().min(1).nullish().describe("Answers wanted, bounded by `limits.nMax`.");

const part = z.looseObject({ type: z.string() });
const message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(part)]).nullish(),
});

const chat = z.looseObject({
  model,
  messages: z.array(message),
  stream,
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: maxTokens,
  max_completion_tokens: maxTokens,
  n: choices,
});

const texts = z.union([z.string(), z.array(z.string()), z.array(z.int()), z.array(z.array(z.int()))]);

const completion = z.looseObject({ model, prompt: texts, stream, max_tokens: maxTokens, n: choices });
const embedding = z.looseObject({ model, input: texts });

const response = z.looseObject({
  model,
  input: z.union([z.string(), z.array(z.looseObject({}))]).optional(),
  stream,
  max_output_tokens: maxTokens,
});
const messages = z.looseObject({ model, messages: z.array(message), max_tokens: maxTokens, stream });
const counted = z.looseObject({ model, messages: z.array(message) });

const words = z.union([z.string(), z.array(z.string())]);
const image = z.looseObject({ model, prompt: z.string(), n: choices, size: z.string().nullish(), stream });
const speech = z.looseObject({
  model,
  input: z.string(),
  voice: z.union([z.string(), z.looseObject({})]),
  response_format: z.string().nullish(),
  stream_format: z.enum(["sse", "audio"]).nullish(),
});
const bytes = z.string().meta({ format: "binary" });
const imageEdit = z.looseObject({ model, prompt: z.string(), image: bytes, mask: bytes.optional() });
const imageVariation = z.looseObject({ model, image: bytes });
const transcription = z.looseObject({
  model,
  file: bytes,
  prompt: z.string().optional(),
  response_format: z.string().optional(),
  stream: z.string().optional().describe("`true`: answer by server-sent events."),
});
const moderation = z.looseObject({ model, input: z.union([words, z.array(part)]) });
const rerank = z.looseObject({
  model,
  query: z.string(),
  documents: z.array(z.union([z.string(), z.looseObject({})])),
  top_n: z.int().nullish(),
});
const score = z.looseObject({ model, text_1: words.optional(), text_2: words.optional() });
const tokenize = z.looseObject({ model, prompt: z.string().optional(), messages: z.array(message).optional() });
const detokenize = z.looseObject({ model, tokens: z.array(z.int()) });

const runRequest = z.looseObject({
  input: z.unknown().describe("What a pulling GPU worker is given, or what is called at an endpoint."),
  webhook: z.string().nullish().describe("Is told of the job's end."),
  policy: z
    .looseObject({
      executionTimeout: z.int().optional().describe("Longest one attempt may run, ms."),
      ttl: z.int().optional().describe("Kept for so long in whatever state, ms."),
      lowPriority: z.boolean().optional(),
    })
    .nullish(),
  s3Config: z.looseObject({}).nullish(),
});
const batchRequest = z.looseObject({ requests: z.array(runRequest).optional() });

const hook = z.looseObject({ pool: z.string(), tenant: z.string() });
const redrive = z.looseObject({
  ids: z.array(z.string()).optional(),
  all: z.boolean().optional(),
  tenant: z.string().optional(),
});
const replay = z.looseObject({ webhookIds: z.array(z.string()) });
const explain = z.strictObject({
  model: z.string().optional().describe("Chooses the pool, as in a request; or `pool`."),
  pool: z.string().optional(),
  place: z.string().optional().describe("Where the client is: a region's id, or `lat,lon`."),
  inputTokens: z.int().min(0).optional(),
  excluded: z.array(z.string()).optional().describe("Endpoints that were tried before."),
  priority: z.enum(PRIORITIES).optional(),
});
const signIn = z.strictObject({ key: z.string().describe("A key with the scope `admin`.") });
const anything = z.looseObject({});

const expiry = z.looseObject({ anchor: z.literal("created_at"), seconds: z.int().min(3_600).max(2_592_000) });
const batchOrder = z.looseObject({
  input_file_id: z.string().min(1).describe("A file with the purpose `batch`."),
  endpoint: z.string().describe("The `url` of each of its lines, such as `/v1/chat/completions`."),
  completion_window: z.string().describe("`24h`, or another time from `1h` to `6d`."),
  metadata: z.record(z.string(), z.string()).nullish(),
  output_expires_after: expiry.nullish(),
});

/** By the name of the component. */
export const BODIES = {
  ChatRequest: chat,
  BatchOrder: batchOrder,
  CompletionRequest: completion,
  EmbeddingRequest: embedding,
  ResponseRequest: response,
  MessagesRequest: messages,
  CountRequest: counted,
  ImageRequest: image,
  ImageEditForm: imageEdit,
  ImageVariationForm: imageVariation,
  TranscriptionForm: transcription,
  SpeechRequest: speech,
  ModerationRequest: moderation,
  RerankRequest: rerank,
  ScoreRequest: score,
  TokenizeRequest: tokenize,
  DetokenizeRequest: detokenize,
  RunRequest: runRequest,
  BatchRequest: batchRequest,
  HookOrder: hook,
  RedriveOrder: redrive,
  ReplayOrder: replay,
  ExplainRequest: explain,
  SignIn: signIn,
  NewKey: newKey,
  KeyEdit: keyEdit,
  KeyRotation: rotation,
  AnyBody: anything,
} as const;
export type BodyName = keyof typeof BODIES;
