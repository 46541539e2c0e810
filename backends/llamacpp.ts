/**
 * Adapter for llama.cpp's server. It listens while its model loads and says so with a 503, "Loading model", to health and
 * work alike. A 501 is the request's fault: the model cannot do what was asked.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { openaiBackend } from "./openai.ts";
import type { Backend } from "./port.ts";

export const llamacppBackend: Backend = { ...openaiBackend, kind: "llamacpp" };
