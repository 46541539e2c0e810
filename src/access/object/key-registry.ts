/**
 * The shell of the Durable Object `keys`: API keys that live outside the config, and the record of what operators did.
 * One object for both, so that a change of a key and its record are one write. Its code is loaded with the first call,
 * because few isolates of the Worker hold it.
 */
import { DurableObject } from "cloudflare:workers";
import { prepareConfig } from "../../config/env.ts";
import type { Env } from "../../config/env.ts";
import type { RegistryCalls } from "../core/registry-calls.ts";
import type { RegistryRpc } from "./rpc.ts";
import type { Registry } from "./registry.ts";

export class KeyRegistry extends DurableObject<Env> implements RegistryRpc {
  #registry: Registry | null = null;

  async ask<Name extends keyof RegistryCalls>(name: Name, ask: RegistryCalls[Name]["ask"]) {
    if (this.#registry === null) {
      await prepareConfig(this.env);
      const { Registry: Loaded } = await import("./registry.ts");
      // Another call may have been quicker.
      this.#registry ??= new Loaded(this.ctx.storage, this.env);
    }
    return this.#registry.answer(name, ask);
  }
}
