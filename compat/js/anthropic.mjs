/** Anthropic's package for Node. */
import Anthropic from "@anthropic-ai/sdk";
import { CITY_SCHEMA, key, url, WEATHER_PARAMETERS, weatherOf } from "./given.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("@anthropic-ai/sdk");

const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 3, logLevel: "off" });
const asked = (model, content, more) => ({ model, max_tokens: 256, messages: [{ role: "user", content }], ...more });
const textOf = ({ content }) => content.flatMap((block) => (block.type === "text" ? block.text : [])).join("");

export const ask = async ({ model, text }) => textOf(await client.messages.create(asked(model, text)));

export async function stream({ model, text, onText, signal }) {
  const events = client.messages.stream(asked(model, text), { signal });
  events.on("text", onText);
  await events.finalMessage();
}

export async function tools({ model, text }) {
  const offered = [{ name: "weather", description: "Of a city.", input_schema: WEATHER_PARAMETERS }];
  const first = asked(model, text, { tools: offered });
  const { content } = await client.messages.create(first);
  const results = content
    .filter(({ type }) => type === "tool_use")
    .map(({ id, input }) => ({ type: "tool_result", tool_use_id: id, content: weatherOf(input) }));
  const messages = [...first.messages, { role: "assistant", content }, { role: "user", content: results }];
  return textOf(await client.messages.create({ ...first, messages }));
}

export async function structured({ model, text }) {
  const output_config = { format: { type: "json_schema", schema: CITY_SCHEMA } };
  return JSON.parse(textOf(await client.messages.create(asked(model, text, { output_config }))));
}

export async function vision({ model, text, picture }) {
  const [, media_type, data] = /^data:([^;]*);base64,(.*)$/s.exec(picture);
  const content = [
    { type: "image", source: { type: "base64", media_type, data } },
    { type: "text", text },
  ];
  return textOf(await client.messages.create(asked(model, content)));
}
