/**
 * Decides what a LiteLLM `config.yaml` comes to here: its deployments that are servers with an address become endpoints,
 * by their `model_name`; what has no counterpart is named.
 *
 * Source: the documented members of `model_list` (`model_name`, `litellm_params` with `model`, `api_base`, `api_key`) and of
 * `router_settings`.
 */
import { isObject, type JsonObject } from "../../../src/lib/json-object.ts";
import type { DraftServer } from "./config-draft.ts";
import { isRunpodLb } from "./server-kind.ts";

export type Imported = { readonly servers: readonly DraftServer[]; readonly notes: readonly string[] };

/** Providers of LiteLLM whose servers speak OpenAI's API at `api_base`. */
const OPENAI_LIKE = new Set([
  "openai",
  "hosted_vllm",
  "vllm",
  "openai_like",
  "custom_openai",
  "ollama",
  "ollama_chat",
  "litellm_proxy",
  "lm_studio",
  "llamafile",
  "huggingface",
  "nvidia_nim",
  "text-completion-openai",
]);

const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,63}$/;

/** Null: it is none. */
export function readLitellm(parsed: unknown): Imported | null {
  if (!isObject(parsed) || !Array.isArray(parsed["model_list"])) return null;
  const notes: string[] = [];
  const servers = (parsed["model_list"] as readonly unknown[]).flatMap((entry, index) => {
    const read = serverIn(isObject(entry) ? entry : {}, `model_list[${index}]`, notes);
    return read === null ? [] : [read];
  });
  for (const [member, use] of OTHER_MEMBERS) {
    const settings = parsed[member];
    if (isObject(settings)) for (const name of Object.keys(settings)) notes.push(`${member}.${name}: ${use}`);
  }
  return { servers, notes };
}

const OTHER_MEMBERS: readonly (readonly [string, string])[] = [
  ["router_settings", "not taken over; retries, cooldowns and routing are the router's own here"],
  ["general_settings", "not taken over; keys are made with warmpath key"],
  ["litellm_settings", "not taken over"],
];

function serverIn(entry: JsonObject, at: string, notes: string[]): DraftServer | null {
  const name = entry["model_name"];
  const params = entry["litellm_params"];
  if (typeof name !== "string" || !isObject(params)) {
    notes.push(`${at}: has no model_name or no litellm_params, and is left out`);
    return null;
  }
  const model = typeof params["model"] === "string" ? params["model"] : "";
  const slash = model.indexOf("/");
  const provider = slash < 0 ? "openai" : model.slice(0, slash);
  const base = params["api_base"];
  if (typeof base !== "string" || !URL.canParse(base)) {
    notes.push(`${at} (${name}): has no api_base, so there is no server of yours to route to: left out`);
    return null;
  }
  if (!OPENAI_LIKE.has(provider)) {
    notes.push(`${at} (${name}): ${provider} does not speak OpenAI's API: left out`);
    return null;
  }
  const own = slash < 0 ? model : model.slice(slash + 1);
  const url = base.replace(/\/+$/, "").replace(/\/v1$/, "");
  for (const left of LEFT_OUT.filter((member) => params[member] !== undefined)) {
    notes.push(`${at} (${name}): ${left} is not taken over`);
  }
  return {
    url,
    backend: isRunpodLb(url) ? "runpod-lb" : "openai",
    engine:
      provider === "hosted_vllm" || provider === "vllm" ? "vLLM" : provider.startsWith("ollama") ? "Ollama" : null,
    models: own === "" ? [] : [own],
    slots: null,
    state: "ready",
    said: "",
    keyEnv: keyEnvOf(params["api_key"], `${at} (${name})`, notes),
    alias: name,
  };
}

const LEFT_OUT = [
  "rpm",
  "tpm",
  "weight",
  "max_parallel_requests",
  "timeout",
  "stream_timeout",
  "input_cost_per_token",
  "output_cost_per_token",
];

/** A key that is written in the file is not copied. */
function keyEnvOf(key: unknown, at: string, notes: string[]): string | null {
  if (typeof key !== "string" || key === "" || /^(?:none|dummy|fake|sk-1234|anything|not[- ]?needed|empty)$/i.test(key))
    return null;
  const name = key.startsWith("os.environ/") ? key.slice("os.environ/".length) : null;
  if (name !== null && SECRET_NAME.test(name)) return name;
  notes.push(`${at}: its api_key is not copied: put it into the variable GPU_KEY`);
  return "GPU_KEY";
}
