/** The one method of the `KeyRegistry` Durable Object, as the edge sees it: it carries every call. `failed`: its storage
 * did, and nothing was changed; a call that rejects would be reported by the runtime as nobody's.
 */
import type { Result } from "../../lib/result.ts";
import type { RegistryCalls } from "../core/registry-calls.ts";

export type RegistryRpc = {
  ask<Name extends keyof RegistryCalls>(
    name: Name,
    ask: RegistryCalls[Name]["ask"],
  ): Promise<Result<RegistryCalls[Name]["answer"], "failed">>;
};
