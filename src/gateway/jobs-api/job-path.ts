/** Where the pool's endpoints take jobs, as the config says. */
import type { EdgePool } from "../../dispatch/runtime.ts";

/** Null: none is configured. */
export function jobPathOf(pool: EdgePool): string | null {
  return pool.config.jobs?.path ?? null;
}
