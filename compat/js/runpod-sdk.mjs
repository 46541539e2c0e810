/** Runpod's own client for Node: jobs, whose input is a request for chat completions. */
import runpodSdk from "runpod-sdk";
import { key, url } from "./given.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("runpod-sdk");

const WAIT_MS = 90_000;
const endpointOf = (pool) => runpodSdk(key, { baseUrl: `${url}/v2` }).endpoint(pool);
const asked = (text, more) => ({ input: { messages: [{ role: "user", content: text }], max_tokens: 256, ...more } });

/** Pieces come as the endpoint wrote them: events. */
const textsOf = (events) =>
  [...events.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json).choices?.[0]?.delta?.content ?? "");

const failed = ({ status, error }) => new Error(`the job is ${status}: ${JSON.stringify(error)}`);

export async function ask({ model, text }) {
  const job = await endpointOf(model).runSync(asked(text), WAIT_MS);
  if (job.status !== "COMPLETED") throw failed(job);
  return job.output.choices[0].message.content;
}

export async function stream({ model, text, onText, signal }) {
  const endpoint = endpointOf(model);
  const { id } = await endpoint.run(asked(text, { stream: true }));
  for await (const { output } of endpoint.stream(id)) {
    for (const piece of textsOf(output)) if (!signal?.aborted) onText(piece);
    if (signal?.aborted) return void (await endpoint.cancel(id));
  }
  const job = await endpoint.status(id);
  if (job.status !== "COMPLETED") throw failed(job);
}
