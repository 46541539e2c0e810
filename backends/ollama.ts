/**
 * Adapter for Ollama. The server is always up; what is warm is a model, and `/api/ps` lists those that are in memory. One
 * that is not is cold: the next request loads it. Waking is an empty generation, which loads and says nothing. Where the
 * config does not name the endpoint's model, any model in memory counts.
 * Source: docs/reference/sources.md, Inference servers.
 */
import { isObject } from "../src/lib/json-object.ts";
import { failedProbe, look, openaiBackend, READY } from "./openai.ts";
import type { Backend } from "./port.ts";

export const ollamaBackend: Backend = {
  ...openaiBackend,
  kind: "ollama",
  probe: async (target, egress, signal) => {
    const told = await look(null, target, egress, signal);
    const names = told.status === 200 ? namesIn(told.body) : null;
    if (names === null) return failedProbe(told);
    const { model } = target;
    const isWarm = model === null ? names.length > 0 : names.some((name) => isSameModel(name, model));
    return isWarm ? READY : { kind: "cold" };
  },
  wake: async (target, egress, signal) => {
    const { model } = target;
    if (model === null) return void (await look(null, target, egress, signal));
    try {
      const body = new TextEncoder().encode(JSON.stringify({ model }));
      const headers = { "content-type": "application/json" };
      const response = await egress(target, { method: "POST", path: "/api/generate", headers, body, signal });
      await response.body?.cancel();
    } catch {
      // It is asked again when it is needed again.
    }
  },
};

/** A name without a tag is the tag "latest". */
const isSameModel = (one: string, other: string): boolean => tagged(one) === tagged(other);
const tagged = (name: string): string => (/:[^/]*$/.test(name) ? name : `${name}:latest`);

/** Null: it is no such answer. */
function namesIn(body: string): readonly string[] | null {
  try {
    const json: unknown = JSON.parse(body);
    const models = isObject(json) ? json["models"] : null;
    if (!Array.isArray(models)) return null;
    return models.flatMap((one: unknown) => (isObject(one) && typeof one["name"] === "string" ? [one["name"]] : []));
  } catch {
    return null;
  }
}
