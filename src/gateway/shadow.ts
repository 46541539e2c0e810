/**
 * Sends a copy of a request to another pool, for the operator alone: nobody waits for it, nobody is told of it, and what it
 * does is counted beside everything else (`warmpath_shadow_…`).
 *
 * Model. It is sent once the client's answer has begun, which nothing of it delays before. It is what had passed its own pool's rails and limits, as it was redacted there; the rails of the shadow's pool
 * that its own has not are asked as well, and one that they do not let pass is not sent. Of the client's headers none goes
 * along. It is sent once, under a lease for a spare slot or not at all (`shard-acquire.ts`), is read to its end or to
 * a bound and thrown away, and ends with the shadow's own time.
 * Rejected: to send it through the pipeline, where it would be a request of the tenant's, with its limits and its record.
 */
import type { ShadowConfig } from "../config/config.ts";
import { shadowChoice } from "../dispatch/core/shadow.ts";
import type { ShadowChoice } from "../dispatch/core/shadow.ts";
import { protocolOf } from "../dispatch/answer-format.ts";
import type { BegunAnswer } from "../dispatch/begun-answer.ts";
import type { Outgoing } from "../dispatch/outgoing.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import { takeSlot } from "../dispatch/slot.ts";
import { speechOf } from "../dispatch/speech.ts";
import { createTrail } from "../dispatch/trail.ts";
import type { Trail } from "../dispatch/trail.ts";
import { bufferOf } from "../lib/bytes.ts";
import { isObject } from "../lib/json-object.ts";
import { beginCheck } from "../rails/input-rails.ts";
import type { Checked } from "../rails/check.ts";
import type { LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import { noteShadow } from "../sight/shadow-counts.ts";
import { HOP, REQUEST_ID } from "../wire/headers.ts";
import { SPOKEN } from "../wire/openai.ts";
import type { InferencePath } from "../wire/openai.ts";
import { writeJson } from "../wire/body.ts";
import { tokensIn } from "../wire/token-bytes.ts";
import type { Authenticated } from "./edge-request.ts";
import type { Parcel, Steered } from "./parcel.ts";
import { placeOf } from "./place.ts";
import { goesOn } from "./session-key.ts";
import { unreadOf } from "./unread.ts";

/** Of a copy's answer so much is read; it is thrown away anyhow. */
const SHADOW_ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Copies under way, by the pool that they are of. */
const inFlight = new Map<string, number>();

/** What became of a copy: of those that were not sent why, else how its answer went. */
type Result =
  | Exclude<ShadowChoice, "send" | "not_drawn">
  | "no_slot"
  | "blocked"
  | "answered"
  | "failed"
  | "timeout"
  | "cut"
  | "too_long";

type ShadowEnd = {
  readonly result: Result;
  /** Of its answer; null: none came. */
  readonly status: number | null;
  readonly firstTokenMs: number | null;
};

export const shadowing =
  (edge: Authenticated, rule: ShadowConfig): Steered["passed"] =>
  (parcel, checked) => {
    const target = edge.runtime.pools.get(rule.pool);
    const from = parcel.pool.config.id;
    // A key that may not use the pool has no business there, nor have its prompts.
    if (target === undefined) return;
    const running = inFlight.get(from) ?? 0;
    const bodyBytes = parcel.bytes?.byteLength ?? 0;
    const asked = { roll: Math.random(), inFlight: running, bodyBytes, goesOn: goesOn(parcel.json) };
    const choice = shadowChoice(rule, asked);
    if (choice === "not_drawn") return;
    const tell = (end: ShadowEnd): void => noteShadow(edge, { pool: from, shadow: rule.pool, ...end });
    if (choice !== "send") {
      tell({ result: choice, status: null, firstTokenMs: null });
      return;
    }
    inFlight.set(from, running + 1);
    const copying = copy(edge, target, { rule, parcel, checked })
      .catch((): ShadowEnd => ({ result: "failed", status: null, firstTokenMs: null }))
      .then((end) => {
        inFlight.set(from, (inFlight.get(from) ?? 1) - 1);
        tell(end);
      });
    edge.ctx.waitUntil(copying);
  };

type Original = { readonly rule: ShadowConfig; readonly parcel: Parcel; readonly checked: Checked };

const unsent = (result: Result): ShadowEnd => ({ result, status: null, firstTokenMs: null });

async function copy(edge: Authenticated, target: EdgePool, original: Original): Promise<ShadowEnd> {
  const { parcel, rule } = original;
  // The client's answer goes first: an isolate does one thing at a time.
  await scheduler.wait(0);
  const gone = AbortSignal.timeout(rule.timeoutMs);
  const body = await checkedBody(edge, target, original, gone);
  if (body === null) return unsent("blocked");
  const slot = await takeSlot(edge.leases, target, leaseRequestOf(edge, target, parcel, body));
  if (slot.kind !== "slot") return unsent("no_slot");
  if (gone.aborted) {
    slot.giveBack();
    return unsent("timeout");
  }
  const trail = trailOf(edge.requestId);
  const sent = await slot.send(outgoingOf(edge, target, { parcel, body, gone, trail }));
  if (sent.kind !== "begun") {
    const status = trail.attempts[0]?.status ?? null;
    return { result: gone.aborted ? "timeout" : "failed", status, firstTokenMs: null };
  }
  const { answer } = sent;
  const result = await readAway(answer, gone);
  const attempt = trail.attempts[0];
  const firstAtMs = attempt?.firstTokenAtMs ?? null;
  const firstTokenMs = attempt === undefined || firstAtMs === null ? null : firstAtMs - attempt.sentAtMs;
  return { result, status: answer.status, firstTokenMs };
}

/** To its end, or to a bound. */
async function readAway({ body }: BegunAnswer, gone: AbortSignal): Promise<Result> {
  if (body.kind === "whole") return "answered";
  let bytes = 0;
  const end = await body.each((piece) => {
    bytes += piece.byteLength;
    return bytes > SHADOW_ANSWER_BYTES_MAX ? "cancelled" : null;
  });
  if (end === "stopped") return "too_long";
  if (gone.aborted) return "timeout";
  return end === "whole" ? "answered" : "cut";
}

/** As its own pool's rails and the shadow's let it pass, under the shadow's name of its model. Null: they do not. */
async function checkedBody(
  edge: Authenticated,
  target: EdgePool,
  { parcel, checked }: Original,
  clientGone: AbortSignal,
): Promise<ArrayBuffer | null> {
  const body = isObject(checked.body) ? { ...checked.body, model: target.config.models[0] } : checked.body;
  const bytes = writeJson(body, parcel.bytes ?? new ArrayBuffer(0));
  if (bytes === null) return null;
  const own = new Set(parcel.pool.config.rails.input.map((rail) => JSON.stringify(rail)));
  const { rails } = target.config;
  const input = rails.input.filter((rail) => !own.has(JSON.stringify(rail)));
  if (input.length === 0) return bufferOf(bytes);
  const pool = { ...target, config: { ...target.config, rails: { ...rails, input } } };
  const check = await beginCheck(edge, pool, {
    requestId: edge.requestId,
    tenant: edge.identity.tenant,
    body,
    hasBody: true,
    bodyBytesMax: bytes.byteLength,
    unread: () => unreadOf(bufferOf(bytes), body, null),
    everyMember: false,
    beside: [],
    clientGone,
  });
  if (check === null) return null;
  const all = check.outside === null ? check.inside : await check.outside;
  if (all.verdict.verdict === "block") return null;
  if (all.body === body) return bufferOf(bytes);
  const redacted = writeJson(all.body, bufferOf(bytes));
  return redacted === null ? null : bufferOf(redacted);
}

function leaseRequestOf(edge: Authenticated, target: EdgePool, { stream }: Parcel, body: ArrayBuffer): LeaseRequest {
  const { place, key } = placeOf(edge.request, edge.runtime, edge.dev);
  return {
    pool: target.spec,
    client: place,
    clientKey: key,
    inputTokens: tokensIn(target.tokenBytes, body.byteLength),
    excluded: [],
    purpose: "shadow",
    // Credits are slots that clients are about to need: the shard is asked.
    again: true,
    explain: false,
    priority: "low",
    stream,
  };
}

const trailOf = (id: string): Trail => createTrail(id, () => undefined);

type Copied = {
  readonly parcel: Parcel;
  readonly body: ArrayBuffer;
  readonly gone: AbortSignal;
  readonly trail: Trail;
};

function outgoingOf(edge: Authenticated, target: EdgePool, { parcel, body, gone, trail }: Copied): Outgoing {
  const { method, path, stream } = parcel;
  const { config } = target;
  const spoken = SPOKEN[path as InferencePath];
  const executionMs = Math.max(...config.endpoints.map(({ executionTimeoutMs }) => executionTimeoutMs));
  return {
    method,
    path,
    headers: {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
      [REQUEST_ID]: edge.requestId,
      [HOP]: "1",
    },
    body,
    stream,
    protocol: protocolOf(method, path),
    isClientsPath: false,
    ...(spoken === undefined ? {} : { speech: speechOf(spoken, new Map()) }),
    firstByteTimeoutMs: stream ? config.firstTokenTimeoutMs : executionMs,
    connectTimeoutMs: config.connectTimeoutMs,
    stallTimeoutMs: config.stallTimeoutMs,
    mayLeave: false,
    trail,
    trace: null,
    clientGone: gone,
  };
}
