/** LangChain for JavaScript, over whichever of its models. */
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { CITY_SCHEMA, WEATHER_PARAMETERS, weatherOf } from "./given.mjs";

/** `modelOf` makes the chat model of a name. */
export function langchainClient(modelOf) {
  const weather = tool(weatherOf, { name: "weather", description: "Of a city.", schema: WEATHER_PARAMETERS });
  return {
    ask: async ({ model, text }) => (await modelOf(model).invoke(text)).text,
    async stream({ model, text, onText, signal }) {
      for await (const chunk of await modelOf(model).stream(text, { signal })) onText(chunk.text);
    },
    async tools({ model, text }) {
      const bound = modelOf(model).bindTools([weather]);
      const messages = [new HumanMessage(text)];
      const answer = await bound.invoke(messages);
      messages.push(answer);
      for (const call of answer.tool_calls) {
        messages.push(new ToolMessage({ content: weatherOf(call.args), tool_call_id: call.id }));
      }
      return (await bound.invoke(messages)).text;
    },
    structured: ({ model, text }) =>
      modelOf(model)
        .withStructuredOutput({ title: "city", description: "One city.", ...CITY_SCHEMA })
        .invoke(text),
    async vision({ model, text, picture }) {
      const content = [
        { type: "text", text },
        { type: "image_url", image_url: { url: picture } },
      ];
      return (await modelOf(model).invoke([new HumanMessage({ content })])).text;
    },
  };
}
