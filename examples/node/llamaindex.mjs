// npm install llamaindex @llamaindex/openai
import { openai } from "@llamaindex/openai";

const model = openai({
  model: process.env.WARMPATH_MODEL,
  apiKey: process.env.WARMPATH_KEY,
  baseURL: `${process.env.WARMPATH_URL}/v1`,
});
const stream = await model.chat({ messages: [{ role: "user", content: "Say hello" }], stream: true });
for await (const { delta } of stream) process.stdout.write(delta);
console.log();
