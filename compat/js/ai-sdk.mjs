/** The Vercel AI SDK, over whichever of its providers. */
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import { CITY_SCHEMA, WEATHER_PARAMETERS, weatherOf } from "./given.mjs";

export function aiClient(modelOf) {
  const asked = (model, more) => ({ model: modelOf(model), maxRetries: 3, ...more });
  return {
    ask: async ({ model, text }) => (await generateText(asked(model, { prompt: text }))).text,
    async stream({ model, text, onText, signal }) {
      const { fullStream } = streamText(asked(model, { prompt: text, abortSignal: signal, onError() {} }));
      for await (const part of fullStream) {
        if (part.type === "text-delta") onText(part.text);
        // How the package raises: a part of the stream, which its own hooks show as an error.
        if (part.type === "error") throw part.error;
      }
    },
    async tools({ model, text }) {
      const weather = tool({ inputSchema: jsonSchema(WEATHER_PARAMETERS), execute: async (input) => weatherOf(input) });
      return (await generateText(asked(model, { prompt: text, tools: { weather }, stopWhen: stepCountIs(3) }))).text;
    },
    structured: async ({ model, text }) =>
      (await generateText(asked(model, { prompt: text, output: Output.object({ schema: jsonSchema(CITY_SCHEMA) }) })))
        .output,
    async vision({ model, text, picture }) {
      const mediaType = picture.slice("data:".length, picture.indexOf(";"));
      const content = [
        { type: "text", text },
        { type: "file", data: picture, mediaType },
      ];
      return (await generateText(asked(model, { messages: [{ role: "user", content }] }))).text;
    },
  };
}
