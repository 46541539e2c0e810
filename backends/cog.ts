/**
 * Adapter for cog containers. `/health-check` is always 200, and what it says is in the body: a container that is broken
 * for good answers 200 as well. 409 is "all slots are taken". Work goes to `/predictions`.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { isObject } from "../src/lib/json-object.ts";
import { failedProbe, look, openaiBackend, READY } from "./openai.ts";
import type { Backend } from "./port.ts";

const SLOTS_TAKEN = 409;

export const cogBackend: Backend = {
  ...openaiBackend,
  kind: "cog",
  probe: async (target, egress, signal) => {
    const told = await look(null, target, egress, signal);
    switch (told.status === 200 ? statusIn(told.body) : null) {
      // Busy is well: its slots are counted by leases.
      case "READY":
      case "BUSY":
        return READY;
      case "STARTING":
        return { kind: "warming" };
      default:
        return failedProbe(told);
    }
  },
  classify: (answer) => (answer.status === SLOTS_TAKEN ? "capacity" : openaiBackend.classify(answer)),
};

function statusIn(body: string): unknown {
  try {
    const json: unknown = JSON.parse(body);
    return isObject(json) ? json["status"] : null;
  } catch {
    return null;
  }
}
