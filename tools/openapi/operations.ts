/**
 * What the document says of a route beyond its line in `tools/reference/routes-table.ts`: its query, its body with an
 * example, its answers. A route that is not here takes no body and answers JSON.
 *
 * Every example is sent to a running router by `test/e2e/openapi.test.ts`, so none of them can be wrong for long.
 */
import type { AnswerName } from "./answers.ts";
import type { BodyName } from "./bodies.ts";

export type Told = {
  /** By name: what it is. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: {
    readonly schema: BodyName;
    readonly example: unknown;
    readonly isOptional?: boolean;
    readonly isForm?: boolean;
  };
  /** Fields of a form that is sent in place of a body of JSON: what each is; `file` is a file. */
  readonly form?: { readonly fields: Readonly<Record<string, string>>; readonly required: readonly string[] };
  /** By status. */
  readonly answers?: Answers;
};

type Answers = Readonly<Record<string, Answer>>;

export type Answer = {
  readonly says: string;
  /** By content type: a component, or text. */
  readonly content?: Readonly<Record<string, AnswerName | "text">>;
};

const JSON_TYPE = "application/json";
const EVENTS = "text/event-stream";

const json = (says: string, schema: AnswerName): Answer => ({ says, content: { [JSON_TYPE]: schema } });
const ok = (says: string, schema: AnswerName): Answers => ({ 200: json(says, schema) });

const PENDING: Answer = json("It became a job (`Prefer: respond-async`).", "Job");
const MESSAGES = [{ role: "user", content: "Where is the warm path?" }];
const MODEL = "demo-model";

const streamed = (schema: AnswerName): Answers => ({
  200: {
    says: "The answer, or a stream of it where the body asks for one.",
    content: { [JSON_TYPE]: schema, [EVENTS]: "text" },
  },
  202: PENDING,
});

const MODEL_PAGE = {
  limit: "In Anthropic's form: models of a page, 1 to 1000. Default: 20.",
  after_id: "In Anthropic's form: those behind this one.",
  before_id: "In Anthropic's form: those before this one.",
};
const PAGE = { offset: "From the how-manieth on.", limit: "At most so many." };
const OF_POOL = { pool: "The pool; needed where there is more than one." };
const USAGE = {
  from: "First day, UTC, such as 2026-11-01. Default: the first of this month.",
  to: "Last day. Default: today.",
  key: "Of one key alone.",
  format: "`json` (default) or `csv`.",
};
const usageAnswers: Answers = {
  200: { says: "What was used.", content: { [JSON_TYPE]: "UsageRows", "text/csv": "text" } },
};
const RUN_EXAMPLE = { input: { messages: MESSAGES, sampling_params: { max_tokens: 8 } } };
const run = (answers: Answers): Told => ({ body: { schema: "RunRequest", example: RUN_EXAMPLE }, answers: answers });
const CURSOR = { after: "Id of the last one of the page before.", limit: "At most so many." };
const FILE_BATCH = ok("The batch.", "FileBatch");
const FILE = ok("The file.", "File");
const JOB = ok("The job.", "Job");
const RUNPOD_JOB = ok("The job.", "RunpodJob");
const BATCH = ok("The batch.", "Batch");
const LIST = ok("What there is.", "List");
const DRAINED = ok("How it is now.", "Drained");
const KEY = ok("The key, without its secret.", "Key");

/** The bytes of a file, as an example writes them. */
const BYTES = "bytes";
const TRANSCRIPTION: Told = {
  body: { schema: "TranscriptionForm", example: { model: MODEL, file: BYTES }, isForm: true },
  query: {
    model: "The model of a long form that tells it behind its file; the header `x-warmpath-model` does the same.",
  },
  answers: {
    200: {
      says: "What was said, in the format that was asked for.",
      content: { [JSON_TYPE]: "Transcript", "text/plain": "text", [EVENTS]: "text" },
    },
  },
};
const RERANK: Told = {
  body: {
    schema: "RerankRequest",
    example: { model: MODEL, query: "warm path", documents: ["a cold road", "a path"] },
  },
  answers: { 200: json("The documents, the best first.", "Anything"), 202: PENDING },
};
const TOKENIZE: Told = {
  body: { schema: "TokenizeRequest", example: { model: MODEL, prompt: "Where is the warm path?" } },
  answers: { 200: json("The tokens.", "Anything"), 202: PENDING },
};
const DETOKENIZE: Told = {
  body: { schema: "DetokenizeRequest", example: { model: MODEL, tokens: [19_182_744_173] } },
  answers: { 200: json("The text.", "Anything"), 202: PENDING },
};

