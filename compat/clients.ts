/** The clients, by the way in which each speaks to models. */
import type { FeatureId } from "./feature-list.ts";

/** Where a client's packages lie: one of Node's, or an environment of Python; one is for OpenAI's own tests. */
export type Home = "node" | "python" | "python-llamaindex" | "python-sdk";

export type Client = {
  /** For `--only`, and the name of its row in `results.json`. */
  readonly id: string;
  readonly name: string;
  readonly speaks: "Chat completions" | "Responses" | "Messages" | "Jobs";
  readonly home: Home;
  /** In `js/` or `python/`. */
  readonly module: string;
  /** In `examples/`; several clients may share one. */
  readonly example?: string;
  /** What it does not have, and why. */
  readonly without?: Partial<Readonly<Record<FeatureId, string>>>;
  /** Faults that are its own, with the evidence. */
  readonly faults?: Partial<Readonly<Record<FeatureId, string>>>;
};

const NO_PROGRAM = "a recorded request, no program";
const JOBS_WITHOUT = {
  tools: "a job's input and output are passed as they are",
  structured: "a job's input and output are passed as they are",
  vision: "a job's input and output are passed as they are",
  busy: "a job waits in the queue: the client is refused nothing",
  retries: "a job is repeated by the queue, not by the client",
} as const;
const SIBLING = "as that of another client of the package";
const AGENT_WITHOUT = {
  structured: "agents ask for no structured answer",
  busy: NO_PROGRAM,
  retries: NO_PROGRAM,
  example: "how-to/serve-agents.md has its settings",
} as const;

