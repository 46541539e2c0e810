/**
 * The path of one request: read it, run its rails while the lease is acquired, send it, retry or hedge once before the
 * first byte, and pass the answer on.
 *
 * Neither the rails nor the lease waits for the other; a refused request gives its lease back unused. Nothing is sent
 * anywhere before both are there.
 */
import type { LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import { PRIORITY_DEFAULT } from "../routing/core/shard/priority.ts";
import type { Priority } from "../routing/core/shard/priority.ts";
import { ALL_READ } from "../rails/core/rail.ts";
import type { Unread } from "../rails/core/rail.ts";
import { tokensIn } from "../wire/token-bytes.ts";
import { engineMemberIn, FORM_PATHS, hasPrompt, readInferenceBody, SPOKEN } from "../wire/openai.ts";
import { bufferOf } from "../lib/bytes.ts";
import type { InferencePath } from "../wire/openai.ts";
import { railHeaders } from "../rails/rail-headers.ts";
import { EXPLAIN, forwardableRequestHeaders, headersBeyond, RAILS, TRACEPARENT } from "../wire/headers.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import { part } from "../dispatch/part.ts";
import { AFFINITY_TOKENS_MIN } from "../routing/core/shard/affinity.ts";
import { protocolOf } from "../dispatch/answer-format.ts";
import { answerBegun } from "./answer.ts";
import { besideOf } from "./beside.ts";
import { blocked } from "./blocked.ts";
import { dispatch } from "../dispatch/door.ts";
import type { Outcome } from "../dispatch/door.ts";
import type { BegunAnswer } from "../dispatch/begun-answer.ts";
import { parseJson, writeJson } from "../wire/body.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { Authenticated } from "./edge-request.ts";
import { beginCheck } from "../rails/input-rails.ts";
import type { LeaseAnswer } from "../routing/host/lease-client.ts";
import { giveBack } from "../dispatch/way-of.ts";
import type { Checked, InputCheck } from "../rails/check.ts";
import { inLineOf } from "./in-line.ts";
import type { InLine, LineAsked } from "./in-line.ts";
import { goesOn } from "./session-key.ts";
import { limitsOn, passLimits } from "./limited.ts";
import { outgoingOf } from "./outgoing-of.ts";
import { isStreamed } from "./parcel.ts";
import type { Parcel } from "./parcel.ts";
import { isSteered } from "./steered.ts";
import type { Inferring } from "./steered.ts";
import { placeOf } from "./place.ts";
import { readBody } from "./read-body.ts";
import { noteChecked, noteParcel } from "./note.ts";
import type { Seen } from "../sight/seen.ts";
import { traceOf } from "../sight/trace.ts";
import { wantsCandidates } from "../sight/watched.ts";
import { unreadOf } from "./unread.ts";
import type { EdgePool } from "../dispatch/runtime.ts";

/** Loaded with the first long prompt, the first stream that is asked for its usage, and the first rail outside. */
const affinityPart = part(async () => import("./affinity-key.ts"));
const usagePart = part(async () => import("./stream-usage.ts"));
const keeperPart = part(async () => import("./keep-lease.ts"));
const withinPart = part(async () => import("../access/within.ts"));
const speakingPart = part(async () => import("./speaking.ts"));
const toldPart = part(async () => import("../dispatch/told-answer.ts"));
const formPart = part(async () => import("./form.ts"));
const continuingPart = part(async () => import("./continuing.ts"));
const trafficPart = part(async () => import("./traffic.ts"));
const overlapPart = part(async () => import("./overlap.ts"));

const isForm = (headers: Headers): boolean => /^\s*multipart\//i.test(headers.get("content-type") ?? "");

/** `POST /v1/…`: the pool is chosen by `model`, unless the path has named it (`given`). */
export async function infer(edge: Authenticated, path: InferencePath, given?: EdgePool): Promise<Answer> {
  const { config, pools } = edge.runtime;
  if (FORM_PATHS.has(path) && isForm(edge.request.headers))
    return (await formPart()).inferForm(edge, { path, given, send });
  const bytes = await readBody(edge, config.limits.bodyBytesMax, "limits.bodyBytesMax");
  if (!bytes.ok) return bytes.error;
  const json = parseJson(bytes.value);
  if (json === null)
    return FORM_PATHS.has(path) ? (await import("./form-problems.ts")).NO_FORM : { reason: "invalid_json" };
  const read = readInferenceBody(json, path, given !== undefined);
  if (!read.ok) {
    const { param, problem } = read.error;
    return { reason: "invalid_request", detail: problem, ...(param === null ? {} : { param }) };
  }
  const { model } = read.value;
  const poolId = config.poolIdByModel.get(model ?? "");
  const pool = given ?? (poolId === undefined ? undefined : pools.get(poolId));
  if (pool === undefined) {
    const { unknownModel } = await import("./admin/rare.ts");
    return unknownModel(model ?? "", config);
  }
  const inferring = { path, bytes: bytes.value, json, stream: read.value.stream };
  if (given === undefined && isSteered(pool, model, config))
    return (await trafficPart()).steer(edge, { ...inferring, pool, model }, async (to) => inferAt(edge, to));
  return inferAt(edge, { ...inferring, pool });
}

async function inferAt(edge: Authenticated, { pool, path, bytes, json, stream, steered }: Inferring): Promise<Answer> {
  const spoken = SPOKEN[path];
  const speaking = spoken === undefined ? undefined : (await speakingPart()).speakingOf(edge, pool, spoken, json);
  if (speaking !== undefined && "reason" in speaking) return speaking;
  const sent = speaking?.sent;
  return send(edge, {
    pool,
    method: "POST",
    path,
    bytes: sent === undefined ? bytes : bufferOf(writeJson(sent, bytes) ?? new Uint8Array(0)),
    json: sent ?? json,
    stream,
    isInference: true,
    isClientsPath: false,
    repeatable: true,
    steered,
    speaking,
  });
}

/** Sends a request that was read, once nothing in it stands against it. */
export async function send(edge: Authenticated, given: Omit<Parcel, "headers" | "asking">): Promise<Answer> {
  const headers = forwardableRequestHeaders(edge.request.headers);
  const beyond = headersBeyond(headers);
  if (beyond !== null) return { reason: "headers_too_large", detail: `The request's headers are beyond ${beyond}.` };
  const asking = given.stream && given.pool.config.streamUsage ? await usageAsker(given) : null;
  const { runtime, leases, ctx, requestId } = edge;
  noteParcel(edge.seen, given);
  edge.seen.trace = traceOf(headers[TRACEPARENT] ?? null, runtime.config.sight);
  if (edge.identity.access !== undefined || engineMemberIn(given.json) !== undefined) {
    const refusal = (await withinPart()).refuseBody(edge.identity, given);
    if (refusal !== null) return refusal;
  }
  if (given.pool.endpoints.size === 0) return { reason: "jobs_only" };
  const promptBytes = hasPrompt(given.path) ? (given.bytes?.byteLength ?? 0) : 0;
  const inputTokens = tokensIn(given.pool.tokenBytes, promptBytes);
  const limiting = limitsOn(edge, { ...given, inputTokens });
  const metering = limiting instanceof Promise ? await limiting : limiting;
  if (metering !== null && "reason" in metering) return metering;
  const { speaking } = given;
  const parcel: Parcel = { ...given, headers, asking: both(asking, metering?.bound ?? null) };
  const { place, key, colo } = placeOf(edge.request, runtime, edge.dev);
  const stands = inLineOf(runtime.affinitySecret, lineAsked(edge, parcel));
  if ("reason" in stands) return stands;
  const line = parcel.steered?.within(stands) ?? stands;
  edge.seen.priority = line.priority;
  edge.seen.colo = colo;
  edge.seen.tellsCandidates = wantsCandidates(edge.startedAtMs);
  const leaseRequest: LeaseRequest = {
    pool: parcel.pool.spec,
    client: place,
    clientKey: key,
    inputTokens,
    affinityKey:
      inputTokens < AFFINITY_TOKENS_MIN && !goesOn(parcel.json)
        ? null
        : await affinityOf(edge, parcel, inputTokens, line),
    ...adapterOf(parcel),
    excluded: speaking?.excluded ?? [],
    purpose: "first",
    explain: edge.seen.tellsCandidates || isExplained(edge),
    ...line,
    mayPutBack: mayPutBack(parcel, line.priority),
    stream: parcel.stream,
    waits: edge.seen.waits,
  };
  const lease = async () => leases.take(leaseRequest, parcel.pool.config.patienceMs);
  const leasing = lease();
  const admitting = metering?.meter.admit() ?? null;
  const beginning =
    parcel.checked ??
    beginCheck(edge, parcel.pool, {
      requestId,
      tenant: edge.identity.tenant,
      body: parcel.json,
      hasBody: parcel.bytes !== null,
      bodyBytesMax: parcel.form?.textBytes ?? parcel.bytes?.byteLength ?? 0,
      unread: () => unreadParcel(edge, parcel),
      everyMember: !parcel.isInference,
      beside:
        parcel.pool.config.rails.input.length === 0
          ? []
          : besideOf(parcel.path, parcel.isInference, besideHeaders(parcel)),
      clientGone: edge.request.signal,
    });
  const check = beginning instanceof Promise ? await beginning : beginning;
  let sending: Sending = { edge, parcel, leaseRequest, leasing, tellLimits: metering?.tell ?? null };
  if (check === null) {
    takeBack(sending);
    return { reason: "misconfigured" };
  }
  if (admitting !== null && check.inside.verdict.verdict !== "block") {
    const passing = passLimits(admitting, { giveBack: () => giveBack(leases, leasing), anew: lease });
    const passed = passing === null ? null : await passing;
    if (passed !== null && "reason" in passed) {
      check.stop();
      return withRails(passed, check.inside);
    }
    if (passed !== null) sending = { ...sending, leasing: passed.leasing };
  }
  if (check.outside === null || check.inside.verdict.verdict === "block") return sendChecked(sending, check.inside);
  const answering = sendAsking(sending, { ...check, outside: check.outside });
  ctx.waitUntil(answering);
  return answering;
}

async function usageAsker({ method, path }: Pick<Parcel, "method" | "path">): Promise<Parcel["asking"]> {
  const { askingUsage } = await usagePart();
  const protocol = protocolOf(method, path);
  return (body) => askingUsage(protocol, body);
}

type Change = Parcel["asking"];

const both = (one: Change, other: Change): Change =>
  one === null || other === null ? (one ?? other) : (body) => other(one(body));

/** What no rail can read of it. An inference body is sent on as JSON, whatever the client called it. */
function unreadParcel({ request }: Authenticated, { pool, bytes, json, isInference, form }: Parcel): Unread {
  if (pool.config.rails.input.length === 0) return ALL_READ;
  if (form !== undefined) return form.unread;
  return unreadOf(bytes, json, isInference ? null : request.headers.get("content-type"));
}

/** The headers of its files stand beside a form's texts as its own do. */
const besideHeaders = ({ headers, form }: Parcel): HeaderRecord =>
  form === undefined || form.filenames === "" ? headers : { ...headers, files: form.filenames };

/** A request, and the lease that is on its way. */
type Sending = {
  readonly edge: Authenticated;
  readonly parcel: Parcel;
  readonly leaseRequest: LeaseRequest;
  readonly leasing: Promise<LeaseAnswer>;
  /** Null: nothing limits it. */
  readonly tellLimits: ((headers: HeaderRecord) => void) | null;
};

/** All rails have spoken. */
async function sendChecked(sending: Sending, checked: Checked): Promise<Answer> {
  const { edge, parcel, leaseRequest, leasing } = sending;
  noteChecked(edge.seen, checked);
  const outgoing = checked.verdict.verdict === "block" ? null : outgoingOf(sending, checked, null);
  if (outgoing === null) {
    takeBack(sending);
    return refuseChecked(sending, checked);
  }
  const request = { pool: parcel.pool, leaseRequest, outgoing, ...sentBy(edge, parcel) };
  const answering = dispatch(request, leasing).then((outcome) => respond(sending, outcome, checked, null));
  // A client that leaves ends its handler at once; what is waited for goes on, and gives the lease back.
  edge.ctx.waitUntil(answering);
  return answering;
}

/** Rails outside the isolate are still being asked. */
async function sendAsking(
  sending: Sending,
  check: InputCheck & { readonly outside: Promise<Checked> },
): Promise<Answer> {
  const { edge, parcel, leaseRequest, leasing } = sending;
  const { leases, ctx } = edge;
  // What goes up as it comes cannot be sent anew.
  if (parcel.pool.config.rails.overlap === "acquire" || isStreamed(parcel)) {
    const { keepLease } = await keeperPart();
    ctx.waitUntil(keepLease(leases, leasing, check.outside));
    return sendChecked(sending, await check.outside);
  }
  const { dispatchBeside } = await overlapPart();
  const { checked, outcome, savedMs } = await dispatchBeside(
    { pool: parcel.pool, leaseRequest, ...sentBy(edge, parcel) },
    leasing,
    check,
    (known, clientGone) => outgoingOf(sending, known, clientGone),
    async () => leases.take(leaseRequest, parcel.pool.config.patienceMs),
  );
  noteChecked(edge.seen, checked);
  if (outcome === null) return refuseChecked(sending, checked);
  return respond(sending, outcome, checked, savedMs);
}

const sentBy = ({ identity, runtime, leases }: Authenticated, { repeatable }: Parcel) => ({
  runtime,
  leases,
  repeatable,
  tenant: identity.tenant,
});

const takeBack = ({ edge: { leases }, leasing }: Sending): void => giveBack(leases, leasing);

async function respond(sending: Sending, outcome: Outcome, checked: Checked, savedMs: number | null): Promise<Answer> {
  const { edge, parcel, leaseRequest, tellLimits } = sending;
  if (outcome.kind === "refused") {
    return withRails(outcome.refusal, checked);
  }
  parcel.steered?.passed?.(parcel, checked);
  const told: HeaderRecord = {};
  const answer = await lastingAnswer(sending, outcome, checked, told);
  const spoken = parcel.speaking?.onward(answer.endpoint.config.id, told) ?? null;
  const asked = parcel.steered?.asked ?? answer.asked;
  const onward = asked === null ? spoken : (await toldPart()).onwardAsked(parcel.path, asked, spoken);
  const answered = answerBegun(edge, answer, {
    pool: parcel.pool,
    path: onward?.path ?? parcel.path,
    reason: outcome.reason,
    attempts: outcome.attempts,
    overheadMs: answer.sentAtMs - edge.startedAtMs,
    decision: leaseRequest.explain && isExplained(edge) ? await explained(edge.seen, outcome, checked) : null,
    checked,
    tell(headers) {
      tellLimits?.(headers);
      Object.assign(headers, told);
    },
    onward,
    savedMs,
  });
  if (onward === null || answer.isEvents) return answered;
  const whole = await answered;
  return whole instanceof Response ? onward.whole(whole, answer.body.kind === "whole") : whole;
}

/** The answer; of a pool that says so, one that is gone on with elsewhere when its endpoint dies. */
async function lastingAnswer(
  sending: Sending,
  outcome: Extract<Outcome, { kind: "begun" }>,
  checked: Checked,
  told: HeaderRecord,
): Promise<BegunAnswer> {
  const { edge, parcel, leaseRequest } = sending;
  const { pool } = parcel;
  const outgoing = parcel.stream && pool.config.onCut === "continue" ? outgoingOf(sending, checked, null) : null;
  if (outgoing === null) return outcome.answer;
  const { continuing } = await continuingPart();
  return continuing({ pool, leaseRequest, outgoing, ...sentBy(edge, parcel) }, outcome, told);
}

async function explained(seen: Seen, outcome: Extract<Outcome, { kind: "begun" }>, checked: Checked): Promise<string> {
  const { answer, reason, attempts, lease: decision } = outcome;
  const endpointId = answer.endpoint.config.id;
  const { decisionText } = await import("./admin/rare.ts");
  return decisionText(seen, { endpointId, reason, attempts, decision, rails: checked.records });
}

/** The rails refused it; or had text redacted in a body that is nested too deep to be written again. */
function refuseChecked({ parcel }: Sending, checked: Checked): Refusal {
  const refusal: Refusal =
    checked.verdict.verdict === "block"
      ? blocked(checked, parcel.pool.config)
      : { reason: "invalid_request", detail: "The body is nested too deep." };
  return withRails(refusal, checked);
}

function withRails(refusal: Refusal, { records }: Checked): Refusal {
  const { rails } = railHeaders(records);
  return rails === "" ? refusal : { ...refusal, headers: [...(refusal.headers ?? []), [RAILS, rails]] };
}

/** While a stream has no byte nothing was told of it; of any other answer nobody can say how far it is. */
const mayPutBack = (parcel: Parcel, priority: Priority): boolean =>
  parcel.stream &&
  parcel.repeatable &&
  !isStreamed(parcel) &&
  parcel.pool.config.attemptsMax > 1 &&
  priority !== "high";

function lineAsked({ request, identity, startedAtMs, runtime }: Authenticated, { json }: Parcel): LineAsked {
  const { tenant, priorityMax = PRIORITY_DEFAULT } = identity;
  const { clientTimeoutMsMax } = runtime.config.limits;
  return { headers: request.headers, json, tenant, priorityMax, startedAtMs, clientTimeoutMsMax };
}

/** The model's name, where it is that of an adapter, or may be one in a pool that names none. */
function adapterOf({ pool: { config }, json }: Parcel): Pick<LeaseRequest, "adapter" | "isAdapter"> {
  if (config.models.length < 2 || typeof json !== "object" || json === null) return NO_ADAPTER;
  const { model } = json as { readonly model?: unknown };
  if (typeof model !== "string") return NO_ADAPTER;
  if (config.adapters.length === 0) return { adapter: model };
  return config.adapters.includes(model) ? { adapter: model, isAdapter: true } : NO_ADAPTER;
}

const NO_ADAPTER = { adapter: null } as const;

async function affinityOf(
  { runtime, identity }: Authenticated,
  parcel: Parcel,
  inputTokens: number,
  { sender }: InLine,
) {
  const { affinityKeyOf } = await affinityPart();
  return affinityKeyOf(runtime.affinitySecret, {
    mode: parcel.pool.config.affinity,
    tenant: identity.tenant,
    session: sender.session ?? null,
    json: parcel.json,
    hasPrompt: parcel.isInference && parcel.path !== "/v1/embeddings",
    inputTokens,
  });
}

/** Where the fleet's endpoints are and how they do is for operators: a key that may only infer asks in vain. */
const isExplained = ({ request, identity, dev }: Authenticated): boolean =>
  request.headers.get(EXPLAIN) === "1" && (dev || identity.scopes.includes("admin"));
