/** OpenAI's package for Node, by Responses. Both majors are asked by the same lines. */
import { CITY_SCHEMA, key, url, WEATHER_PARAMETERS, weatherOf } from "./given.mjs";

export function responsesClient(OpenAI) {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 3, logLevel: "off" });
  const textOf = async (body) => (await client.responses.create(body)).output_text;
  return {
    ask: ({ model, text }) => textOf({ model, input: text }),
    async stream({ model, text, onText, signal }) {
      for await (const event of await client.responses.create({ model, input: text, stream: true }, { signal })) {
        if (event.type === "response.output_text.delta") onText(event.delta);
      }
    },
    async tools({ model, text }) {
      const tools = [{ type: "function", name: "weather", parameters: WEATHER_PARAMETERS, strict: true }];
      const input = [{ role: "user", content: text }];
      const { output } = await client.responses.create({ model, input, tools });
      for (const item of output) {
        input.push(item);
        if (item.type !== "function_call") continue;
        const result = weatherOf(JSON.parse(item.arguments));
        input.push({ type: "function_call_output", call_id: item.call_id, output: result });
      }
      return textOf({ model, input, tools });
    },
    async structured({ model, text }) {
      const format = {
        type: "json_schema",
        name: "city",
        strict: true,
        schema: CITY_SCHEMA,
        $brand: "auto-parseable-response-format",
        $parseRaw: JSON.parse,
      };
      return (await client.responses.parse({ model, input: text, text: { format } })).output_parsed;
    },
    vision: ({ model, text, picture }) =>
      textOf({
        model,
        input: [
          {
            role: "user",
            content: [
              { type: "input_text", text },
              { type: "input_image", image_url: picture, detail: "auto" },
            ],
          },
        ],
      }),
  };
}
