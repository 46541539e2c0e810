/** OpenAI's package for Node, by chat completions. Both majors are asked by the same lines. */
import { CITY_SCHEMA, key, url, WEATHER_PARAMETERS, weatherOf } from "./given.mjs";

export function chatClient(OpenAI) {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 3, logLevel: "off" });
  const user = (content) => [{ role: "user", content }];
  const textOf = ({ choices }) => choices[0].message.content;
  return {
    ask: async ({ model, text }) => textOf(await client.chat.completions.create({ model, messages: user(text) })),
    async stream({ model, text, onText, signal }) {
      const body = { model, messages: user(text), stream: true };
      for await (const { choices } of await client.chat.completions.create(body, { signal })) {
        onText(choices[0]?.delta.content);
      }
    },
    async tools({ model, text }) {
      const runner = client.chat.completions.runTools({
        model,
        messages: user(text),
        tools: [
          {
            type: "function",
            function: { name: "weather", parameters: WEATHER_PARAMETERS, parse: JSON.parse, function: weatherOf },
          },
        ],
      });
      return runner.finalContent();
    },
    async structured({ model, text }) {
      const { choices } = await client.chat.completions.parse({
        model,
        messages: user(text),
        response_format: {
          type: "json_schema",
          json_schema: { name: "city", strict: true, schema: CITY_SCHEMA },
          $brand: "auto-parseable-response-format",
          $parseRaw: JSON.parse,
        },
      });
      return choices[0].message.parsed;
    },
    async vision({ model, text, picture }) {
      const content = [
        { type: "text", text },
        { type: "image_url", image_url: { url: picture } },
      ];
      return textOf(await client.chat.completions.create({ model, messages: user(content) }));
    },
  };
}
