/**
 * What is known of a pool's models: how its endpoints are, from their shards, and what they tell of their models, from themselves.
 *
 * Model. Asked for when somebody lists models, and remembered: the state for a moment, what an endpoint lists for minutes. Only
 * an endpoint that is warm is asked, so that a list wakes nobody, and a client waits LIST_WAIT_MS at most for
 * what is new: who answers later has told for the next. What was told once stays known when the endpoint is gone. A shard takes a
 * new endpoint for warm until it has looked; where nobody can be connected to, nobody knows.
 * Rejected: to ask with each probe, for what few clients read; to ask the shards to remember it, for a value that any isolate
 * learns by one question.
 */
import { egress } from "../../backends/egress.ts";
import type { EdgeEndpoint, EdgePool } from "../dispatch/runtime.ts";
import { askFleet } from "../sight/ask-fleet.ts";
import type { ShardAnswer } from "../sight/ask-fleet.ts";
import { listedModels, LIST_BYTES_MAX, onlyModel } from "../wire/listed-models.ts";
import type { ListedModel } from "../wire/listed-models.ts";
import type { KnownModel, ModelState } from "../wire/model-list.ts";
import { readStart } from "../wire/read-body.ts";
import type { Authenticated } from "./edge-request.ts";

/** A state that was heard is told for so long, ms. */
const STATE_LIFE_MS = 2_000;

/** What an endpoint lists is taken as known for so long, and one that does not tell is asked again, ms. */
const LISTED_LIFE_MS = 600_000;
const UNTOLD_LIFE_MS = 30_000;

/** A client waits for what endpoints tell no longer than this, ms. */
const LIST_WAIT_MS = 1_000;

/** An endpoint that has not answered by then tells nothing this time, ms. */
const LIST_TIMEOUT_MS = 3_000;

/** Endpoints asked for one client: the others with the next. All at once would take the sockets of what it is for. */
const ASKED_MAX = 36;
const ASKED_AT_ONCE = 6;

type Listed = {
  readonly models: readonly ListedModel[] | null;
  /** There was no connection when it was asked last. */
  readonly isUnreached: boolean;
  readonly untilMs: number;
};

type State = { readonly state: ModelState; readonly warm: ReadonlySet<string>; readonly untilMs: number };

const listed = new WeakMap<EdgeEndpoint, Listed>();
const states = new WeakMap<EdgePool, State>();

/** Of names that select a pool of the edge's runtime, in their order. */
export async function modelFacts(edge: Authenticated, names: readonly string[]): Promise<readonly KnownModel[]> {
  const { config, pools } = edge.runtime;
  const poolOf = (name: string) => pools.get(config.poolIdByModel.get(name) ?? "");
  const asked = new Set(names.map(poolOf).filter((pool) => pool !== undefined));
  await learnStates(edge, [...asked]);
  const learning = learnLists([...asked]);
  edge.ctx.waitUntil(learning);
  const bound = new AbortController();
  const tooLate = scheduler.wait(LIST_WAIT_MS, { signal: bound.signal }).catch(() => undefined);
  await Promise.race([learning, tooLate]);
  bound.abort();
  return names.flatMap((name) => {
    const pool = poolOf(name);
    return pool === undefined ? [] : [factsOf(name, pool)];
  });
}

function factsOf(id: string, pool: EdgePool): KnownModel {
  const { adapters, models } = pool.config;
  const isAdapter = adapters.includes(id);
  const told = [...pool.endpoints.values()].flatMap((endpoint) => toldOf(id, endpoint, isAdapter) ?? []);
  return {
    id,
    pool: pool.config.id,
    state: stateNow(pool),
    createdAtS: least(told.map(({ createdAtS }) => createdAtS)),
    contextTokens: least(told.map(({ contextTokens }) => contextTokens)),
    parent: isAdapter ? (models.find((name) => !adapters.includes(name)) ?? null) : null,
  };
}

