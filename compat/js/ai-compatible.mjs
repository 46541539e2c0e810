import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { aiClient } from "./ai-sdk.mjs";
import { key, url } from "./given.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("ai", "@ai-sdk/openai-compatible");
const provider = createOpenAICompatible({
  name: "warmpath",
  baseURL: `${url}/v1`,
  apiKey: key,
  supportsStructuredOutputs: true,
});
export const { ask, stream, tools, structured, vision } = aiClient((model) => provider(model));
