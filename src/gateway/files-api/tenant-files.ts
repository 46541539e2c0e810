/**
 * The Durable Object of a tenant's files and batches, `files:{tenant}`: a thin shell. Its code (`files-host.ts`) is a part of
 * the bundle. It is here and not below: the lines of a batch become jobs by the gateway's own way, with rails and limits.
 */
import { DurableObject } from "cloudflare:workers";
import type { EdgeEnv } from "../../dispatch/runtime.ts";
import type { FilesHost } from "./files-host.ts";

/** What cannot begin is tried again after this, ms: an operator has something to mend. */
const BEGIN_AGAIN_MS = 60_000;

export class TenantFiles extends DurableObject<EdgeEnv> {
  #host: FilesHost | null = null;

  async call(name: string, asked: unknown): Promise<unknown> {
    const { beginFiles, eraseLocked } = await import("./files-host.ts");
    try {
      this.#host ??= await beginFiles(this.ctx, this.env);
    } catch (error) {
      // What is erased need not be read.
      if (name === "erase") return eraseLocked(this.ctx, this.env, error);
      throw error;
    }
    return this.#host.call(name, asked);
  }

  override async alarm(): Promise<void> {
    try {
      const { beginFiles } = await import("./files-host.ts");
      this.#host ??= await beginFiles(this.ctx, this.env);
      await this.#host.onAlarm();
    } catch (error) {
      // The platform gives up an alarm that only throws.
      console.error("the files of a tenant cannot be looked after", error);
      await this.ctx.storage.setAlarm(Date.now() + BEGIN_AGAIN_MS);
    }
  }
}
