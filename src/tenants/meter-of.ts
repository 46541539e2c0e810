/**
 * Makes the meter of a request: whose limits hold for it, and the most that it may come to.
 *
 * Model. Its own cap of tokens is the smallest of the deployment's, its tenant's and its key's. Where a tenant or a key has
 * one, a request that names none is sent with it: what was reserved is then what an engine can write at most. Where nobody
 * has one, OUTPUT_TOKENS_DEFAULT is reserved, and what comes beyond is settled at the end.
 */
import type { Config, PoolConfig } from "../config/config.ts";
import type { KeyLimits, TenantLimits } from "../config/limits-schema.ts";
import { protocolOf } from "../dispatch/answer-format.ts";
import type { AnswerProtocol } from "../dispatch/core/answer-protocol.ts";
import { choicesAsked, outputAsked } from "../wire/output-asked.ts";
import { beyondCaps } from "../wire/output-caps.ts";
import { addLimitHeaders } from "../wire/limit-headers.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { Refusal } from "../wire/refusal.ts";
import { BudgetClient } from "./budget-client.ts";
import type { BudgetPorts } from "./budget-client.ts";
import { costOf, pricesOf } from "./core/amounts.ts";
import type { Bounds } from "./core/ledger-messages.ts";
import { boundsOf } from "./limits-resolve.ts";
import type { BudgetMemories } from "./ledger-of.ts";
import { createAnswerBytes, Meter } from "./meter.ts";
import type { AnswerBytes } from "./meter.ts";

/** Reserved for an answer of which nobody says how long it may be, tokens. */
const OUTPUT_TOKENS_DEFAULT = 1_024;

/** Beyond the longest attempt, ms: waits and repetitions before it. */
const HOLD_MARGIN_MS = 60_000;

/** Of a tenant whose keys alone have limits. */
export const LIMITS_DEFAULT: TenantLimits = {
  queueMax: 100,
  queueWaitMsMax: 10_000,
  onLedgerDown: "allow-bounded",
};

export type Metered = {
  readonly tenant: string;
  readonly keyId: string;
  readonly limits: TenantLimits;
  readonly keyLimits: KeyLimits | null;
  readonly pool: PoolConfig;
  readonly method: string;
  readonly path: string;
  readonly json: unknown;
  readonly inputTokens: number;
  /** Not of an attempt of a job, which was counted when it was submitted. */
  readonly countsRequest: boolean;
  /** Longer than an attempt of its pool may run, ms; absent: no longer. */
  readonly longestMs?: number;
};

export type Metering = {
  readonly meter: Meter;
  /** Its body with a bound of tokens; null: as it is. */
  readonly bound: ((body: unknown) => unknown) | null;
  /** Says in the answer's headers where the limits of a minute stand. */
  readonly tell: (headers: HeaderRecord) => void;
};

const answerBytes = new Map<string, AnswerBytes>();

