/**
 * Adapter for vLLM. `/health` is 200 as long as the engine's process has not failed, and nothing listens while the model
 * loads. Its traps: `/load` stays 0 unless the server counts, so it is never asked; a `priority` in a request is an error
 * unless the scheduler takes priorities, which is the client's.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { openaiBackend } from "./openai.ts";
import type { Backend } from "./port.ts";

export const vllmBackend: Backend = { ...openaiBackend, kind: "vllm" };
