/**
 * The numbers a vLLM server publishes, under vLLM's names, as Prometheus text.
 *
 * Times come from the engine's own clock, so they are what the model says and not what the event loop made of it.
 * Rejected: prom-client; a counter and a histogram are a few lines.
 */
import type { EngineLoad } from "../gpu-engine/engine-types.ts";

export type Histogram = { readonly bounds: readonly number[]; readonly counts: number[]; sum: number; count: number };

export type FinishReason = "stop" | "length" | "abort";

export type Metrics = {
  readonly timeToFirstToken: Histogram;
  readonly interTokenLatency: Histogram;
  readonly endToEnd: Histogram;
  readonly queueTime: Histogram;
  readonly finished: Record<FinishReason, number>;
  /** Requests of each adapter that have not ended. */
  readonly adapters: Map<string, number>;
  promptTokens: number;
  generationTokens: number;
};

/** Seconds; the bounds that vLLM and llm-d-inference-sim use for each histogram. */
const TTFT_BOUNDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const ITL_BOUNDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];
const REQUEST_BOUNDS = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];

export function createMetrics(): Metrics {
  return {
    timeToFirstToken: createHistogram(TTFT_BOUNDS),
    interTokenLatency: createHistogram(ITL_BOUNDS),
    endToEnd: createHistogram(REQUEST_BOUNDS),
    queueTime: createHistogram(REQUEST_BOUNDS),
    finished: { stop: 0, length: 0, abort: 0 },
    adapters: new Map(),
    promptTokens: 0,
    generationTokens: 0,
  };
}

export function observeMs(histogram: Histogram, ms: number): void {
  const seconds = ms / 1000;
  const index = histogram.bounds.findIndex((bound) => seconds <= bound);
  const bucket = index === -1 ? histogram.bounds.length : index;
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
  histogram.sum += seconds;
  histogram.count += 1;
}

export function renderMetrics(
  metrics: Metrics,
  options: { readonly modelName: string; readonly load: EngineLoad; readonly hasAdapters: boolean },
): string {
  const model = `model_name="${options.modelName.replaceAll(/["\\\n]/gu, "_")}"`;
  const { load } = options;
  const simple = (name: string, type: "gauge" | "counter", help: string, value: number): string[] => [
    ...header(name, type, help),
    `${name}{${model}} ${value}`,
  ];
  return [
    ...simple("vllm:num_requests_running", "gauge", "Requests in the batch.", load.running),
    ...simple("vllm:num_requests_waiting", "gauge", "Requests that wait for a slot.", load.waiting),
    ...simple("vllm:kv_cache_usage_perc", "gauge", "Share of the KV cache in use, 0 to 1.", load.kvUsage),
    ...simple("vllm:prompt_tokens_total", "counter", "Prompt tokens of started answers.", metrics.promptTokens),
    ...simple("vllm:generation_tokens_total", "counter", "Tokens generated.", metrics.generationTokens),
    ...header("vllm:request_success_total", "counter", "Requests that ended, by reason."),
    ...Object.entries(metrics.finished).map(
      ([reason, count]) => `vllm:request_success_total{${model},finished_reason="${reason}"} ${count}`,
    ),
    ...(options.hasAdapters ? adapterLines(metrics) : []),
    ...histogramLines(
      "vllm:time_to_first_token_seconds",
      "Submission to first token.",
      metrics.timeToFirstToken,
      model,
    ),
    ...histogramLines("vllm:inter_token_latency_seconds", "Token to token.", metrics.interTokenLatency, model),
    ...histogramLines("vllm:e2e_request_latency_seconds", "Submission to last token.", metrics.endToEnd, model),
    ...histogramLines("vllm:request_queue_time_seconds", "Submission to slot.", metrics.queueTime, model),
    "",
  ].join("\n");
}

/** One series at a time; vLLM keeps those of before too, and the newest is the true one. */
function adapterLines({ adapters }: Metrics): string[] {
  const running = [...adapters].filter(([, count]) => count > 0).map(([name]) => name);
  const labels = `max_lora="${running.length}",running_lora_adapters="${running.join(",")}",waiting_lora_adapters=""`;
  return [
    ...header("vllm:lora_requests_info", "gauge", "Adapters of requests, and when that was so."),
    `vllm:lora_requests_info{${labels}} ${Date.now() / 1000}`,
  ];
}

const createHistogram = (bounds: readonly number[]): Histogram => ({
  bounds,
  counts: bounds.map(() => 0).concat(0),
  sum: 0,
  count: 0,
});

const header = (name: string, type: string, help: string): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

function histogramLines(name: string, help: string, histogram: Histogram, model: string): string[] {
  const lines = header(name, "histogram", help);
  let below = 0;
  for (const [index, bound] of [...histogram.bounds, Infinity].entries()) {
    below += histogram.counts[index] ?? 0;
    lines.push(`${name}_bucket{${model},le="${bound === Infinity ? "+Inf" : bound}"} ${below}`);
  }
  lines.push(`${name}_sum{${model}} ${histogram.sum}`, `${name}_count{${model}} ${histogram.count}`);
  return lines;
}
