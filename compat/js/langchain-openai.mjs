import { ChatOpenAI } from "@langchain/openai";
import { key, url } from "./given.mjs";
import { langchainClient } from "./langchain.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("@langchain/core", "@langchain/openai");
export const { ask, stream, tools, structured, vision } = langchainClient(
  (model) => new ChatOpenAI({ model, apiKey: key, maxRetries: 3, configuration: { baseURL: `${url}/v1` } }),
);
