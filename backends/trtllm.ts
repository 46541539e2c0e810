/**
 * Adapter for TensorRT-LLM's own server (`trtllm-serve`): `/health` as any, load at `/prometheus/metrics`.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { openaiBackend } from "./openai.ts";
import type { Backend } from "./port.ts";

export const trtllmBackend: Backend = { ...openaiBackend, kind: "trtllm" };
