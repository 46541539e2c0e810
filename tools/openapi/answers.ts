/**
 * What the router answers, as zod schemas of what a client may rely on: every object is open, because endpoints add
 * members of their own, and so may a later version. `test/e2e/openapi.test.ts` holds a running router to them.
 */
import * as z from "zod";
import { ERRORS } from "../../src/wire/errors.ts";

const instant = z.iso.datetime().nullable();
const count = z.int().min(0);

const errorObject = z.looseObject({
  message: z.string().describe("What happened and what to do."),
  type: z.string(),
  param: z.string().nullable(),
  code: z.string().describe("Stable, for programs: see the reference of errors."),
});
const error = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  retryAfterMs: z.int().optional(),
  error: errorObject,
});
const runpodError = z.looseObject({ error: z.string(), detail: z.string(), status: z.int(), errorDetail: errorObject });
const anthropicError = z.looseObject({
  type: z.literal("error"),
  error: z.looseObject({ type: z.string(), message: z.string() }),
  request_id: z.string(),
});

const usage = z.looseObject({ prompt_tokens: count, total_tokens: count });
const chat = z.looseObject({
  object: z.string(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: count,
      message: z.looseObject({ role: z.string(), content: z.string().nullish() }),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: usage.nullish(),
});
const completion = z.looseObject({
  choices: z.array(z.looseObject({ index: count, text: z.string(), finish_reason: z.string().nullish() })),
  usage: usage.nullish(),
});
const embedding = z.looseObject({
  object: z.literal("list"),
  data: z.array(z.looseObject({ index: count, embedding: z.union([z.array(z.number()), z.string()]) })),
});
const response = z.looseObject({
  id: z.string(),
  object: z.literal("response"),
  status: z.string().nullish(),
  output: z.array(z.looseObject({ type: z.string() })),
});
const message = z.looseObject({
  id: z.string(),
  type: z.literal("message"),
  role: z.literal("assistant"),
  content: z.array(z.looseObject({ type: z.string() })),
  stop_reason: z.string().nullable(),
  usage: z.looseObject({ input_tokens: count, output_tokens: count }),
});
const counted = z.looseObject({ input_tokens: count });
const images = z.looseObject({
  data: z.array(z.looseObject({ b64_json: z.string().nullish(), url: z.string().nullish() })),
});
const moderation = z.looseObject({ results: z.array(z.looseObject({ flagged: z.boolean() })) });
const model = z.looseObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.int().describe("Unix seconds; 0: not known."),
  owned_by: z.string(),
  max_model_len: count.optional().describe("Tokens of prompt and answer together; absent: no endpoint tells."),
  context_length: count.optional().describe("The same, as other clients read it."),
  parent: z.string().optional().describe("The model that it is an adapter (LoRA) of."),
  warmpath: z.looseObject({
    pool: z.string(),
    state: z.enum(["up", "warming", "cold", "down", "jobs_only", "unknown"]).describe("Of the pool's endpoints."),
  }),
});
const models = z.looseObject({ object: z.literal("list"), data: z.array(model) });

const usageRows = z.looseObject({
  object: z.literal("list"),
  currency: z.string(),
  from: z.string(),
  to: z.string(),
  data: z.array(
    z.looseObject({
      tenant: z.string(),
      day: z.string(),
      key: z.string(),
      model: z.string(),
      outcome: z.string(),
      requests: count,
      inputTokens: count,
      outputTokens: count,
      cost: z.string().describe("A decimal number: no float has every millionth."),
    }),
  ),
});

