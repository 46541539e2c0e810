/** Nothing is kept at the server: what was said travels with each request. */
import { createOpenAI } from "@ai-sdk/openai";
import { defaultSettingsMiddleware, wrapLanguageModel } from "ai";
import { aiClient } from "./ai-sdk.mjs";
import { key, url } from "./given.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("ai", "@ai-sdk/openai");
const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
const middleware = defaultSettingsMiddleware({ settings: { providerOptions: { openai: { store: false } } } });
export const { ask, stream, tools, structured, vision } = aiClient((model) =>
  wrapLanguageModel({ model: provider(model), middleware }),
);
