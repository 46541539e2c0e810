/**
 * Decides what may not be said of where requests go beside their own pool: pools that there are not, that nothing answers
 * at once, or that lead back; and models of a split that are another pool's.
 *
 * Model. Cycles are refused although a request follows one list alone: two pools that fall back to each other hand each
 * other their load when both are full, and the operator who wrote it has not meant that.
 */
import { SPLIT_POOLS_MAX, SPLITS_MAX } from "./config-bounds.ts";
import type { ConfigPath, Finding } from "./config-finding.ts";
import { nearest } from "./config-nearest.ts";
import type { RawConfig } from "./config-schema.ts";

export function checkTraffic(raw: RawConfig): Finding[] {
  return [
    ...Object.keys(raw.pools).flatMap((poolId) => [...checkFallback(raw, poolId), ...checkShadow(raw, poolId)]),
    ...checkSplits(raw),
  ];
}

function checkFallback({ pools }: RawConfig, poolId: string): Finding[] {
  const { fallback = [], endpoints = [] } = pools[poolId] ?? {};
  const path: ConfigPath = ["pools", poolId, "fallback"];
  if (fallback.length > 0 && endpoints.length === 0)
    return [{ path, problem: "this pool takes jobs only, and a job waits for its own pool", fix: "remove it" }];
  return fallback.flatMap((to, index): Finding[] => {
    const at = [...path, index];
    const wrong = wrongPool(pools, to, at);
    if (wrong !== null) return [wrong];
    if (fallback.indexOf(to) < index) return [{ path: at, problem: "this pool is named before", fix: "name it once" }];
    const way = wayBack(pools, to, poolId);
    if (way === null) return [];
    const problem = `this leads back to the pool itself: ${[poolId, ...way].join(" → ")}`;
    return [{ path: at, problem, fix: "let a pool fall back only to pools that do not fall back to it" }];
  });
}

/** Pools from `from` to `to`, both included; null: none leads there. */
function wayBack(pools: RawConfig["pools"], from: string, to: string): readonly string[] | null {
  const seen = new Set<string>([from]);
  const open: (readonly string[])[] = [[from]];
  for (const way of open) {
    const last = way.at(-1) ?? "";
    if (last === to) return way;
    for (const next of pools[last]?.fallback ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push([...way, next]);
    }
  }
  return null;
}

function checkShadow({ pools }: RawConfig, poolId: string): Finding[] {
  const shadow = pools[poolId]?.shadow;
  if (shadow === undefined) return [];
  const path: ConfigPath = ["pools", poolId, "shadow", "pool"];
  if (shadow.pool === poolId)
    return [{ path, problem: "a copy to the same pool tells nothing new", fix: "name another pool" }];
  const wrong = wrongPool(pools, shadow.pool, path);
  return wrong === null ? [] : [wrong];
}

function checkSplits({ pools, split }: RawConfig): Finding[] {
  const names = Object.keys(split);
  const findings: Finding[] = [];
  if (names.length > SPLITS_MAX)
    findings.push({ path: ["split"], problem: `${names.length} models`, fix: `split ${SPLITS_MAX} at most` });
  for (const [model, sides] of Object.entries(split)) {
    const path: ConfigPath = ["split", model];
    const ids = Object.keys(sides);
    if (ids.length < 2 || ids.length > SPLIT_POOLS_MAX)
      findings.push({ path, problem: `${ids.length} pools share it`, fix: `name 2 to ${SPLIT_POOLS_MAX} pools` });
    if (!Object.values(sides).some((weight) => weight > 0))
      findings.push({ path, problem: "no pool has a weight", fix: "give one of them more than 0" });
    for (const id of ids) {
      const wrong = wrongPool(pools, id, [...path, id]);
      if (wrong !== null) findings.push(wrong);
    }
    const owner = Object.keys(pools).find((id) => (pools[id]?.models ?? [id]).includes(model));
    if (owner !== undefined && owner !== ids[0])
      findings.push({
        path,
        problem: `this is a model of the pool "${owner}"`,
        fix: `name "${owner}" first, or choose a name that no pool has`,
      });
  }
  return findings;
}

function wrongPool(pools: RawConfig["pools"], id: string, path: ConfigPath): Finding | null {
  const pool = Object.hasOwn(pools, id) ? pools[id] : undefined;
  if (pool !== undefined)
    return pool.endpoints.length > 0
      ? null
      : { path, problem: "this pool takes jobs only", fix: "name a pool that has endpoints" };
  const guess = nearest(id, Object.keys(pools));
  const fix = guess === null ? 'declare it under "pools"' : `did you mean "${guess}"?`;
  return { path, problem: "this pool is not declared", fix };
}