/** By method and path of the table. */
export const OPERATIONS: Readonly<Record<string, Told>> = {
  "POST /v1/chat/completions": {
    body: { schema: "ChatRequest", example: { model: MODEL, max_tokens: 8, messages: MESSAGES } },
    answers: streamed("ChatCompletion"),
  },
  "POST /v1/completions": {
    body: { schema: "CompletionRequest", example: { model: MODEL, max_tokens: 8, prompt: "The warm path is" } },
    answers: streamed("Completion"),
  },
  "POST /v1/embeddings": {
    body: { schema: "EmbeddingRequest", example: { model: MODEL, input: ["warm", "path"] } },
    answers: { 200: json("The vectors.", "Embeddings"), 202: PENDING },
  },
  "POST /v1/responses": {
    body: {
      schema: "ResponseRequest",
      example: { model: MODEL, max_output_tokens: 8, input: "Where is the warm path?" },
    },
    answers: streamed("Response"),
  },
  "GET /v1/responses/{id}": { answers: ok("The response.", "Response") },
  "GET /v1/streams/{name}": {
    query: { after: "The number of the last event that the client had, where it sends no `Last-Event-ID`." },
    answers: { 200: { says: "The rest of the stream.", content: { [EVENTS]: "text" } } },
  },
  "POST /v1/responses/{id}/cancel": { answers: ok("The response.", "Response") },
  "GET /v1/responses/{id}/input_items": { answers: LIST },
  "POST /v1/messages": {
    body: { schema: "MessagesRequest", example: { model: MODEL, max_tokens: 8, messages: MESSAGES } },
    answers: streamed("Message"),
  },
  "POST /v1/messages/count_tokens": {
    body: { schema: "CountRequest", example: { model: MODEL, messages: MESSAGES } },
    answers: ok("The count.", "TokenCount"),
  },
  "POST /v1/images/generations": {
    body: { schema: "ImageRequest", example: { model: MODEL, prompt: "A warm path", size: "64x64" } },
    answers: streamed("Images"),
  },
  "POST /v1/images/edits": {
    body: { schema: "ImageEditForm", example: { model: MODEL, prompt: "warmer", image: BYTES }, isForm: true },
    answers: { 200: streamed("Images")["200"] ?? PENDING },
  },
  "POST /v1/images/variations": {
    body: { schema: "ImageVariationForm", example: { model: MODEL, image: BYTES }, isForm: true },
    answers: ok("The pictures.", "Images"),
  },
  "POST /v1/audio/transcriptions": TRANSCRIPTION,
  "POST /v1/audio/translations": TRANSCRIPTION,
  "POST /v1/audio/speech": {
    body: { schema: "SpeechRequest", example: { model: MODEL, input: "Where is the warm path?", voice: "alloy" } },
    answers: {
      200: { says: "The sound, in the format that was asked for.", content: { "audio/wav": "text", [EVENTS]: "text" } },
    },
  },
  "POST /v1/moderations": {
    body: { schema: "ModerationRequest", example: { model: MODEL, input: "Where is the warm path?" } },
    answers: { 200: json("What was found.", "Moderation"), 202: PENDING },
  },
  "POST /v1/rerank": RERANK,
  "POST /v2/rerank": RERANK,
  "POST /rerank": RERANK,
  "POST /v1/score": {
    body: { schema: "ScoreRequest", example: { model: MODEL, text_1: "warm path", text_2: ["warm", "cold"] } },
    answers: { 200: json("How near they are.", "Anything"), 202: PENDING },
  },
  "POST /v1/tokenize": TOKENIZE,
  "POST /tokenize": TOKENIZE,
  "POST /v1/detokenize": DETOKENIZE,
  "POST /detokenize": DETOKENIZE,
  "GET /v1/models": {
    query: MODEL_PAGE,
    answers: ok("Every name that selects a pool; in Anthropic's form with its header anthropic-version.", "ModelList"),
  },
  "GET /v1/models/{model…}": {
    answers: ok("The model; in Anthropic's form with its header anthropic-version.", "Model"),
  },
  "GET /v1/usage": { query: USAGE, answers: usageAnswers },
  "POST /v1/files": {
    form: {
      fields: {
        file: "The file.",
        purpose: "What it is for: assistants, batch, fine-tune, vision, user_data or evals.",
        "expires_after[anchor]": "created_at.",
        "expires_after[seconds]": "3600 to 2592000.",
      },
      required: ["file", "purpose"],
    },
    answers: FILE,
  },
  "GET /v1/files": {
    query: { ...CURSOR, order: "`asc` or `desc` (default), by when it was made.", purpose: "Of this purpose alone." },
    answers: ok("The files.", "FileList"),
  },
  "GET /v1/files/{id}": { answers: FILE },
  "GET /v1/files/{id}/content": {
    answers: { 200: { says: "Its bytes.", content: { "application/octet-stream": "text" } } },
  },
  "DELETE /v1/files/{id}": { answers: ok("It is deleted.", "Deleted") },
  "POST /v1/batches": {
    body: {
      schema: "BatchOrder",
      example: { input_file_id: "file-1", endpoint: "/v1/chat/completions", completion_window: "24h" },
    },
    answers: FILE_BATCH,
  },
  "GET /v1/batches": { query: CURSOR, answers: ok("The batches.", "FileBatchList") },
  "GET /v1/batches/{id}": { answers: FILE_BATCH },
  "POST /v1/batches/{id}/cancel": { answers: FILE_BATCH },
  "GET /v1/jobs": { query: { ...OF_POOL, status: "One or several, with commas.", ...PAGE }, answers: LIST },
  "GET /v1/jobs/dead-letters": { query: { ...OF_POOL, ...PAGE }, answers: LIST },
  "GET /v1/jobs/dead-webhooks": { query: OF_POOL, answers: LIST },
  "POST /v1/jobs/dead-webhooks/{id}/replay": { query: OF_POOL },
  "GET /v1/jobs/{id}": { answers: JOB },
  "GET /v1/jobs/{id}/result": {
    answers: {
      200: {
        says: "The answer as it would have been without a job: also its status and its type.",
        content: { [JSON_TYPE]: "Anything" },
      },
      202: json("It goes on.", "Job"),
    },
  },
  "GET /v1/jobs/{id}/events": { answers: { 200: { says: "Its course.", content: { [EVENTS]: "text" } } } },
  "DELETE /v1/jobs/{id}": { answers: JOB },
  "POST /v1/jobs/{id}/cancel": { answers: JOB },
  "POST /v1/jobs/{id}/retry": { answers: JOB },
  "POST /v2/{pool}/run": run(RUNPOD_JOB),
  "POST /v2/{pool}/runsync": { ...run(RUNPOD_JOB), query: { wait: "Longest wait for its end, ms, 1000 to 300000." } },
  "GET /v2/{pool}/status/{id}": { query: { ttl: "Keeps it for so long from now, ms." }, answers: RUNPOD_JOB },
  "GET /v2/{pool}/status-sync/{id}": { query: { wait: "Longest wait, ms, 1000 to 90000." }, answers: RUNPOD_JOB },
  "GET /v2/{pool}/stream/{id}": { answers: ok("What came since the last look.", "RunpodStream") },
  "POST /v2/{pool}/cancel/{id}": { answers: RUNPOD_JOB },
  "POST /v2/{pool}/retry/{id}": { answers: RUNPOD_JOB },
  "GET /v2/{pool}/health": { answers: ok("Counts.", "RunpodHealth") },
  "GET /v2/{pool}/requests": { query: PAGE },
  "POST /v2/{pool}/batch": {
    body: { schema: "BatchRequest", example: { requests: [RUN_EXAMPLE] }, isOptional: true },
    answers: BATCH,
  },
  "GET /v2/{pool}/batch/{batch}": { answers: BATCH },
  "POST /v2/{pool}/batch/{batch}/requests": {
    body: { schema: "BatchRequest", example: { requests: [RUN_EXAMPLE] } },
    answers: BATCH,
  },
  "GET /v2/{pool}/batch/{batch}/requests": { query: PAGE },
  "POST /v2/{pool}/batch/{batch}/finalize": { answers: BATCH },
  "POST /v2/{pool}/batch/{batch}/cancel": { answers: BATCH },
  "GET /v2/{pool}/job-take/{worker}": { answers: { 200: json("A job.", "Anything"), 204: { says: "None, for now." } } },
  "GET /v2/{pool}/job-take-batch/{worker}": {
    answers: { 200: { says: "Jobs.", content: { [JSON_TYPE]: "TakenJobs" } }, 204: { says: "None, for now." } },
  },
  "POST /v2/{pool}/job-done/{worker}/{id}": { body: { schema: "AnyBody", example: { output: "done" } } },
  "POST /v2/{pool}/job-stream/{worker}/{id}": { body: { schema: "AnyBody", example: { output: "a piece" } } },
  "GET /dashboard": { answers: { 200: { says: "The page.", content: { "text/html": "text" } } } },
  "GET /dashboard/{file}": { answers: { 200: { says: "The file.", content: { "*/*": "text" } } } },
  "POST /dashboard/api/session": {
    body: { schema: "SignIn", example: { key: "wp_operator_secret" } },
    answers: ok("Whose session it is; its cookie comes with it.", "Anything"),
  },
  "GET /dashboard/api/models": { answers: ok("Every name that selects a pool.", "ModelList") },
  "GET /v1/realtime": {
    query: { model: "Which model; it chooses the pool." },
    answers: { 101: { says: "A WebSocket." } },
  },
  "GET /dashboard/api/live": { answers: { 101: { says: "A WebSocket." } } },
  "GET /dashboard/api/history": { query: { minutes: "How far back.", step: "Minutes of one point." } },
  "POST /dashboard/api/demo": { body: { schema: "AnyBody", example: { action: "undo" } } },
  "POST /dashboard/api/try": {
    query: { path: "One of the paths of inference." },
    body: { schema: "ChatRequest", example: { model: MODEL, max_tokens: 8, messages: MESSAGES } },
    answers: streamed("ChatCompletion"),
  },
  "GET /metrics": {
    answers: { 200: { says: "Prometheus' text, or OpenMetrics by `Accept`.", content: { "text/plain": "text" } } },
  },
  "GET /admin/usage": { query: { ...USAGE, tenant: "Of one tenant alone." }, answers: usageAnswers },
  "GET /admin/fleet": { query: { probe: "`1`: every endpoint is asked first." }, answers: ok("Every shard.", "Fleet") },
  "POST /admin/explain": {
    body: { schema: "ExplainRequest", example: { model: MODEL, inputTokens: 1_000 } },
    answers: ok("The decision, and every candidate's costs.", "Anything"),
  },
  "POST /admin/endpoints/{id}/drain": { answers: DRAINED },
  "POST /admin/endpoints/{id}/undrain": { answers: DRAINED },
  "POST /admin/pools/{pool}/drain": { answers: DRAINED },
  "POST /admin/pools/{pool}/undrain": { answers: DRAINED },
  "POST /admin/jobs/{pool}/limits": { body: { schema: "AnyBody", example: { tenantLimit: 100, depthMax: 10_000 } } },
  "POST /admin/jobs/{pool}/replay-event": { body: { schema: "AnyBody", example: { webhookId: "wh_1" } } },
  "GET /admin/jobs": { answers: LIST },
  "GET /admin/jobs/{pool}/jobs": {
    query: { status: "One or several, with commas.", tenant: "Of one tenant.", ...PAGE },
    answers: LIST,
  },
  "GET /admin/jobs/{pool}/dead-letters": { query: { tenant: "Of one tenant.", ...PAGE }, answers: LIST },
  "POST /admin/jobs/{pool}/redrive": { body: { schema: "RedriveOrder", example: { all: true } } },
  "GET /admin/jobs/{pool}/webhooks": { query: { tenant: "Of one tenant." }, answers: LIST },
  "GET /admin/jobs/{pool}/dead-webhooks": { query: { tenant: "Of one tenant." }, answers: LIST },
  "POST /admin/jobs/{pool}/replay": { body: { schema: "ReplayOrder", example: { webhookIds: ["wh_1"] } } },
  "GET /admin/jobs/{pool}/workers": { answers: LIST },
  "GET /admin/keys": {
    query: { tenant: "Of one tenant.", after: "Ids behind this one.", limit: "1 to 1000, default 100." },
    answers: ok("The keys.", "KeyList"),
  },
  "POST /admin/keys": {
    body: { schema: "NewKey", example: { tenant: "acme", label: "ci", scopes: ["infer"], expiresInSeconds: 86_400 } },
    answers: { 201: json("The key, with its secret.", "MadeKey") },
  },
  "GET /admin/keys/{id}": { answers: KEY },
  "PATCH /admin/keys/{id}": { body: { schema: "KeyEdit", example: { note: "of the nightly job" } }, answers: KEY },
  "DELETE /admin/keys/{id}": { answers: KEY },
  "POST /admin/keys/{id}/rotate": {
    body: { schema: "KeyRotation", example: { overlapSeconds: 3_600 }, isOptional: true },
    answers: ok("The key, with its new secret.", "MadeKey"),
  },
  "GET /admin/audit": {
    query: {
      since: "A record's number, or an instant.",
      limit: "1 to 1000, default 100.",
      format: "`jsonl`: a line each.",
    },
    answers: { 200: { says: "Records.", content: { [JSON_TYPE]: "List", "application/x-ndjson": "text" } } },
  },
  "POST /admin/hooks": { body: { schema: "HookOrder", example: { pool: "main", tenant: "acme" } } },
  "POST /hooks/{token}": { body: { schema: "AnyBody", example: { input: { prompt: "warm" } } } },
  "GET /livez": { answers: { 200: { says: "`ok`", content: { "text/plain": "text" } } } },
  "GET /readyz": {
    answers: {
      200: { says: "`ok`", content: { "text/plain": "text" } },
      503: { says: "`misconfigured` or `draining`", content: { "text/plain": "text" } },
    },
  },
  "GET /openapi.json": { answers: { 200: json("OpenAPI 3.1.", "Anything") } },
};
