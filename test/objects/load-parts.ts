/**
 * Has a shard load what it loads by itself when an endpoint is well, and when something failed. Under this test runner
 * a load that is cut short, because its test has ended, is never finished for anyone.
 */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { ShardEnv } from "../../src/routing/object/pool-shard.ts";

export async function loadParts(): Promise<void> {
  const { POOL_SHARD } = env as unknown as ShardEnv;
  const fetches = vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("no network"));
  await POOL_SHARD.getByName("pool:llama-test:us-east").status(true);
  fetches.mockImplementation(async () => new Response(""));
  await POOL_SHARD.getByName("pool:llama-test:us-east").status(true);
  fetches.mockRestore();
  await reset();
}
