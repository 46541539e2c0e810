/**
 * A request whose model is split, or whose pool has other pools behind it or a shadow: to which pool it goes, where it goes
 * on to, and what is told of it. A part of the bundle that only such a request loads.
 *
 * Model. `dispatch/core` decides (`split.ts`, `fallback.ts`, `shadow.ts`); here the request is sent to one pool after the other
 * by the pipeline's own way, whole: rails, limits, lease and attempts of each. So a pool that answers has checked, counted
 * and billed it as its own, and what another one had reserved goes back. Its rails are its own and those of every pool
 * that the name belongs to before it (`railsOf`). Pools that the key may not use do not exist here (`access/within.ts`).
 * Rejected: one course of attempts over the endpoints of all pools, which would have one set of rails, prices and waits for
 * pools that differ in all of them.
 */
import { fallbackCause, fallbackText, shareEndsAtMs } from "../dispatch/core/fallback.ts";
import type { Fell } from "../dispatch/core/fallback.ts";
import { sideOf } from "../dispatch/core/split.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import { bufferOf } from "../lib/bytes.ts";
import { isObject } from "../lib/json-object.ts";
import { keyedHash } from "../lib/keyed-hash.ts";
import { FALLBACK, SPLIT } from "../wire/headers.ts";
import { withModel } from "../wire/model-in-body.ts";
import type { InferencePath } from "../wire/openai.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { Authenticated } from "./edge-request.ts";
import type { Steered } from "./parcel.ts";
import { homeOf } from "./response-home.ts";
import { goesOn, sessionKeyOf } from "./session-key.ts";
import { shadowing } from "./shadow.ts";
import { poolWith } from "./pools-rails.ts";

/** Of a conversation's beginning, as text: more of it does not tell it better from another one. */
const BEGINNING_CHARS_MAX = 4_096;

type Asked = {
  /** Null: only its split knows the name. */
  readonly pool: EdgePool | undefined;
  readonly model: string | null;
  readonly path: InferencePath;
  readonly bytes: ArrayBuffer;
  readonly json: unknown;
  readonly stream: boolean;
};

type To = Pick<Asked, "path" | "bytes" | "json" | "stream"> & { readonly pool: EdgePool; readonly steered: Steered };

export async function steer(edge: Authenticated, asked: Asked, sendTo: (to: To) => Promise<Answer>): Promise<Answer> {
  const { pools } = edge.runtime;
  const side = sideFor(edge, asked);
  const owner = asked.pool;
  const first = side === null ? owner : pools.get(side.poolId);
  if (first === undefined) return { reason: "no_endpoint" };
  const before = owner === undefined || owner === first ? [] : [owner];
  const way = wayFrom(edge, first, asked);
  let givesUpAtMs = Number.POSITIVE_INFINITY;
  const fell: Fell[] = [];
  const split = side === null ? null : { model: asked.model ?? "", pool: side.poolId };
  let refused: Refusal | null = null;
  for (const [nth, pool] of way.entries()) {
    edge.seen.way = { split, fell };
    const within: Steered["within"] = (line) => {
      givesUpAtMs = line.clientGivesUpAtMs ?? Number.POSITIVE_INFINITY;
      const endsAtMs = shareEndsAtMs(givesUpAtMs, Date.now(), nth === way.length - 1);
      return endsAtMs === givesUpAtMs ? line : { ...line, clientGivesUpAtMs: endsAtMs };
    };
    const answer = await sendTo(toPool(edge, asked, { pool, rails: [...before, ...way.slice(0, nth)], within }));
    if (answer instanceof Response) return told(answer, side?.poolId ?? null, fell);
    const cause = fallbackCause({ reason: answer.reason, now: Date.now(), clientGivesUpAtMs: givesUpAtMs });
    // What stands against it at a later pool is why it has no answer; that one has no room either is not.
    if (cause === null || edge.request.signal.aborted) return withWay(answer, side?.poolId ?? null, fell);
    refused ??= answer;
    const next = way[nth + 1];
    if (next === undefined) break;
    fell.push({ from: pool.config.id, reason: cause, to: next.config.id });
    edge.seen.meter?.release();
    edge.seen.meter = null;
  }
  edge.seen.pool = first;
  return withWay(refused ?? { reason: "no_endpoint" }, side?.poolId ?? null, fell);
}

