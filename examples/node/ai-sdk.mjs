// npm install ai @ai-sdk/openai-compatible
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { streamText } from "ai";

const warmpath = createOpenAICompatible({
  name: "warmpath",
  baseURL: `${process.env.WARMPATH_URL}/v1`,
  apiKey: process.env.WARMPATH_KEY,
  // The model may be held to a JSON schema.
  supportsStructuredOutputs: true,
});
const { fullStream } = streamText({ model: warmpath(process.env.WARMPATH_MODEL), prompt: "Say hello" });
for await (const part of fullStream) {
  if (part.type === "text-delta") process.stdout.write(part.text);
  // A stream that breaks is a part of this kind; `textStream` would only end.
  if (part.type === "error") throw part.error;
}
console.log();
