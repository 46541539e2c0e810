/** LlamaIndex for JavaScript. */
import { openai } from "@llamaindex/openai";
import { tool } from "llamaindex";
import { CITY_SCHEMA, key, url, WEATHER_PARAMETERS, weatherOf } from "./given.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("llamaindex", "@llamaindex/openai");

const modelOf = (model, more) => openai({ model, apiKey: key, baseURL: `${url}/v1`, maxRetries: 3, ...more });
const user = (content) => [{ role: "user", content }];
const textOf = ({ message }) =>
  typeof message.content === "string" ? message.content : message.content.map(({ text = "" }) => text).join("");

export const ask = async ({ model, text }) => textOf(await modelOf(model).chat({ messages: user(text) }));

export async function stream({ model, text, onText, signal }) {
  for await (const { delta } of await modelOf(model).chat({ messages: user(text), stream: true })) {
    onText(delta);
    // It has no signal: its iterator is closed.
    if (signal?.aborted) break;
  }
}

export async function tools({ model, text }) {
  const weather = tool(weatherOf, { name: "weather", description: "Of a city.", parameters: WEATHER_PARAMETERS });
  const messages = user(text);
  const { message } = await modelOf(model).chat({ messages, tools: [weather] });
  messages.push(message);
  for (const { id, input } of message.options.toolCall) {
    const result = weatherOf(typeof input === "string" ? JSON.parse(input) : input);
    messages.push({ role: "user", content: result, options: { toolResult: { id, result, isError: false } } });
  }
  return textOf(await modelOf(model).chat({ messages, tools: [weather] }));
}

export async function structured({ model, text }) {
  const response_format = {
    type: "json_schema",
    json_schema: { name: "city", strict: true, schema: CITY_SCHEMA },
  };
  const answer = await modelOf(model, { additionalChatOptions: { response_format } }).chat({ messages: user(text) });
  return JSON.parse(textOf(answer));
}

export async function vision({ model, text, picture }) {
  const content = [
    { type: "text", text },
    { type: "image_url", image_url: { url: picture } },
  ];
  return textOf(await modelOf(model).chat({ messages: user(content) }));
}
