// npm install openai
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.env.WARMPATH_URL}/v1`, apiKey: process.env.WARMPATH_KEY });
const stream = await client.responses.create({ model: process.env.WARMPATH_MODEL, input: "Say hello", stream: true });
for await (const event of stream) if (event.type === "response.output_text.delta") process.stdout.write(event.delta);
console.log();
