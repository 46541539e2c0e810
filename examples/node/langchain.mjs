// npm install @langchain/openai @langchain/core
import { ChatOpenAI } from "@langchain/openai";

const model = new ChatOpenAI({
  model: process.env.WARMPATH_MODEL,
  apiKey: process.env.WARMPATH_KEY,
  configuration: { baseURL: `${process.env.WARMPATH_URL}/v1` },
});
for await (const chunk of await model.stream("Say hello")) process.stdout.write(chunk.text);
console.log();