/** Null: its model is not split, or the key may use none of its pools. */
function sideFor({ runtime, identity, request, requestId }: Authenticated, { model, json }: Asked) {
  const { config, pools, affinitySecret } = runtime;
  const sides = (config.splits.get(model ?? "") ?? []).filter(({ poolId }) => pools.has(poolId));
  if (sides.length === 0) return null;
  const { tenant } = identity;
  const home = homeIn(json, (id) => homeOf(affinitySecret, tenant, id)?.endpointId ?? null);
  const kept = home === null ? undefined : sides.find(({ poolId }) => pools.get(poolId)?.endpoints.has(home));
  if (kept !== undefined) return kept;
  const session = sessionKeyOf(affinitySecret, tenant, request.headers, json) ?? beginningOf(json);
  const key = session === null ? requestId : keyedHash(affinitySecret, `b ${tenant} ${session}`);
  return sideOf(sides, key, affinitySecret);
}

/** The endpoint of the answer that it goes on from. */
function homeIn(json: unknown, endpointOf: (id: string) => string | null): string | null {
  const previous = isObject(json) ? json["previous_response_id"] : undefined;
  return typeof previous === "string" ? endpointOf(previous) : null;
}

/** What every request of a conversation begins with: its system's words and its first question. Null: it is none. */
function beginningOf(json: unknown): string | null {
  if (!isObject(json)) return null;
  const { messages, system, instructions, input } = json;
  const turns = Array.isArray(messages) ? messages : input;
  if (turns === undefined || (typeof turns !== "string" && !Array.isArray(turns))) return null;
  const isChat = messages !== undefined || instructions !== undefined || Array.isArray(turns);
  // A lone text is a prompt or something to embed, and goes on in no other request.
  if (!isChat) return null;
  const user = Array.isArray(turns) ? turns.findIndex((turn) => isObject(turn) && turn["role"] === "user") : -1;
  const begin = Array.isArray(turns) ? turns.slice(0, user < 0 ? 1 : user + 1) : turns;
  return JSON.stringify([system ?? null, instructions ?? null, begin]).slice(0, BEGINNING_CHARS_MAX);
}

/** The pools in their order. What goes on from an answer is served by who has it, and by nobody else. */
function wayFrom({ runtime: { pools, config } }: Authenticated, first: EdgePool, { json }: Asked): EdgePool[] {
  if (goesOn(json)) return [first];
  const behind = first.config.fallback.flatMap((id) => pools.get(id) ?? []);
  const isNamed = ({ config: { id, models } }: EdgePool): boolean =>
    models.some((model) => config.poolIdByModel.get(model) === id);
  return [first, ...behind.filter(isNamed)];
}

type Leg = Pick<Steered, "within"> & {
  readonly pool: EdgePool;
  /** Pools whose rails hold besides. */
  readonly rails: readonly EdgePool[];
};

function toPool(edge: Authenticated, asked: Asked, { pool, rails, within }: Leg): To {
  const { path, bytes, json, stream, model } = asked;
  const { poolIdByModel } = edge.runtime.config;
  const { id, models, answerModel } = pool.config;
  const passed = pool.config.shadow === undefined ? null : shadowing(edge, pool.config.shadow);
  const own = { path, stream, pool: poolWith(pool, rails) };
  const name = models.find((one) => poolIdByModel.get(one) === id) ?? models[0];
  if (model === null || models.includes(model) || name === undefined)
    return { ...own, bytes, json, steered: { within, passed } };
  return {
    ...own,
    ...renamed(bytes, json, name),
    steered: { within, passed, ...(answerModel === "asked" ? { asked: model } : {}) },
  };
}

/** The same request under the pool's own name of its model. */
export function renamed(bytes: ArrayBuffer, json: unknown, name: string): Pick<To, "bytes" | "json"> {
  const { body } = withModel(new Uint8Array(bytes), () => name);
  return { bytes: bufferOf(body), json: isObject(json) ? { ...json, model: name } : json };
}

function told(answer: Response, split: string | null, fell: readonly Fell[]): Response {
  for (const [name, value] of wayHeaders(split, fell)) answer.headers.set(name, value);
  return answer;
}

const withWay = (refusal: Refusal, split: string | null, fell: readonly Fell[]): Refusal => ({
  ...refusal,
  headers: [...(refusal.headers ?? []), ...wayHeaders(split, fell)],
});

function wayHeaders(split: string | null, fell: readonly Fell[]): readonly (readonly [string, string])[] {
  return [
    ...(split === null ? [] : ([[SPLIT, split]] as const)),
    ...(fell.length === 0 ? [] : ([[FALLBACK, fallbackText(fell)]] as const)),
  ];
}
