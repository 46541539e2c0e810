import { createAnthropic } from "@ai-sdk/anthropic";
import { aiClient } from "./ai-sdk.mjs";
import { key, url } from "./given.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("ai", "@ai-sdk/anthropic");
const provider = createAnthropic({ baseURL: `${url}/v1`, apiKey: key });
export const { ask, stream, tools, structured, vision } = aiClient((model) => provider(model));
