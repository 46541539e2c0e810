import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FIGURE_MAX } from "../../../backends/engines/figures.ts";
import { ADAPTERS_MAX, metricsReport } from "../../../backends/engines/metrics.ts";
import { LABEL_CHARS_MAX, readSamples, SAMPLES_MAX } from "../../../backends/engines/prometheus.ts";

/** Lines of vLLM 0.32.0 as it wrote them. */
const VLLM = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="test-model"} 3.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="test-model"} 2.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="test-model",reason="capacity"} 2.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="test-model"} 0.25
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="test-model"} 0.0
# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="128",cache_dtype="auto",enable_prefix_caching="True",engine="0",kv_cache_dtype_skip_layers="[]",kv_cache_size_tokens="131072",num_cpu_blocks="None",num_gpu_blocks="1024",sliding_window="None"} 1.0
`;

/** Lines of a llama.cpp server with --metrics. */
const LLAMA_CPP = `# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed, excluding cached tokens
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 1060
# TYPE llamacpp:prompt_tokens_cached_total counter
llamacpp:prompt_tokens_cached_total 6318
# TYPE llamacpp:prompt_seconds_total counter
llamacpp:prompt_seconds_total 1.033
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 1
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred 4
`;

describe("an engine's metrics", () => {
  test.each([
    {
      engine: "vLLM",
      text: VLLM,
      report: { runningRequests: 3, waitingRequests: 2, kvTokensMax: 131_072, kvTokensUsed: 32_768 },
    },
    {
      engine: "an older vLLM, with two engines",
      text: [
        'vllm:num_requests_running{engine="0"} 3',
        'vllm:num_requests_running{engine="1"} 4',
        'vllm:gpu_cache_usage_perc{engine="0"} 0.2',
        'vllm:gpu_cache_usage_perc{engine="1"} 0.4',
        'vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="1000"} 1',
        'vllm:cache_config_info{block_size="16",engine="1",num_gpu_blocks="1000"} 1',
      ].join("\n"),
      report: { runningRequests: 7, kvTokensMax: 32_000, kvTokensUsed: expect.closeTo(9_600, 6) },
    },
    {
      engine: "llama.cpp",
      text: LLAMA_CPP,
      report: { runningRequests: 1, waitingRequests: 4, readTokensTotal: 1_060, readBusyMsTotal: 1_033 },
    },
    {
      engine: "SGLang",
      text: `sglang:num_running_reqs{model_name="m"} 5.0\nsglang:num_queue_reqs{model_name="m"} 1.0\nsglang:token_usage{model_name="m"} 0.5\nsglang:max_total_num_tokens{model_name="m"} 1000.0\n`,
      report: { runningRequests: 5, waitingRequests: 1, kvTokensMax: 1_000, kvTokensUsed: 500 },
    },
    {
      engine: "TGI",
      text: "tgi_queue_size 3\ntgi_batch_current_size 8\n",
      report: { runningRequests: 8, waitingRequests: 3 },
    },
    {
      engine: "TensorRT-LLM",
      text: `trtllm_num_requests_running{model_name="m"} 2\ntrtllm_num_requests_waiting{model_name="m"} 6\ntrtllm_kv_cache_max_blocks{model_name="m"} 100\ntrtllm_kv_cache_tokens_per_block{model_name="m"} 32\ntrtllm_kv_cache_utilization{model_name="m"} 0.5\n`,
      report: { runningRequests: 2, waitingRequests: 6, kvTokensMax: 3_200, kvTokensUsed: 1_600 },
    },
    {
      engine: "TensorRT-LLM behind Triton",
      text: `nv_trt_llm_request_metrics{model="m",request_type="waiting",version="1"} 3\nnv_trt_llm_request_metrics{model="m",request_type="scheduled",version="1"} 7\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="tokens_per",model="m"} 64\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="m"} 10\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="m"} 50\n`,
      report: { runningRequests: 7, waitingRequests: 3, kvTokensMax: 3_200, kvTokensUsed: 640 },
    },
  ])("of $engine are read", ({ text, report }) => {
    expect(metricsReport(text)).toEqual(report);
  });

  test("that say nothing that is known are no report", () => {
    for (const text of ["", "go_goroutines 12\n", "<html>", "{}", "vllm:num_requests_running NaN\n"]) {
      expect(metricsReport(text)).toBeNull();
    }
  });

  test("that lack a figure do not tell it, which is not 0", () => {
    expect(metricsReport("vllm:num_requests_running 0\n")).toEqual({ runningRequests: 0 });
  });

  test("with figures that nobody can have do not tell them", () => {
    const of = (value: string) => metricsReport(`tgi_queue_size 1\ntgi_batch_current_size ${value}\n`);
    expect(of(String(FIGURE_MAX))).toEqual({ waitingRequests: 1, runningRequests: FIGURE_MAX });
    for (const value of ["1e13", "-1", "NaN", "+Inf", "1e400", "0x10", ""])
      expect(of(value)).toEqual({ waitingRequests: 1 });
  });
});

describe("resident adapters", () => {
  const info = (running: string, waiting: string, at: number) =>
    `vllm:lora_requests_info{max_lora="4",running_lora_adapters="${running}",waiting_lora_adapters="${waiting}"} ${at}\n`;

  test("are those of the newest series, running and waiting", () => {
    const text = info("old", "", 1_796_036_400.5) + info("a,b", "c", 1_796_036_483.25) + info("older", "", 1);
    expect(metricsReport(text)).toEqual({ adapters: ["a", "b", "c"] });
  });

  test("are none where there are none", () => {
    expect(metricsReport(info("", "", 1))).toEqual({ adapters: [] });
  });

  test("are ADAPTERS_MAX and no more", () => {
    const names = (count: number) => Array.from({ length: count }, (_, at) => `a${at}`).join(",");
    expect(metricsReport(info(names(ADAPTERS_MAX), "", 1))?.adapters).toHaveLength(ADAPTERS_MAX);
    expect(metricsReport(info(names(ADAPTERS_MAX + 1), "", 1))?.adapters).toHaveLength(ADAPTERS_MAX);
  });
});

describe("the reader of Prometheus text", () => {
  const wanted = new Set(["a"]);
  const read = (text: string) =>
    (readSamples(text, wanted).get("a") ?? []).map(({ labels, value }) => [Object.fromEntries(labels), value]);

  test.each([
    { name: "a value", text: "a 1", samples: [[{}, 1]] },
    { name: "a value with a time stamp", text: "a 1.5e3 1395066363000", samples: [[{}, 1_500]] },
    {
      name: "lines that end in CRLF",
      text: "a 1\r\na 2\r\n",
      samples: [
        [{}, 1],
        [{}, 2],
      ],
    },
    { name: "labels with spaces and a last comma", text: 'a{ x="1" , y="2",} 3', samples: [[{ x: "1", y: "2" }, 3]] },
    { name: "escapes", text: 'a{x="\\"q\\" \\\\ \\n}"} 1', samples: [[{ x: '"q" \\ \n}' }, 1]] },
    { name: "no labels between braces", text: "a{} 1", samples: [[{}, 1]] },
    { name: "only whole names", text: "a_b 1\nab 1\nb 1\n a 1\n# a 1", samples: [] },
    { name: "nothing of broken lines", text: 'a{x="1} 1\na{x=1} 1\na{x="1" 1\na\na one\na{x="\\', samples: [] },
  ])("reads $name", ({ text, samples }) => {
    expect(read(text)).toEqual(samples);
  });

  test("keeps SAMPLES_MAX samples and no more", () => {
    expect(read("a 1\n".repeat(SAMPLES_MAX))).toHaveLength(SAMPLES_MAX);
    expect(read("a 1\n".repeat(SAMPLES_MAX + 1))).toHaveLength(SAMPLES_MAX);
  });

  test("cuts a label at LABEL_CHARS_MAX", () => {
    const [[labels] = []] = read(`a{x="${"y".repeat(LABEL_CHARS_MAX + 1)}"} 1`) as [Record<string, string>, number][];
    expect(labels?.["x"]).toHaveLength(LABEL_CHARS_MAX);
  });

  test("survives whatever an engine writes", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("a", "a{", 'x="', '"', "\\", "}", " 1", "\n", ",", "vllm:cache_config_info{", "1e999", "\u0000"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join("");
        for (const { value } of readSamples(text, wanted).get("a") ?? []) expect(Number.isFinite(value)).toBe(true);
        metricsReport(text);
      }),
    );
  });

  test("passes over a line without end in one look", () => {
    const long = `${"a".repeat(500_000)}\n${'a{x="\\\\'.repeat(50_000)}\na{x="${"\\x".repeat(500_000)}"} x\na 1\n`;
    expect(read(long)).toEqual([[{}, 1]]);
  });
});
