/**
 * Decides what `POST /admin/explain` may ask, and says which field is at fault when it may not.
 *
 * Model: the pool by `model` or by `pool`, and what a request would bring: a place, a prompt's length,
 * endpoints that it has tried, its class. A field that is not one of them is refused, because a misspelt one
 * would explain another question.
 */
import type { Place } from "../../routing/core/pool.ts";
import { PRIORITIES, PRIORITY_DEFAULT } from "../../routing/core/shard/priority.ts";
import type { Priority } from "../../routing/core/shard/priority.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { Config, PoolConfig } from "../../config/config.ts";
import { ENDPOINTS_PER_POOL_MAX } from "../../config/config-bounds.ts";
import { parsePlace } from "../../wire/headers.ts";

/** Ten times the longest context that any model takes. */
export const EXPLAIN_INPUT_TOKENS_MAX = 100_000_000;

export type ExplainBody = {
  readonly pool: PoolConfig;
  /** The name that it was asked by; null: by its pool's. */
  readonly model: string | null;
  /** Null: where the caller itself is. */
  readonly place: Place | null;
  readonly inputTokens: number;
  readonly excluded: readonly string[];
  readonly priority: Priority;
};

export type ExplainProblem = {
  readonly reason: "invalid_request" | "unknown_model" | "unknown_pool";
  readonly param: string | null;
  readonly problem: string;
};

type Fields = Readonly<Record<string, unknown>>;

const FIELDS = ["model", "pool", "place", "inputTokens", "excluded", "priority"];

/** `parsed`: what JSON.parse gave. A member that is null counts as absent. */
export function readExplainBody(parsed: unknown, config: Config): Result<ExplainBody, ExplainProblem> {
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return invalid(null, "The body must be a JSON object.");
  }
  const fields = parsed as Fields;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    return invalid(unknown, `There is no field of this name. The fields are ${FIELDS.join(", ")}.`);
  }
  const pool = readPool(fields, config);
  if (!pool.ok) return pool;
  const place = readPlace(fields["place"] ?? null, config);
  if (!place.ok) return place;
  const inputTokens = fields["inputTokens"] ?? 0;
  if (typeof inputTokens !== "number" || !Number.isInteger(inputTokens) || !isWithin(inputTokens)) {
    return invalid("inputTokens", `inputTokens must be a whole number from 0 to ${EXPLAIN_INPUT_TOKENS_MAX}.`);
  }
  const excluded = readExcluded(fields["excluded"] ?? [], pool.value);
  if (!excluded.ok) return excluded;
  const priority = PRIORITIES.find((one) => one === (fields["priority"] ?? PRIORITY_DEFAULT));
  if (priority === undefined) return invalid("priority", `priority must be one of ${PRIORITIES.join(", ")}.`);
  const model = typeof fields["model"] === "string" ? fields["model"] : null;
  return ok({ pool: pool.value, model, place: place.value, inputTokens, excluded: excluded.value, priority });
}

const isWithin = (tokens: number): boolean => tokens >= 0 && tokens <= EXPLAIN_INPUT_TOKENS_MAX;

function readPool(fields: Fields, config: Config): Result<PoolConfig, ExplainProblem> {
  const model = fields["model"] ?? null;
  const name = fields["pool"] ?? null;
  if (model !== null && name !== null) return invalid("pool", "Name the model or the pool, not both.");
  if (model === null && name === null) return invalid("model", "model is required, or pool in its place.");
  const param = model === null ? "pool" : "model";
  const given = model ?? name;
  if (typeof given !== "string") return invalid(param, `${param} must be a string.`);
  const pool = config.pools.get(model === null ? given : (config.poolIdByModel.get(given) ?? ""));
  if (pool !== undefined) return ok(pool);
  return model === null
    ? err({ reason: "unknown_pool", param, problem: `There is no pool of this name. GET /admin/fleet lists them.` })
    : err({ reason: "unknown_model", param, problem: `No pool serves this model. GET /v1/models lists the models.` });
}

function readPlace(value: unknown, config: Config): Result<Place | null, ExplainProblem> {
  if (value === null) return ok(null);
  const place = typeof value === "string" ? parsePlace(value, config.regions) : null;
  if (place !== null) return ok(place);
  const regions = [...config.regions.keys()].join(", ");
  return invalid("place", `place must be "lat,lon" in degrees, or the id of a region: ${regions}.`);
}

function readExcluded(value: unknown, pool: PoolConfig): Result<readonly string[], ExplainProblem> {
  if (!Array.isArray(value)) return invalid("excluded", "excluded must be a list of endpoint ids.");
  if (value.length > ENDPOINTS_PER_POOL_MAX) {
    return invalid("excluded", `excluded may have ${ENDPOINTS_PER_POOL_MAX} entries at most.`);
  }
  const known = pool.endpoints.map(({ id }) => id);
  const ids: string[] = [];
  for (const [index, id] of (value as readonly unknown[]).entries()) {
    if (typeof id !== "string" || !known.includes(id)) {
      return invalid(`excluded[${index}]`, `This must be the id of an endpoint of the pool: ${known.join(", ")}.`);
    }
    ids.push(id);
  }
  return ok(ids);
}

function invalid(param: string | null, problem: string): Result<never, ExplainProblem> {
  return err({ reason: "invalid_request", param, problem });
}
