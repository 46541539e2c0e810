/** Every adapter by the name that a config uses for it. */
import type { BackendKind } from "../src/config/config.ts";
import { cogBackend } from "./cog.ts";
import { llamacppBackend } from "./llamacpp.ts";
import { nimBackend } from "./nim.ts";
import { ollamaBackend } from "./ollama.ts";
import { openaiBackend } from "./openai.ts";
import type { Backend } from "./port.ts";
import { runpodLbBackend } from "./runpod-lb.ts";
import { sglangBackend } from "./sglang.ts";
import { tgiBackend } from "./tgi.ts";
import { tritonBackend } from "./triton.ts";
import { trtllmBackend } from "./trtllm.ts";
import { vllmBackend } from "./vllm.ts";

export const BACKENDS = {
  openai: openaiBackend,
  vllm: vllmBackend,
  sglang: sglangBackend,
  tgi: tgiBackend,
  trtllm: trtllmBackend,
  llamacpp: llamacppBackend,
  ollama: ollamaBackend,
  nim: nimBackend,
  triton: tritonBackend,
  cog: cogBackend,
  "runpod-lb": runpodLbBackend,
} as const satisfies Record<BackendKind, Backend>;
