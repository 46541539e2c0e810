/**
 * What a Prometheus text of an engine says of its load, whichever engine it is: names carry the engine's own prefix.
 *
 * Model. Gauges of several ranks (data parallelism) are added up, shares of their caches averaged by their sizes; what
 * is not there is not told. Times and counters become ms and totals.
 * Source: docs/reference/sources.md, Inference servers: vLLM's `vllm:*` with `cache_config_info` and
 * `lora_requests_info`, SGLang's `sglang:*`, TGI's `tgi_*`, TensorRT-LLM's `trtllm_*` and, behind Triton,
 * `nv_trt_llm_*`, llama.cpp's `llamacpp:*`.
 * Rejected: SGLang's `cache_hit_rate`, which its own documentation calls unreliable; vLLM's sums of prefill times,
 * which overlap, so that tokens by them are no speed.
 */
import type { EngineReport } from "../../src/routing/core/endpoint/engine-report.ts";
import { reportOf } from "./figures.ts";
import { readSamples } from "./prometheus.ts";
import type { Samples } from "./prometheus.ts";

/** Adapters remembered of one engine: more are in no engine's memory at once. */
export const ADAPTERS_MAX = 32;
/** As long as a pool's model names may be. */
const ADAPTER_CHARS_MAX = 200;

type Reader = (samples: Samples) => EngineReport | null;

/** Null: it is no engine's that is known, or says nothing. */
export function metricsReport(text: string): EngineReport | null {
  const samples = readSamples(text, WANTED);
  for (const read of READERS) {
    const report = read(samples);
    if (report !== null) return report;
  }
  return null;
}

const vllm: Reader = (samples) => {
  const kvTokensMax = sumOf(samples, "vllm:cache_config_info", ({ labels }) => {
    // Models of several kinds of layers have blocks of several sizes; older versions tell the blocks alone.
    const told = Number(labels.get("kv_cache_size_tokens"));
    const tokens = told > 0 ? told : Number(labels.get("block_size")) * Number(labels.get("num_gpu_blocks"));
    return tokens > 0 ? tokens : undefined;
  });
  const share = meanOf(samples, "vllm:kv_cache_usage_perc") ?? meanOf(samples, "vllm:gpu_cache_usage_perc");
  return reportOf({
    runningRequests: sumOf(samples, "vllm:num_requests_running"),
    waitingRequests: sumOf(samples, "vllm:num_requests_waiting"),
    waitingTokens: sumOf(samples, "vllm:approximate_uncached_tokens_waiting"),
    kvTokensMax,
    kvTokensUsed: times(kvTokensMax, share),
    adapters: vllmAdapters(samples),
  });
};

/** Every list that there ever was is a series of its own, whose value is when it was true: the newest is. */
function vllmAdapters(samples: Samples): readonly string[] | undefined {
  const [first, ...rest] = samples.get("vllm:lora_requests_info") ?? [];
  if (first === undefined) return undefined;
  const { labels } = rest.reduce((newest, one) => (one.value > newest.value ? one : newest), first);
  const listed = `${labels.get("running_lora_adapters") ?? ""},${labels.get("waiting_lora_adapters") ?? ""}`;
  const names = listed.split(",").filter((name) => name !== "" && name.length <= ADAPTER_CHARS_MAX);
  return [...new Set(names)].slice(0, ADAPTERS_MAX);
}

const sglang: Reader = (samples) => {
  const kvTokensMax = sumOf(samples, "sglang:max_total_num_tokens");
  return reportOf({
    runningRequests: sumOf(samples, "sglang:num_running_reqs"),
    waitingRequests: sumOf(samples, "sglang:num_queue_reqs"),
    kvTokensMax: kvTokensMax === 0 ? undefined : kvTokensMax,
    kvTokensUsed: sumOf(samples, "sglang:num_used_tokens") ?? times(kvTokensMax, meanOf(samples, "sglang:token_usage")),
  });
};

const tgi: Reader = (samples) =>
  reportOf({
    runningRequests: sumOf(samples, "tgi_batch_current_size"),
    waitingRequests: sumOf(samples, "tgi_queue_size"),
  });

