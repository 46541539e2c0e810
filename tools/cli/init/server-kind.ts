/**
 * Decides from a server's answers what it is, which models it serves, and how many requests at once it takes.
 *
 * Model. Every engine lists its models at /v1/models; `owned_by` there, or a path that only one engine has, tells it apart
 * (docs/reference/sources.md, engines). What is not told is null. A Runpod load balancer is known by its host alone: to
 * ask it for more would wake a GPU worker.
 */
import { runpodIdOf } from "../../../src/config/config-resolve.ts";
import { isObject } from "../../../src/lib/json-object.ts";

/** `status`: null when nothing answered. */
export type Seen = { readonly status: number | null; readonly json: unknown; readonly why?: string };

export type Answers = Readonly<Record<"models" | "health" | "props" | "ollama" | "sglang", Seen>>;

export type ServerFound = {
  readonly url: string;
  readonly backend: "openai" | "runpod-lb";
  /** The engine's name; null: not told. */
  readonly engine: string | null;
  readonly models: readonly string[];
  /** Requests at once; null: not told, and learned. */
  readonly slots: number | null;
  readonly state: "ready" | "loading" | "wants_key" | "no_models" | "silent" | "not_asked";
  readonly said: string;
};

export function serverOf(url: string, answers: Answers): ServerFound {
  const found = {
    url,
    backend: isRunpodLb(url) ? "runpod-lb" : "openai",
    engine: engineOf(answers),
    slots: slotsOf(answers),
  } as const;
  const models = modelsOf(answers.models.json);
  const { status } = answers.models;
  if (models.length > 0) return { ...found, models, state: "ready", said: `serves ${models.join(", ")}` };
  const none = { ...found, models: [] };
  if (status === null)
    return { ...none, state: "silent", said: `does not answer: ${answers.models.why ?? "no connection"}` };
  if (status === 401 || status === 403)
    return { ...none, state: "wants_key", said: `answers ${status}: it wants a key` };
  if (status === 503 || answers.health.status === 503)
    return { ...none, state: "loading", said: "is loading its model" };
  return { ...none, state: "no_models", said: `answers ${status} to /v1/models and lists no model` };
}

export const isRunpodLb = (url: string): boolean => runpodIdOf(url) !== null;

/** One that is not asked, so as not to wake it. */
export const unasked = (url: string): ServerFound => ({
  url,
  backend: "runpod-lb",
  engine: null,
  models: [],
  slots: null,
  state: "not_asked",
  said: "is a Runpod load balancer: not asked, since that would wake a GPU worker",
});

function modelsOf(json: unknown): readonly string[] {
  const data = isObject(json) ? json["data"] : null;
  if (!Array.isArray(data)) return [];
  // An adapter names the model that it belongs to.
  return data.flatMap((one: unknown) =>
    isObject(one) && typeof one["id"] === "string" && typeof one["parent"] !== "string" ? [one["id"]] : [],
  );
}

const ENGINES: Readonly<Record<string, string>> = {
  vllm: "vLLM",
  sglang: "SGLang",
  llamacpp: "llama.cpp",
  library: "Ollama",
};

function engineOf({ models, props, ollama, sglang }: Answers): string | null {
  const data = isObject(models.json) ? models.json["data"] : null;
  const [first] = Array.isArray(data) ? (data as unknown[]) : [];
  const owner = isObject(first) ? first["owned_by"] : null;
  const byOwner = typeof owner === "string" ? ENGINES[owner] : undefined;
  if (byOwner !== undefined) return byOwner;
  if (isObject(sglang.json) && sglang.json["model_path"] !== undefined) return "SGLang";
  if (isObject(ollama.json) && typeof ollama.json["version"] === "string") return "Ollama";
  if (isObject(props.json) && props.json["total_slots"] !== undefined) return "llama.cpp";
  return null;
}

function slotsOf({ props }: Answers): number | null {
  const slots = isObject(props.json) ? props.json["total_slots"] : null;
  return typeof slots === "number" && Number.isInteger(slots) && slots > 0 ? slots : null;
}
