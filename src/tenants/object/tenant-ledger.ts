/**
 * The Durable Object of a tenant's limits, `tenant:{id}`: a thin shell. Its code (`ledger-host.ts`) is a part of the bundle:
 * an isolate starts with what a request needs. One method takes every call, by its name (`ledger-of.ts`).
 */
import { DurableObject } from "cloudflare:workers";
import type { LedgerHost } from "./ledger-host.ts";

export class TenantLedger extends DurableObject {
  #host: LedgerHost | null = null;

  async call(name: string, argument: unknown): Promise<unknown> {
    const { LedgerHost: Host } = await import("./ledger-host.ts");
    this.#host ??= new Host(this.ctx.storage);
    return this.#host.call(name, argument);
  }
}
