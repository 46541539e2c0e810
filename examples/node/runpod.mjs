// npm install runpod-sdk
import runpodSdk from "runpod-sdk";

// The endpoint's id is the id of a pool.
const endpoint = runpodSdk(process.env.WARMPATH_KEY, { baseUrl: `${process.env.WARMPATH_URL}/v2` }).endpoint(
  process.env.WARMPATH_MODEL,
);
const job = await endpoint.runSync({ input: { messages: [{ role: "user", content: "Say hello" }], max_tokens: 64 } });
console.log(job.output.choices[0].message.content);