export function meterOf(
  config: Config,
  memories: BudgetMemories,
  ports: BudgetPorts,
  asked: Metered,
): Metering | Refusal {
  const { limits, keyLimits, json, pool, countsRequest } = asked;
  const { own, bounds, longestMs } = rulesOf(pool, limits, keyLimits);
  const protocol = protocolOf(asked.method, asked.path);
  // A tenant's own caps hold whatever the path; where the protocol is not known a member of this name may be anything.
  const caps = protocol === null ? { maxTokensMax: Infinity, nMax: Infinity } : config.limits;
  const nMax = least(limits.nMax, keyLimits?.nMax) ?? caps.nMax;
  const refusal = beyondCaps(json, { maxTokensMax: own ?? caps.maxTokensMax, nMax });
  if (refusal !== null) return refusal;
  const prices = pricesOf(pool.prices);
  const outputEach = outputAsked(json);
  const isBounded = own !== null && outputEach === null && writesTokens(protocol);
  const requests = choicesAsked(json);
  const unsaid = writesTokens(protocol) ? (own ?? OUTPUT_TOKENS_DEFAULT) : 0;
  const outputTokens = (protocol === "embeddings" ? 0 : (outputEach ?? unsaid)) * requests;
  const { inputTokens } = asked;
  const wish = {
    key: asked.keyId,
    bounds,
    tokens: inputTokens + outputTokens,
    micros: costOf({ input: inputTokens, cached: 0, output: outputTokens, requests }, prices),
    holdMs: Math.max(longestMs, asked.longestMs ?? 0) + HOLD_MARGIN_MS,
    queueMax: limits.queueMax,
    queueWaitMs: limits.queueWaitMsMax,
  };
  const client = new BudgetClient(memories.of(asked.tenant), ports, limits.onLedgerDown === "allow-bounded");
  const plan = { wish, model: modelIn(json, pool), inputTokens, outputTokens, requests, prices, countsRequest };
  const meter = new Meter(client, plan, bytesOf(pool.id));
  return {
    meter,
    bound: isBounded ? (body) => bounded(protocol, body, own) : null,
    tell(headers) {
      if (meter.standing !== null) addLimitHeaders(headers, meter.standing);
    },
  };
}

/** What of a request's limits is the same for every one like it. `longestMs`: its pool's longest attempt. */
type Rules = { readonly own: number | null; readonly bounds: Bounds; readonly longestMs: number };

/** By the pool, then by whose limits: all three live as long as the config, or as a key is believed. */
const rules = new WeakMap<PoolConfig, WeakMap<TenantLimits, WeakMap<KeyLimits | TenantLimits, Rules>>>();

function rulesOf(pool: PoolConfig, limits: TenantLimits, keyLimits: KeyLimits | null): Rules {
  const ofTenant = within(within(rules, pool), limits);
  // Where the key has none, the tenant's stand for them: a key's are never the same object.
  const known = ofTenant.get(keyLimits ?? limits);
  if (known !== undefined) return known;
  const made = {
    own: least(limits.maxTokensMax, keyLimits?.maxTokensMax),
    bounds: { tenant: boundsOf(limits), key: keyLimits === null ? {} : boundsOf(keyLimits) },
    longestMs: Math.max(...pool.endpoints.map(({ executionTimeoutMs }) => executionTimeoutMs), 0),
  };
  ofTenant.set(keyLimits ?? limits, made);
  return made;
}

function within<Outer extends object, Inner extends object, Value>(
  map: WeakMap<Outer, WeakMap<Inner, Value>>,
  key: Outer,
): WeakMap<Inner, Value> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new WeakMap<Inner, Value>();
  map.set(key, made);
  return made;
}

const least = (one: number | undefined, other: number | undefined): number | null =>
  one === undefined || other === undefined ? (one ?? other ?? null) : Math.min(one, other);

/** Others have no answer that is counted in tokens before it is there. */
const WRITERS: ReadonlySet<AnswerProtocol | null> = new Set(["chat", "completions", "responses", "anthropic"] as const);

const writesTokens = (protocol: AnswerProtocol | null): boolean => WRITERS.has(protocol);

/** The pool's name for it, never a client's word. */
function modelIn(json: unknown, { id, models }: PoolConfig): string {
  const asked = typeof json === "object" && json !== null ? (json as { readonly model?: unknown }).model : undefined;
  return models.find((name) => name === asked) ?? models[0] ?? id;
}

/** Under the older name, which every engine knows. */
function bounded(protocol: AnswerProtocol | null, body: unknown, most: number): unknown {
  if (typeof body !== "object" || body === null) return body;
  return { ...body, [protocol === "responses" ? "max_output_tokens" : "max_tokens"]: most };
}

function bytesOf(poolId: string): AnswerBytes {
  const known = answerBytes.get(poolId) ?? createAnswerBytes();
  answerBytes.set(poolId, known);
  return known;
}
