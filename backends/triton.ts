/**
 * Adapter for Triton and other servers of KServe's open inference protocol v2: `/v2/health/ready` says by its status alone
 * whether all models are loaded: 400 until they are. Work goes to `/v2/models/{model}/infer`.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { failedProbe, look, openaiBackend, READY } from "./openai.ts";
import type { Backend } from "./port.ts";

export const tritonBackend: Backend = {
  ...openaiBackend,
  kind: "triton",
  probe: async (target, egress, signal) => {
    const ready = await look(null, target, egress, signal);
    if (ready.status === 200) return READY;
    return ready.status === 400 || ready.status === 503 ? { kind: "warming" } : failedProbe(ready);
  },
};
