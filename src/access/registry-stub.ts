/** Reaches the registry: the only place at the edge that knows its binding and its name. Never rejects. */
import { err } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { EdgeEnv } from "../dispatch/runtime.ts";
import type { RegistryCalls } from "./core/registry-calls.ts";
import type { RegistryRpc } from "./object/rpc.ts";

/** The registry without an answer by then counts as unreachable, ms. */
const REGISTRY_TIMEOUT_MS = 3_000;

type Namespace = { getByName(name: string): RegistryRpc };

const UNREACHABLE: Result<never, "unreachable"> = err("unreachable");

export const hasRegistry = (env: EdgeEnv): boolean => "KEY_REGISTRY" in env;

export async function callRegistry<Name extends keyof RegistryCalls>(
  env: EdgeEnv,
  name: Name,
  ask: RegistryCalls[Name]["ask"],
): Promise<Result<RegistryCalls[Name]["answer"], "unreachable">> {
  const namespace = env.KEY_REGISTRY as Namespace | undefined;
  if (namespace === undefined) return UNREACHABLE;
  const bound = new AbortController();
  const tooLate = scheduler.wait(REGISTRY_TIMEOUT_MS, { signal: bound.signal }).then(
    () => UNREACHABLE,
    // Aborted: the race is over.
    () => UNREACHABLE,
  );
  try {
    const answer = await Promise.race([namespace.getByName("keys").ask(name, ask), tooLate]);
    return answer.ok ? answer : UNREACHABLE;
  } catch (error) {
    console.error("the key registry did not answer", error);
    return UNREACHABLE;
  } finally {
    bound.abort();
  }
}