const job = z.looseObject({
  id: z.string(),
  object: z.literal("job"),
  status: z.enum(["queued", "running", "retrying", "completed", "failed", "cancelled", "timed_out", "expired"]),
  pool: z.string(),
  submittedAt: instant,
  startedAt: instant,
  endedAt: instant,
  attempts: count,
  error: z.string().nullable(),
  urls: z.looseObject({ status: z.string(), result: z.string(), events: z.string(), cancel: z.string() }),
});
const seconds = z.int().min(0);
const file = z.looseObject({
  id: z.string(),
  object: z.literal("file"),
  bytes: count,
  created_at: seconds,
  expires_at: seconds.nullable(),
  filename: z.string(),
  purpose: z.string(),
  status: z.literal("processed"),
});
const cursors = { first_id: z.string().nullable(), last_id: z.string().nullable(), has_more: z.boolean() };
const fileList = z.looseObject({ object: z.literal("list"), data: z.array(file), ...cursors });
const fileBatch = z.looseObject({
  id: z.string(),
  object: z.literal("batch"),
  endpoint: z.string(),
  input_file_id: z.string(),
  completion_window: z.string(),
  status: z.enum([
    "validating",
    "failed",
    "in_progress",
    "finalizing",
    "completed",
    "expired",
    "cancelling",
    "cancelled",
  ]),
  output_file_id: z.string().nullable(),
  error_file_id: z.string().nullable(),
  created_at: seconds,
  expires_at: seconds,
  request_counts: z.looseObject({ total: count, completed: count, failed: count }),
});
const fileBatchList = z.looseObject({ object: z.literal("list"), data: z.array(fileBatch), ...cursors });
const deleted = z.looseObject({ id: z.string(), object: z.string(), deleted: z.literal(true) });
const list = z.looseObject({ data: z.array(z.unknown()) });
const runpodWord = z.enum(["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]);
const runpodJob = z.looseObject({ id: z.string(), status: runpodWord, output: z.unknown().optional() });
const runpodStream = z.looseObject({ status: runpodWord, stream: z.array(z.looseObject({ output: z.unknown() })) });
const runpodHealth = z.looseObject({ jobs: z.record(z.string(), z.int()), workers: z.record(z.string(), z.int()) });
const batch = z.looseObject({ id: z.string(), status: z.string(), endpointId: z.string(), createdAt: z.int() });

const fleet = z.looseObject({
  shards: z.array(
    z.looseObject({
      name: z.string(),
      reachable: z.boolean(),
      status: z
        .looseObject({ epoch: count, liveLeases: count, queued: count, endpoints: z.array(z.looseObject({})) })
        .nullable(),
    }),
  ),
});
const drained = z.looseObject({ drained: z.boolean(), pool: z.string() });
const keyView = z.looseObject({ id: z.string(), tenant: z.string(), scopes: z.array(z.string()) });
const madeKey = keyView.extend({ key: z.string().describe("The secret: shown here, and never again.") });
const keys = z.looseObject({ object: z.literal("list"), data: z.array(keyView), hasMore: z.boolean() });
const anything = z.looseObject({});

/** By the name of the component. */
export const ANSWERS = {
  Error: error.describe(
    `An error of the router. \`error.code\` is one of ${[...new Set(Object.values(ERRORS).map(({ code }) => code))].join(", ")}.`,
  ),
  RunpodError: runpodError,
  AnthropicError: anthropicError,
  ChatCompletion: chat,
  Completion: completion,
  Embeddings: embedding,
  Response: response,
  Message: message,
  TokenCount: counted,
  Images: images,
  Transcript: z.looseObject({ text: z.string() }),
  Moderation: moderation,
  Model: model,
  ModelList: models,
  UsageRows: usageRows,
  File: file,
  FileList: fileList,
  FileBatch: fileBatch,
  FileBatchList: fileBatchList,
  Deleted: deleted,
  Job: job,
  List: list,
  RunpodJob: runpodJob,
  RunpodStream: runpodStream,
  RunpodHealth: runpodHealth,
  Batch: batch,
  Fleet: fleet,
  Drained: drained,
  Key: keyView,
  MadeKey: madeKey,
  KeyList: keys,
  Anything: anything,
  TakenJobs: z.array(anything),
} as const;
export type AnswerName = keyof typeof ANSWERS;
