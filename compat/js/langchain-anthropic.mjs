import { ChatAnthropic } from "@langchain/anthropic";
import { key, url } from "./given.mjs";
import { langchainClient } from "./langchain.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("@langchain/core", "@langchain/anthropic");
export const { ask, stream, tools, structured, vision } = langchainClient(
  (model) => new ChatAnthropic({ model, apiKey: key, maxRetries: 3, maxTokens: 256, anthropicApiUrl: url }),
);
