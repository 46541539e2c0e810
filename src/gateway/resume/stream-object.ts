/**
 * The shell of the Durable Object `{name of the stream}`: one a stream, which keeps it for its client. Its code is loaded with
 * the first call, because few isolates of the Worker hold one.
 */
import { DurableObject } from "cloudflare:workers";
import type { EdgeEnv, Waiting } from "../../dispatch/runtime.ts";
import type { StreamKeeper } from "./stream-keeper.ts";

/** The door of the router: the object is a client of it. */
export type AskDoor = (request: Request, env: EdgeEnv, ctx: Waiting) => Promise<Response>;

export abstract class StreamObject extends DurableObject<EdgeEnv> {
  #keeper: StreamKeeper | null = null;

  protected abstract readonly ask: AskDoor;

  override async fetch(request: Request): Promise<Response> {
    return (await this.#kept()).answer(request);
  }

  override async alarm(): Promise<void> {
    return (await this.#kept()).alarm();
  }

  async #kept(): Promise<StreamKeeper> {
    if (this.#keeper === null) {
      const { StreamKeeper: Loaded } = await import("./stream-keeper.ts");
      const ask = async (request: Request) => this.ask(request, this.env, this.ctx);
      // Another call may have been quicker.
      this.#keeper ??= new Loaded(this.ctx, this.env, ask);
    }
    return this.#keeper;
  }
}