export const CLIENTS: readonly Client[] = [
  {
    id: "openai7-chat",
    name: "openai 7",
    speaks: "Chat completions",
    home: "node",
    module: "openai7-chat",
    example: "node/openai.mjs",
  },
  {
    id: "openai7-responses",
    name: "openai 7",
    speaks: "Responses",
    home: "node",
    module: "openai7-responses",
    example: "node/openai-responses.mjs",
  },
  {
    id: "openai6-chat",
    name: "openai 6",
    speaks: "Chat completions",
    home: "node",
    module: "openai6-chat",
    without: { example: SIBLING },
  },
  {
    id: "openai6-responses",
    name: "openai 6",
    speaks: "Responses",
    home: "node",
    module: "openai6-responses",
    without: { example: SIBLING },
  },
  {
    id: "openai-python-chat",
    name: "openai, Python",
    speaks: "Chat completions",
    home: "python",
    module: "openai_chat",
    example: "python/openai_chat.py",
  },
  {
    id: "openai-python-responses",
    name: "openai, Python",
    speaks: "Responses",
    home: "python",
    module: "openai_responses",
    example: "python/openai_responses.py",
  },
  {
    id: "ai-compatible",
    name: "Vercel AI SDK, openai-compatible",
    speaks: "Chat completions",
    home: "node",
    module: "ai-compatible",
    example: "node/ai-sdk.mjs",
  },
  {
    id: "ai-openai",
    name: "Vercel AI SDK, openai",
    speaks: "Responses",
    home: "node",
    module: "ai-openai",
    without: { example: SIBLING },
    faults: {
      tools:
        "the package's own default: it names the items of its first turn (`item_reference`) instead of sending them, because Responses are kept at OpenAI. An endpoint that speaks chat completions alone keeps none, so the router refuses that by name. With `providerOptions: { openai: { store: false } }` it sends them: the next row.",
    },
  },
  {
    id: "ai-openai-unkept",
    name: "Vercel AI SDK, openai, `store: false`",
    speaks: "Responses",
    home: "node",
    module: "ai-openai-unkept",
    without: { example: SIBLING },
  },
  {
    id: "ai-anthropic",
    name: "Vercel AI SDK, anthropic",
    speaks: "Messages",
    home: "node",
    module: "ai-anthropic",
    without: { example: SIBLING },
  },
  {
    id: "langchain-openai",
    name: "LangChain, ChatOpenAI",
    speaks: "Chat completions",
    home: "node",
    module: "langchain-openai",
    example: "node/langchain.mjs",
  },
  {
    id: "langchain-anthropic",
    name: "LangChain, ChatAnthropic",
    speaks: "Messages",
    home: "node",
    module: "langchain-anthropic",
    without: { example: SIBLING },
  },
  {
    id: "langchain-python-openai",
    name: "LangChain, Python, ChatOpenAI",
    speaks: "Chat completions",
    home: "python",
    module: "langchain_openai_chat",
    example: "python/langchain_chat.py",
  },
  {
    id: "langchain-python-anthropic",
    name: "LangChain, Python, ChatAnthropic",
    speaks: "Messages",
    home: "python",
    module: "langchain_anthropic_messages",
    without: { example: SIBLING },
  },
  {
    id: "llamaindex",
    name: "LlamaIndex, OpenAI",
    speaks: "Chat completions",
    home: "node",
    module: "llamaindex",
    example: "node/llamaindex.mjs",
    faults: {
      abort:
        "the client does not close what it leaves: `wrapEventCaller` of `@llamaindex/core/decorator` drives the package's stream by `next()` alone, so that `break` and `return()` never reach it, and `chat` takes no signal. The router sees a client that still reads; the attempt ends with the model, or at `executionTimeoutMs`.",
    },
  },
  {
    id: "llamaindex-python",
    name: "LlamaIndex, Python, OpenAILike",
    speaks: "Chat completions",
    home: "python-llamaindex",
    module: "llamaindex_openai",
    example: "python/llamaindex_chat.py",
    faults: {
      abort:
        "the client does not close what it leaves: closing its generator ends the wrapper alone (`llms/callbacks.py`), and the stream of `openai` below it stays open until Python's collector comes by. Tried: after `gc.collect()` the connection is closed and no lease is left.",
    },
  },
  {
    id: "anthropic",
    name: "@anthropic-ai/sdk",
    speaks: "Messages",
    home: "node",
    module: "anthropic",
    example: "node/anthropic.mjs",
  },
  {
    id: "anthropic-python",
    name: "anthropic, Python",
    speaks: "Messages",
    home: "python",
    module: "anthropic_messages",
    example: "python/anthropic_messages.py",
  },
  {
    id: "litellm-openai",
    name: "litellm, openai/",
    speaks: "Chat completions",
    home: "python",
    module: "litellm_openai",
    example: "python/litellm_chat.py",
    faults: {
      refused:
        "`num_retries` of LiteLLM repeats every error (`completion_with_retries`), a 400 with `x-should-retry: false` as well. With `max_retries` instead, as in the example, it does not.",
    },
  },
  {
    id: "litellm-anthropic",
    name: "litellm, anthropic/",
    speaks: "Messages",
    home: "python",
    module: "litellm_anthropic",
    without: { example: SIBLING },
    faults: {
      refused:
        "`num_retries` of LiteLLM repeats every error (`completion_with_retries`), a 400 with `x-should-retry: false` as well.",
      busy: "`num_retries` of LiteLLM asks again within milliseconds, whatever `Retry-After` says, until its tries are used up.",
    },
  },
  {
    id: "llm",
    name: "llm, the command",
    speaks: "Chat completions",
    home: "python",
    module: "llm_cli",
    example: "python/llm.sh",
  },
  {
    id: "runpod-sdk",
    name: "runpod-sdk",
    speaks: "Jobs",
    home: "node",
    module: "runpod-sdk",
    example: "node/runpod.mjs",
    without: JOBS_WITHOUT,
  },
  {
    id: "runpod-python",
    name: "runpod, Python",
    speaks: "Jobs",
    home: "python",
    module: "runpod_jobs",
    example: "python/runpod_jobs.py",
    without: JOBS_WITHOUT,
  },
  {
    id: "claude-code",
    name: "Claude Code's requests",
    speaks: "Messages",
    home: "node",
    module: "claude-code",
    without: AGENT_WITHOUT,
  },
  {
    id: "codex",
    name: "Codex's requests",
    speaks: "Responses",
    home: "node",
    module: "codex",
    without: AGENT_WITHOUT,
  },
];
