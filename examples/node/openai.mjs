// npm install openai
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.env.WARMPATH_URL}/v1`, apiKey: process.env.WARMPATH_KEY });
const stream = await client.chat.completions.create({
  model: process.env.WARMPATH_MODEL,
  messages: [{ role: "user", content: "Say hello" }],
  stream: true,
});
for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? "");
console.log();
