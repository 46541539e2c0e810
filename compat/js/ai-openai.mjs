import { createOpenAI } from "@ai-sdk/openai";
import { aiClient } from "./ai-sdk.mjs";
import { key, url } from "./given.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("ai", "@ai-sdk/openai");
const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
// What the package does by itself: Responses.
export const { ask, stream, tools, structured, vision } = aiClient((model) => provider(model));
