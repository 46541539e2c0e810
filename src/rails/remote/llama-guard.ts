/**
 * The rail `llama-guard`: asks a Llama Guard model, through Workers AI or through one of our own pools.
 *
 * Model. The texts of the request go as one message of a user; the answer's first line is `safe` or `unsafe`, its second
 * the hazard codes. Through a pool the question takes a lease and an endpoint like any request, so the guard's fleet is
 * routed and bounded as every other; it has no rails of its own, or a guard would ask itself for ever. Anything that is
 * neither `safe` nor `unsafe` is no answer.
 * Source: Meta's model card of Llama Guard 3; docs/reference/sources.md, Failing open and closed.
 */
import { NOTHING_FOUND, readGuardAnswer } from "../core/outside-answers.ts";
import type { LeaseRequest } from "../../routing/core/lease-client/edge-lease.ts";
import { inputTokensEstimate } from "../../wire/openai.ts";
import { takeSlot } from "../../dispatch/slot.ts";
import type { EdgePool } from "../../dispatch/runtime.ts";
import { OUTSIDE_ANSWER_BYTES_MAX, parseBytes } from "./outside.ts";
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
    const pool = ask.host.runtime.pools.get(poolId);
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
  const { host, signal } = ask;
  const leaseRequest: LeaseRequest = {
    pool: pool.spec,
    client: null,
    clientKey: "rails",
    inputTokens: inputTokensEstimate(body.byteLength),
    affinityKey: null,
    excluded: [],
    explain: false,
  };
  const slot = await takeSlot(host.leases, pool, leaseRequest);
  if (slot.kind !== "slot") throw new Error(`the guard's pool has no lease: ${slot.kind}`);
  const sent = await slot.send({
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json", "x-request-id": ask.requestId, "x-warmpath-hop": "1" },
    body,
    stream: false,
    firstByteTimeoutMs: pool.config.firstTokenTimeoutMs,
    protocol: "chat",
    connectTimeoutMs: pool.config.connectTimeoutMs,
    stallTimeoutMs: pool.config.stallTimeoutMs,
    mayLeave: false,
    isClientsPath: false,
    trace: null,
    clientGone: signal,
  });
  if (sent.kind === "refused") throw new Error(`the guard's pool refuses: ${sent.refusal.reason}`);
  if (sent.kind === "lost") throw new Error(`the guard's endpoint failed: ${sent.why}`);
  const { status, body: answer } = sent.answer;
  const read = answer.kind === "whole" ? answer : await answer.read(OUTSIDE_ANSWER_BYTES_MAX);
  if (read.kind === "too_large") {
    read.rest.discard("served");
    throw new Error(`the guard's answer has more than ${OUTSIDE_ANSWER_BYTES_MAX} bytes`);
  }
  if (read.kind === "broken") throw new Error(`the guard's answer broke off: ${read.why}`);
  if (status >= 400) throw new Error(`the guard's endpoint answered ${status}`);
  return parseBytes(read.bytes ?? new Uint8Array(0));
}