const trtLlm: Reader = (samples) => {
  const blocks = sumOf(samples, "trtllm_kv_cache_max_blocks");
  const kvTokensMax = times(blocks, meanOf(samples, "trtllm_kv_cache_tokens_per_block"));
  return reportOf({
    runningRequests: sumOf(samples, "trtllm_num_requests_running"),
    waitingRequests: sumOf(samples, "trtllm_num_requests_waiting"),
    kvTokensMax,
    kvTokensUsed: times(kvTokensMax, meanOf(samples, "trtllm_kv_cache_utilization")),
  });
};

/** TensorRT-LLM behind Triton: one name, and the figure's own in a label. */
const triton: Reader = (samples) => {
  const requests = (type: string) => labelled(samples, "nv_trt_llm_request_metrics", "request_type", type);
  const blocks = (type: string) => labelled(samples, "nv_trt_llm_kv_cache_block_metrics", "kv_cache_block_type", type);
  const tokensPerBlock = blocks("tokens_per");
  return reportOf({
    runningRequests: requests("scheduled"),
    waitingRequests: requests("waiting"),
    kvTokensMax: times(blocks("max"), tokensPerBlock),
    kvTokensUsed: times(blocks("used"), tokensPerBlock),
  });
};

const llamaCpp: Reader = (samples) =>
  reportOf({
    runningRequests: sumOf(samples, "llamacpp:requests_processing"),
    waitingRequests: sumOf(samples, "llamacpp:requests_deferred"),
    // Counts what was read, not what was cached; the seconds are those of reading alone.
    readTokensTotal: sumOf(samples, "llamacpp:prompt_tokens_total"),
    readBusyMsTotal: times(sumOf(samples, "llamacpp:prompt_seconds_total"), 1_000),
  });

const READERS: readonly Reader[] = [vllm, sglang, tgi, trtLlm, triton, llamaCpp];

const WANTED: ReadonlySet<string> = new Set([
  "vllm:cache_config_info",
  "vllm:kv_cache_usage_perc",
  "vllm:gpu_cache_usage_perc",
  "vllm:num_requests_running",
  "vllm:num_requests_waiting",
  "vllm:approximate_uncached_tokens_waiting",
  "vllm:lora_requests_info",
  "sglang:num_running_reqs",
  "sglang:num_queue_reqs",
  "sglang:max_total_num_tokens",
  "sglang:num_used_tokens",
  "sglang:token_usage",
  "tgi_batch_current_size",
  "tgi_queue_size",
  "trtllm_num_requests_running",
  "trtllm_num_requests_waiting",
  "trtllm_kv_cache_max_blocks",
  "trtllm_kv_cache_tokens_per_block",
  "trtllm_kv_cache_utilization",
  "nv_trt_llm_request_metrics",
  "nv_trt_llm_kv_cache_block_metrics",
  "llamacpp:requests_processing",
  "llamacpp:requests_deferred",
  "llamacpp:prompt_tokens_total",
  "llamacpp:prompt_seconds_total",
]);

type Figure = (sample: { readonly labels: ReadonlyMap<string, string>; readonly value: number }) => number | undefined;

function figures(samples: Samples, name: string, figure: Figure = ({ value }) => value): readonly number[] {
  return (samples.get(name) ?? []).map(figure).filter((value) => value !== undefined && value >= 0) as number[];
}

function sumOf(samples: Samples, name: string, figure?: Figure): number | undefined {
  const found = figures(samples, name, figure);
  return found.length === 0 ? undefined : found.reduce((sum, value) => sum + value, 0);
}

function meanOf(samples: Samples, name: string): number | undefined {
  const found = figures(samples, name);
  return found.length === 0 ? undefined : found.reduce((sum, value) => sum + value, 0) / found.length;
}

const labelled = (samples: Samples, name: string, label: string, is: string): number | undefined =>
  sumOf(samples, name, ({ labels, value }) => (labels.get(label) === is ? value : undefined));

const times = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : one * other;
