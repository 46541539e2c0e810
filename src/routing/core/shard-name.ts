/** Names of the Durable Objects. They are addresses: changing one abandons what is stored under it. */

export const shardName = (pool: string, region: string): string => `pool:${pool}:${region}`;

/** Pool and region ids hold no colon (`config-schema.ts`). */
export function parseShardName(name: string): { readonly pool: string; readonly region: string } | null {
  const [prefix, pool, region, ...rest] = name.split(":");
  if (prefix !== "pool" || pool === undefined || region === undefined || rest.length > 0) return null;
  return { pool, region };
}
