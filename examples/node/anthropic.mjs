// npm install @anthropic-ai/sdk
import Anthropic from "@anthropic-ai/sdk";

// The base URL has no /v1: the package adds it.
const client = new Anthropic({ baseURL: process.env.WARMPATH_URL, apiKey: process.env.WARMPATH_KEY });
const stream = client.messages.stream({
  model: process.env.WARMPATH_MODEL,
  max_tokens: 256,
  messages: [{ role: "user", content: "Say hello" }],
});
stream.on("text", (text) => process.stdout.write(text));
await stream.finalMessage();
console.log();
