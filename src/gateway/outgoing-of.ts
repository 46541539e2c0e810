/** Decides what of a request goes to an endpoint, and what bounds the wait for its answer. */
import { protocolOf } from "../dispatch/answer-format.ts";
import type { Outgoing } from "../dispatch/outgoing.ts";
import { keyedHash } from "../lib/keyed-hash.ts";
import type { LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import type { Checked } from "../rails/check.ts";
import { writeJson } from "../wire/body.ts";
import { HOP, REQUEST_ID, TRACEPARENT } from "../wire/headers.ts";
import type { Authenticated } from "./edge-request.ts";
import { isStreamed } from "./parcel.ts";
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
  const { form } = parcel;
  const write = form?.write ?? ((value: unknown) => writeJson(value, parcel.bytes ?? new ArrayBuffer(0)));
  const body = sent === parcel.json ? parcel.bytes : write(sent);
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
    stallTimeoutMs: parcel.socket?.bounds.idleTimeoutMs ?? config.stallTimeoutMs,
    ...(parcel.socket && { socket: parcel.socket, isHeld: true }),
    mayLeave: parcel.repeatable && config.attemptsMax > 1 && !isStreamed(parcel),
    trail: edge.seen.trail,
    trace: edge.seen.trace,
    clientGone: anyOf([request.signal, stopped, form?.upload?.stopped ?? null]),
    ...(form?.upload && { upload: form.upload }),
  };
}

function anyOf(signals: readonly (AbortSignal | null)[]): AbortSignal {
  const [first, ...more] = signals.filter((signal) => signal !== null);
  return first !== undefined && more.length === 0 ? first : AbortSignal.any([...(first ? [first] : []), ...more]);
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
  if (parcel.isInference && parcel.form === undefined) headers["content-type"] = "application/json";
  // Each attempt has its own.
  delete headers[TRACEPARENT];
  // What is read on the way must not be compressed: an endpoint is asked not to.
  const { pool, speaking, steered } = parcel;
  const isRead = pool.config.rails.output.length > 0 || speaking !== undefined || steered?.asked !== undefined;
  if (isRead) headers["accept-encoding"] = "identity";
  return headers;
}
