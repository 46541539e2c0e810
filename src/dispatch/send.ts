/**
 * Sends the request of an attempt, under the name that its endpoint has for the model.
 *
 * Model. A pool's names are the client's; an endpoint may know the model by another one. Where the config says it
 * (`endpoints[].model`), it is put in place of the pool's names. Where it does not, the client's word goes out, and only
 * an endpoint that answers 404 for it is asked what it serves: a part of the bundle that most deployments never load.
 */
import { egress } from "../../backends/egress.ts";
import type { Call } from "../../backends/port.ts";
import { attemptSpanId } from "../sight/core/span-id.ts";
import { childTraceparent, TRACEPARENT } from "../wire/headers.ts";
import type { Answer } from "../wire/refusal.ts";
import type { Outgoing, Said } from "./outgoing.ts";
import type { EdgeEndpoint } from "./runtime.ts";
import type { Asking } from "./upstream.ts";

type NamePart = typeof import("./model-name.ts");

/** The part of the bundle that changes names, once it is loaded. */
let namePart: NamePart | null = null;

/** Names that endpoints were found to have, for as long as this config lives. */
const learned = new WeakMap<EdgeEndpoint, string>();

type Sender = Pick<Asking, "signal" | "workerId" | "nth">;

export async function send(endpoint: EdgeEndpoint, outgoing: Outgoing, asking: Sender): Promise<Said> {
  const { speech, protocol } = outgoing;
  if (speech === undefined) return { answer: await sendAsIs(endpoint, outgoing, asking), protocol };
  return speech(endpoint, outgoing, async (words) => sendAsIs(endpoint, { ...outgoing, ...words }, asking));
}

async function sendAsIs(
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  { signal, workerId, nth }: Sender,
): Promise<Answer> {
  const { workerHeader } = endpoint.backend;
  const { method, path, body, trace } = outgoing;
  let { headers } = outgoing;
  if (workerHeader !== null && workerId !== null) headers = { ...headers, [workerHeader]: workerId };
  if (trace !== null) {
    headers = { ...headers, [TRACEPARENT]: childTraceparent(trace, attemptSpanId(trace.spanId, nth)) };
  }
  const call: Call = { method, path, headers, body, signal };
  const { model } = endpoint.config;
  const known = model ?? learned.get(endpoint);
  if (body !== null && known !== undefined) namePart ??= await import("./model-name.ts");
  const sent = known === undefined || namePart === null ? call : namePart.named(endpoint, call, known);
  const response = await egress(endpoint.target, sent);
  if (response.status !== 404 || body === null || typeof model === "string") return response;
  namePart ??= await import("./model-name.ts");
  return namePart.retryNamed({ endpoint, call, sent, learned }, response);
}
