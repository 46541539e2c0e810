/**
 * Decides what a client may reach at an endpoint when it names the path itself: under `/p`, under
 * `/v2/{pool}/openai`, in a job's route.
 *
 * Model: the request goes out with the operator's credential, and an engine serves inference and its own operation on
 * one port, mostly behind one key. So what inference needs is open, and everything else is closed until `pools.*.paths`
 * opens it. What operates an engine (loads, unloads, stops, flushes, profiles, shows its insides) needs a key with the
 * scope `operate` besides: who writes `*` thinks of a server's own routes, and not of its `/shutdown`.
 * Sources: the route tables of vLLM, SGLang, llama.cpp, Ollama, TGI, TEI, Triton/KServe, NIM, LMDeploy, LocalAI.
 * Rejected: a list of what is closed alone, which every new release of an engine makes incomplete; telling engines
 * apart, which a config would have to know and a proxy in front would hide.
 */

type OpenPaths = {
  /** Why a client that only infers needs them. */
  readonly why: string;
  readonly methods: readonly string[];
  /** Exact, or with `/*` at the end: everything below. */
  readonly paths: readonly string[];
};

const READ = ["GET", "HEAD"] as const;
const CALL = ["POST"] as const;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/**
 * Open in every pool. Stored answers (`/v1/responses/{id}`), files and batches are not: an endpoint has one user, us.
 */
export const OPEN_PATHS: readonly OpenPaths[] = [
  {
    why: "OpenAI's and Anthropic's APIs, also without /v1 as some engines have them",
    methods: CALL,
    paths: words(`
      /v1/chat/completions /v1/completions /v1/embeddings /v1/responses /v1/messages /v1/messages/count_tokens
      /v1/moderations /v1/images/* /chat/completions /completions /embeddings
    `),
  },
  { why: "speech and its voices", methods: [...READ, ...CALL], paths: ["/v1/audio/*"] },
  { why: "OpenAI's Realtime, a WebSocket", methods: ["GET"], paths: ["/v1/realtime"] },
  { why: "which models there are", methods: READ, paths: ["/v1/models", "/v1/models/*", "/models"] },
  {
    why: "ranking, scoring, classification",
    methods: CALL,
    paths: words(`
      /v1/rerank /v2/rerank /rerank /reranking /v1/reranking /v1/score /score /classify /v1/classify /pooling /encode
      /similarity /predict
    `),
  },
  {
    why: "tokens of a text, and its template",
    methods: CALL,
    paths: words(`
      /tokenize /detokenize /v1/tokenize /v1/detokenize /decode /apply-template /chat_tokenize
    `),
  },
  {
    why: "engines' own inference: SGLang and TGI, llama.cpp, TEI, SageMaker's containers, Runpod's handlers",
    methods: CALL,
    paths: words(`
      / /generate /generate_stream /inference/v1/generate /completion /infill /embedding /embed /embed_all
      /embed_sparse /invocations /runsync
    `),
  },
  {
    why: "Ollama's inference",
    methods: CALL,
    paths: words("/api/chat /api/generate /api/embed /api/embeddings /api/show"),
  },
  { why: "Ollama's models", methods: READ, paths: words("/api/tags /api/ps /api/version") },
  { why: "KServe's and Triton's inference", methods: [...READ, ...CALL], paths: ["/v2/models/*"] },
  {
    why: "is it up, and what is it",
    methods: READ,
    paths: words(`
      /health /healthz /livez /readyz /live /ready /ping /version /info /health_generate /get_model_info /model_info
      /v1/health /v1/health/* /v1/version /v1/metadata /v2 /v2/health/*
    `),
  },
];

/**
 * What operates an engine, wherever it stands in a path: whole segments, in lower case. Reads are among them where they
 * show other tenants' work, or the server's own key.
 */
export const OPERATOR_PATHS: ReadonlySet<string> = new Set(
  words(`
    shutdown terminate admin debug metrics prometheus perf_metrics server_info get_server_info server_args
    sleep wake_up wakeup is_sleeping pause resume is_paused pause_generation continue_generation
    abort_request abort_requests slow_down freeze_gc collective_rpc configure_logging set_internal_state
    get_internal_state open_session close_session
    flush_cache clear_hicache_storage_backend hicache reset_prefix_cache reset_mm_cache reset_encoder_cache
    kv_cache_events slots props lora-adapters
    load_lora_adapter load_lora_adapter_from_tensors unload_lora_adapter
    models/load models/unload models/apply models/delete models/download backends/apply backends/delete
    backend/shutdown backend/monitor cors-proxy
    update_weights update_weights_from_disk update_weights_from_tensor update_weights_from_distributed
    update_weights_from_ipc update_weight_version init_weights_update_group destroy_weights_update_group
    init_weights_send_group_for_remote_instance send_weights_to_remote_instance init_weight_transfer_engine
    start_weight_update finish_weight_update get_weights_by_name weights_checker
    release_memory_occupation resume_memory_occupation release_memory resume_memory
    scale_elastic_ep is_scaling_elastic_ep distserve
    start_profile stop_profile start_expert_distribution_record stop_expert_distribution_record
    dump_expert_distribution_record
    api/pull api/push api/create api/copy api/delete api/blobs
    v2/repository v2/systemsharedmemory v2/cudasharedmemory v2/tpusharedmemory v2/trace v2/logging trace/setting
  `),
);

/** The longest entry of the list, in segments. */
const OPERATOR_SEGMENTS_MAX = 2;

export type Reach = "open" | "closed" | "wrong_method" | "operator";

/** `path`: in the one spelling, without its query. `opened`: the pool's `paths`. */
export function reachOf(path: string, method: string, opened: readonly string[]): Reach {
  const asked = path.length > 1 ? path.replace(/\/$/, "") : path;
  const isOpened = opened.some((pattern) => covers(pattern, asked));
  const open = OPEN_PATHS.filter(({ paths }) => paths.some((pattern) => covers(pattern, asked)));
  if (!isOpened && open.length === 0) return "closed";
  if (isOperatorPath(asked)) return "operator";
  return isOpened || open.some(({ methods }) => methods.includes(method)) ? "open" : "wrong_method";
}

/** Methods of a path that is open in every pool. */
export function methodsOf(path: string): readonly string[] {
  const open = OPEN_PATHS.filter(({ paths }) => paths.some((pattern) => covers(pattern, path)));
  return [...new Set(open.flatMap(({ methods }) => methods))];
}

/** Read as a lenient server would: whatever its case, its encoding, and what follows a semicolon, or ends a URL. */
function isOperatorPath(path: string): boolean {
  const segments = decodeURIComponent(path)
    .toLowerCase()
    .replaceAll(/[;?#\s][^/]*/g, "")
    .split("/");
  return segments.some((_, at) =>
    Array.from({ length: OPERATOR_SEGMENTS_MAX }, (__, more) => segments.slice(at, at + 1 + more).join("/")).some(
      (name) => OPERATOR_PATHS.has(name),
    ),
  );
}

function covers(pattern: string, path: string): boolean {
  if (pattern === "*" || pattern === path) return true;
  return pattern.endsWith("/*") && path.startsWith(pattern.slice(0, -1));
}