function stateNow(pool: EdgePool): ModelState {
  const { state, warm } = states.get(pool) ?? { state: "unknown", warm: [] };
  const isReached = (id: string): boolean => {
    const endpoint = pool.endpoints.get(id);
    return endpoint === undefined || listed.get(endpoint)?.isUnreached !== true;
  };
  return state === "up" && ![...warm].some(isReached) ? "unknown" : state;
}

/** What the endpoint says of the model, under the name that a request for it has there; null: nothing. */
function toldOf(id: string, endpoint: EdgeEndpoint, isAdapter: boolean): ListedModel | null {
  const models = listed.get(endpoint)?.models ?? [];
  const name = endpoint.names.get(id);
  const found = models.find((one) => one.id === (name ?? id));
  if (found === undefined) return name === undefined && !isAdapter ? onlyModel(models) : null;
  if (found.contextTokens !== null || found.parent === null) return found;
  // An adapter's context is its model's.
  const { contextTokens } = models.find((one) => one.id === found.parent) ?? found;
  return { ...found, contextTokens };
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

async function learnStates({ shardOf }: Authenticated, pools: readonly EdgePool[]): Promise<void> {
  const now = Date.now();
  const due = pools.filter((pool) => (states.get(pool)?.untilMs ?? 0) <= now);
  const answers = await askFleet(
    due.map(({ spec }) => spec),
    shardOf,
    false,
  );
  for (const pool of due) {
    const shards = answers.filter((answer) => answer.pool === pool.config.id);
    const { warm, state } = stateOf(shards);
    states.set(pool, { state, warm, untilMs: Date.now() + STATE_LIFE_MS });
  }
}

/** Of each endpoint its own shard says how it is. */
function stateOf(shards: readonly ShardAnswer[]): Pick<State, "state" | "warm"> {
  const views = shards.flatMap(({ region, status }) => status?.endpoints.filter((one) => one.region === region) ?? []);
  const admitting = views.filter(({ standing }) => standing === "admitting");
  const warm = new Set(admitting.filter(({ warmth }) => warmth === "warm").map(({ id }) => id));
  if (shards.length === 0) return { state: "jobs_only", warm };
  if (warm.size > 0) return { state: "up", warm };
  if (shards.some(({ status }) => status === null)) return { state: "unknown", warm };
  if (admitting.some(({ warmth }) => warmth === "warming")) return { state: "warming", warm };
  return { state: admitting.length > 0 ? "cold" : "down", warm };
}

async function learnLists(pools: readonly EdgePool[]): Promise<void> {
  const now = Date.now();
  const due = pools
    .flatMap((pool) => [...pool.endpoints.values()].filter(({ config }) => states.get(pool)?.warm.has(config.id)))
    .filter((endpoint) => (listed.get(endpoint)?.untilMs ?? 0) <= now)
    .slice(0, ASKED_MAX);
  // Who is asked is not asked by another client meanwhile.
  for (const endpoint of due) note(endpoint, null, listed.get(endpoint)?.isUnreached ?? false);
  for (let from = 0; from < due.length; from += ASKED_AT_ONCE) {
    await Promise.all(due.slice(from, from + ASKED_AT_ONCE).map(learnList));
  }
}

async function learnList(endpoint: EdgeEndpoint): Promise<void> {
  const signal = AbortSignal.timeout(LIST_TIMEOUT_MS);
  try {
    const call = { method: "GET", path: "/v1/models", headers: {}, body: null, signal };
    const answer = await egress(endpoint.target, call);
    const bytes = await readStart(answer.body, LIST_BYTES_MAX);
    const models = answer.status === 200 ? listedModels(new TextDecoder().decode(bytes), Date.now() / 1_000) : null;
    note(endpoint, models, false);
  } catch {
    // Whoever is late is there.
    note(endpoint, null, !signal.aborted);
  }
}

/** Null: it told nothing, and what it told before stays. */
function note(endpoint: EdgeEndpoint, told: Listed["models"], isUnreached: boolean): void {
  const untilMs = Date.now() + (told === null ? UNTOLD_LIFE_MS : LISTED_LIFE_MS);
  listed.set(endpoint, { models: told ?? listed.get(endpoint)?.models ?? null, isUnreached, untilMs });
}
