/** Decides what of a request goes to an endpoint, and what bounds the wait for its answer. */
import { protocolOf } from "../dispatch/answer-format.ts";
import type { Outgoing } from "../dispatch/outgoing.ts";
import { keyedHash } from "../lib/keyed-hash.ts";
import type { LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import type { Checked } from "../rails/check.ts";
import { writeJson } from "../wire/body.ts";
import { HOP, REQUEST_ID, TRACEPARENT } from "../wire/headers.ts";
import type { Authenticated } from "./edge-request.ts";
import type { Parcel } from "./parcel.ts";
import { answerKeys } from "./session-key.ts";

type Leasing = {
  readonly edge: Authenticated;
  readonly parcel: Parcel;
  readonly leaseRequest: Pick<LeaseRequest, "clientGivesUpAtMs">;
};

/** Null when the changed body is nested too deep to be written. `stopped` ends it beside the client's own signal. */
export function outgoingOf(
  { edge, parcel, leaseRequest: { clientGivesUpAtMs } }: Leasing,
  checked: Checked,
  stopped: AbortSignal | null,
): Outgoing | null {
  const { request } = edge;
  const sent = parcel.asking?.(checked.body) ?? checked.body;
  const body = sent === parcel.json ? parcel.bytes : writeJson(sent, parcel.bytes ?? new ArrayBuffer(0));
  if (body === null && parcel.bytes !== null) return null;
  const { config } = parcel.pool;
  const protocol = protocolOf(parcel.method, parcel.path);
  const executionMs = Math.max(...config.endpoints.map(({ executionTimeoutMs }) => executionTimeoutMs));
  return {
    method: parcel.method,
    path: parcel.path,
    headers: headersOf(edge, parcel),
    body,
    stream: parcel.stream,
    protocol,
    isClientsPath: parcel.isClientsPath,
    ...(parcel.speaking?.speech && { speech: parcel.speaking.speech }),
    ...(protocol === "responses" && config.affinity !== "off"
      ? { keyOfAnswer: answerKeys(edge.runtime.affinitySecret, edge.identity.tenant) }
      : {}),
    firstByteTimeoutMs: parcel.stream ? config.firstTokenTimeoutMs : executionMs,
    ...(clientGivesUpAtMs === undefined ? {} : { clientGivesUpAtMs }),
    connectTimeoutMs: config.connectTimeoutMs,
    stallTimeoutMs: config.stallTimeoutMs,
    mayLeave: parcel.repeatable && config.attemptsMax > 1,
    trail: edge.seen.trail,
    trace: edge.seen.trace,
    clientGone: stopped === null ? request.signal : AbortSignal.any([request.signal, stopped]),
  };
}

function headersOf({ runtime, identity, requestId }: Authenticated, parcel: Parcel): Outgoing["headers"] {
  const headers = { ...parcel.headers };
  headers[REQUEST_ID] = requestId;
  headers[HOP] = "1";
  // All tenants are one user to an endpoint: the same key of two must not be the same there.
  const once = headers["idempotency-key"];
  if (once !== undefined) {
    headers["idempotency-key"] = keyedHash(runtime.affinitySecret, `i ${identity.tenant} ${once}`);
  }
  // An inference body was read as JSON, whatever it was called, and so must the endpoint read it.
  if (parcel.isInference) headers["content-type"] = "application/json";
  // Each attempt has its own.
  delete headers[TRACEPARENT];
  // What is read on the way must not be compressed: an endpoint is asked not to.
  const isRead = parcel.pool.config.rails.output.length > 0 || parcel.speaking !== undefined;
  if (isRead) headers["accept-encoding"] = "identity";
  return headers;
}
