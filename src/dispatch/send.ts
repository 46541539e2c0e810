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
import type { HeaderRecord } from "../wire/headers.ts";
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
  if (speech === undefined) return { ...(await sendAsIs(endpoint, outgoing, asking)), protocol };
  let asked: string | null = null;
  const spoken = await speech(endpoint, outgoing, async (words) => {
    const said = await sendAsIs(endpoint, { ...outgoing, ...words }, asking);
    ({ asked } = said);
    return said.answer;
  });
  return { ...spoken, asked };
}

async function sendAsIs(
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  { signal, workerId, nth }: Sender,
): Promise<Omit<Said, "protocol">> {
  const { method, path, body } = outgoing;
  const headers = attemptHeaders(endpoint, outgoing, { workerId, nth });
  const call: Call = { method, path, headers, body, signal };
  if (body === null) return { answer: await egress(endpoint.target, call), asked: null };
  const other = learned.get(endpoint);
  if (endpoint.names.size > 0 || other !== undefined) namePart ??= await import("./model-name.ts");
  const sent = namePart?.named(endpoint, call, other) ?? { call, asked: null };
  if (outgoing.upload !== undefined) {
    const { body: held } = sent.call;
    const head = held instanceof Uint8Array ? held : new Uint8Array(held ?? new ArrayBuffer(0));
    return { answer: await egress(endpoint.target, { ...sent.call, body: outgoing.upload.body(head) }), asked: null };
  }
  const answer = await egress(endpoint.target, sent.call);
  if (answer.status !== 404 || typeof endpoint.config.model === "string") return { answer, asked: sent.asked };
  namePart ??= await import("./model-name.ts");
  return namePart.retryNamed({ endpoint, call, sent, learned }, answer);
}

/** The request's headers with what this attempt alone has. */
export function attemptHeaders(
  { backend: { workerHeader } }: EdgeEndpoint,
  { headers, trace }: Pick<Outgoing, "headers" | "trace">,
  { workerId, nth }: Pick<Asking, "workerId" | "nth">,
): HeaderRecord {
  let own = headers;
  if (workerHeader !== null && workerId !== null) own = { ...own, [workerHeader]: workerId };
  if (trace !== null) own = { ...own, [TRACEPARENT]: childTraceparent(trace, attemptSpanId(trace.spanId, nth)) };
  return own;
}
