/**
 * Adapter for Text Generation Inference: `/health` is 200, or 503 with `"error_type":"healthcheck"` until the model has
 * answered once. Its trap: a generation that failed is a 424, which is the server's fault and not the client's.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { openaiBackend } from "./openai.ts";
import type { Backend } from "./port.ts";

const GENERATION_FAILED = 424;

export const tgiBackend: Backend = {
  ...openaiBackend,
  kind: "tgi",
  classify: (answer) => (answer.status === GENERATION_FAILED ? "server_fault" : openaiBackend.classify(answer)),
};
