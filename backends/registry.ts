/** Every adapter by the name that a config uses for it. */
import { openaiBackend } from "./openai.ts";
import type { Backend } from "./port.ts";
import { runpodLbBackend } from "./runpod-lb.ts";

export const BACKENDS = {
  openai: openaiBackend,
  "runpod-lb": runpodLbBackend,
} as const satisfies Record<string, Backend>;
