/**
 * The rail `llama-guard`: asks a Llama Guard model, through Workers AI or through one of our own pools.
 *
 * Model. The texts of the request go as one message of a user; the answer's first line is `safe` or `unsafe`, its second
 * the hazard codes. Through a pool the question takes a lease and an endpoint like any request, so the guard's fleet is
 * routed and bounded as every other; it has no rails of its own, or a guard would ask itself for ever. Anything that is
 * neither `safe` nor `unsafe` is no answer.
 * Source: Meta's model card of Llama Guard 3; docs/sources.md, Failing open and closed.
 */
import { NOTHING_FOUND, readGuardAnswer } from "../core/outside-answers.ts";
import type { LeaseRequest } from "../../routing/core/lease-client/edge-lease.ts";
import { inputTokensEstimate } from "../../wire/openai.ts";
import { attemptOnce, endAttempt } from "../../dispatch/dispatch.ts";
import type { Begun } from "../../dispatch/begin-answer.ts";
import { lease, returnLease } from "../../dispatch/lease-desk.ts";
import type { EdgePool } from "../../dispatch/runtime.ts";
import { parseBytes, readBounded } from "./outside.ts";
import type { OutsideAsk, OutsideRail } from "./outside.ts";

/** "unsafe" and all codes there are. */
const ANSWER_TOKENS_MAX = 32;

/** What this project uses of the Workers AI binding. */
export type AiBinding = { run(model: string, input: unknown): Promise<unknown> };

export type GuardOptions = {
  readonly model: string;
  /** Hazard codes that count; absent: all. */
  readonly categories?: readonly string[] | undefined;
};

export function guardByBinding(ai: AiBinding, { model, categories }: GuardOptions): OutsideRail {
  return async ({ input }) => {
    if (input.parts.length === 0) return NOTHING_FOUND;
    // The binding takes no signal: what it answers too late is not waited for.
    return readGuardAnswer(await ai.run(model, questionOf(input.parts)), categories ?? null);
  };
}

export function guardByPool(poolId: string, { model, categories }: GuardOptions): OutsideRail {
  return async (ask) => {
    if (ask.input.parts.length === 0) return NOTHING_FOUND;
    const pool = ask.desk.runtime.pools.get(poolId);
    if (pool === undefined) throw new Error("the guard's pool is not there");
    const body = new TextEncoder().encode(JSON.stringify({ model, ...questionOf(ask.input.parts), stream: false }));
    return readGuardAnswer(await askPool(ask, pool, body), categories ?? null);
  };
}

function questionOf(parts: OutsideAsk["input"]["parts"]) {
  const content = parts.map(({ text }) => text).join("\n\n");
  return { messages: [{ role: "user", content }], max_tokens: ANSWER_TOKENS_MAX, temperature: 0 };
}

async function askPool(ask: OutsideAsk, pool: EdgePool, body: Uint8Array): Promise<unknown> {
  const { desk, signal } = ask;
  const inputTokens = inputTokensEstimate(body.byteLength);
  const leaseRequest: LeaseRequest = {
    pool: pool.spec,
    client: null,
    clientKey: "rails",
    inputTokens,
    affinityKey: null,
    excluded: [],
    explain: false,
  };
  const answer = await lease(desk, pool, leaseRequest);
  if (answer.kind !== "leased") throw new Error(`the guard's pool has no lease: ${answer.kind}`);
  const endpoint = pool.endpoints.get(answer.heldLease.grant.endpointId);
  if (endpoint === undefined || signal.aborted) {
    returnLease(desk, answer.heldLease);
    throw new Error("there is no endpoint, or no time, for the guard");
  }
  const result = await attemptOnce(desk, answer.heldLease, endpoint, {
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json", "x-request-id": ask.requestId, "x-warmpath-hop": "1" },
    body,
    inputTokens,
    clientKey: leaseRequest.clientKey,
    affinity: null,
    stream: false,
    firstByteTimeoutMs: pool.config.firstTokenTimeoutMs,
    protocol: "chat",
    connectTimeoutMs: pool.config.connectTimeoutMs,
    stallTimeoutMs: pool.config.stallTimeoutMs,
    mayLeave: false,
    isClientsPath: false,
    clientGone: signal,
  });
  if (result.kind === "lost") throw new Error(`the guard's endpoint failed: ${result.why}`);
  const isServed = result.response.status < 400;
  try {
    if (!isServed) throw new Error(`the guard's endpoint answered ${result.response.status}`);
    return parseBytes(await wholeOf(result.begun));
  } finally {
    endAttempt(result.attempt, isServed ? "served" : "client_fault");
  }
}

async function wholeOf(begun: Begun): Promise<Uint8Array> {
  if (begun.kind === "whole") return begun.bytes ?? new Uint8Array(0);
  begun.reader.releaseLock();
  const rest = await readBounded(begun.body);
  const whole = new Uint8Array(begun.first.byteLength + rest.byteLength);
  whole.set(begun.first);
  whole.set(rest, begun.first.byteLength);
  return whole;
}
