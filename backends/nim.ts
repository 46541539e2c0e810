/**
 * Adapter for NVIDIA NIM: `/v1/health/ready` is 503 until the model is loaded. `/v1/health/live` is answered by the proxy
 * in front, without a model, and is never asked.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { failedProbe, look, openaiBackend, READY } from "./openai.ts";
import type { Backend } from "./port.ts";

export const nimBackend: Backend = {
  ...openaiBackend,
  kind: "nim",
  probe: async (target, egress, signal) => {
    const ready = await look(null, target, egress, signal);
    if (ready.status === 200) return READY;
    return ready.status === 503 ? { kind: "warming" } : failedProbe(ready);
  },
};
