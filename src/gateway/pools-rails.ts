/**
 * Decides which rails hold where a request is answered by another pool than the one that was asked: those of the pool
 * that answers and those of every pool before it, never fewer. A rail that two pools have alike runs once.
 *
 * Model. A list of rails is plain data, so two rails are the same where they are written alike. One of the same name that
 * is not the same runs beside it, under the name of its pool. The way of working is the stricter one: nothing is sent
 * before its rails have spoken, unless all pools say that it may.
 */
import type { RailsConfig } from "../config/config.ts";
import type { EdgePool } from "../dispatch/runtime.ts";

/** By the pool that answers, and the ids of the others; they live as long as their config. */
const made = new WeakMap<EdgePool, Map<string, EdgePool>>();

/** The pool with the rails of `others` besides. */
export function poolWith(pool: EdgePool, others: readonly EdgePool[]): EdgePool {
  if (others.length === 0) return pool;
  const byIds = made.get(pool) ?? new Map<string, EdgePool>();
  made.set(pool, byIds);
  const ids = others.map(({ config }) => config.id).join(" ");
  const known = byIds.get(ids);
  if (known !== undefined) return known;
  const rails = others.reduce((sum, { config }) => railsOf(sum, config.rails, config.id), pool.config.rails);
  const both = { ...pool, config: { ...pool.config, rails } };
  byIds.set(ids, both);
  return both;
}

/** `from`: whose the others are. */
function railsOf(own: RailsConfig, others: RailsConfig, from: string): RailsConfig {
  return {
    input: joined(own.input, others.input, from),
    output: joined(own.output, others.output, from),
    overlap: own.overlap === "dispatch" && others.overlap === "dispatch" ? "dispatch" : "acquire",
    sockets: own.sockets === "unread" && others.sockets === "unread" ? "unread" : "refuse",
    deadlineMs: Math.max(own.deadlineMs, others.deadlineMs),
  };
}

function joined<Rail extends { readonly name: string }>(
  own: readonly Rail[],
  others: readonly Rail[],
  from: string,
): readonly Rail[] {
  const written = new Set(own.map((rail) => JSON.stringify(rail)));
  const names = new Set(own.map(({ name }) => name));
  const more = others
    .filter((rail) => !written.has(JSON.stringify(rail)))
    .map((rail) => (names.has(rail.name) ? { ...rail, name: `${from}.${rail.name}` } : rail));
  return more.length === 0 ? own : [...own, ...more];
}
