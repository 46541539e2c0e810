/** Options of what is asked of engines beside their work. */
import * as z from "zod";
import { ADAPTERS_PER_POOL_MAX, ENGINE_LOADS } from "./config-bounds.ts";

export const engineLoad = z
  .enum(ENGINE_LOADS)
  .optional()
  .describe(
    'Where the engine tells of its load, asked beside the health checks and never while a request waits: a path (vLLM and others "/metrics", SGLang "/v1/loads", TensorRT-LLM "/prometheus/metrics", llama.cpp "/slots"), "auto" to find it, "off" never to ask. Default: "auto" for an endpoint with one GPU worker whose health is at its own URL, else "off": behind a load balancer one engine does not speak for the others.',
  );

export const streamUsage = z
  .boolean()
  .default(false)
  .describe(
    "Ask endpoints for the usage of every chat and completion stream (stream_options.include_usage), also where the client has not: the router then knows how much of a prompt was cached. Default false: the client sees one more chunk, with usage and no choices; llama.cpp tells as much without being asked.",
  );

export const protocols = z
  .array(z.enum(["chat", "responses", "messages"]))
  .refine((names) => names.includes("chat"), { error: 'name "chat" too: every endpoint speaks it' })
  .optional()
  .describe(
    'Protocols that the endpoint speaks itself: "chat", which each does, "responses" (/v1/responses) and "messages" (/v1/messages). What it does not speak is translated to chat and back. Default: found out. It is asked as the client asks, and in chat where it has no such path.',
  );

/** `name`: of a model. */
export const endpointModel = (name: z.ZodString) =>
  z
    .union([name, z.record(name, name)])
    .optional()
    .describe(
      'Name of the model at this endpoint, sent in place of the names in `models`; or the names that it has for some of them, {"chat": "org/model-7b"}: a name that is not there goes out as it is. Default: the client\'s own word; where the endpoint does not know it and serves one model only, that one\'s name is learned.',
    );

/** `name`: of a model. */
export const adapters = (name: z.ZodString) =>
  z
    .array(name)
    .max(ADAPTERS_PER_POOL_MAX)
    .default([])
    .describe(
      "Adapters (LoRA) of the pool's model, which requests name as `model` and engines load; at most 256. A request for one goes rather to an endpoint that has it, weighed in ms against distance and load. Default []: none.",
    );

export const answerModel = z
  .enum(["asked", "endpoint"])
  .default("asked")
  .describe(
    'Whose name of the model answers say where an endpoint was asked under its own (`endpoints[].model`): "asked" the client\'s, in whole answers and in each event; "endpoint" what the endpoint wrote. Default "asked": clients compare it with what they sent.',
  );

export const onCut = z
  .enum(["error", "continue"])
  .default("error")
  .describe(
    'What becomes of a chat or completion stream whose endpoint dies in the midst of it: "error" ends it with one; "continue" sends the text so far to another endpoint as the beginning of its answer, twice at most, and the client sees one stream. Only for models that go on with such a beginning. Requests with tools, structured output, reasoning, logprobs or n > 1 end with the error all the same, and x-warmpath-on-cut says why. Default "error".',
  );

export const prefill = z
  .enum(["flags", "message", "none"])
  .default("flags")
  .describe(
    'How this endpoint is told to go on with a text (`onCut`): "flags" by an assistant message at the end, with continue_final_message and add_generation_prompt (vLLM, SGLang; llama.cpp and others look at the message alone), "message" by the message without them, for servers that refuse what they do not know, "none" never: it goes on with nobody\'s. Default "flags".',
  );
