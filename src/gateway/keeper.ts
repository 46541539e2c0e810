/**
 * The entrypoint of whoever keeps the process (`serve`): on raw workerd it listens on a socket in a folder of its own,
 * on Cloudflare nothing leads to it. So it asks for no key.
 */
import { DRAIN_GRACE_MS_MAX } from "../config/config-bounds.ts";
import { prepareConfig } from "../config/env.ts";
import { beginDrain, drain } from "../dispatch/draining.ts";
import { runtimeOf } from "../dispatch/runtime.ts";
import type { EdgeEnv } from "../dispatch/runtime.ts";

export const Keeper = {
  /**
   * `POST /close`: nothing new is taken once this is answered. `POST /drain?ms=30000`: answered when all that was open
   * has ended and is counted, with how much of it had to be cut. `POST /look`: how every endpoint is.
   */
  async fetch(request: Request, env: EdgeEnv, ctx: ExecutionContext): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const graceMs = Number(searchParams.get("ms") ?? "");
    if (request.method === "POST" && pathname === "/close") {
      beginDrain();
      return new Response(null, { status: 204 });
    }
    if (request.method === "POST" && pathname === "/drain" && graceMs >= 0 && graceMs <= DRAIN_GRACE_MS_MAX) {
      const cut = await drain(graceMs);
      const { flushOutbox } = await import("../sight/outbox.ts");
      await flushOutbox(env);
      return Response.json({ cut });
    }
    await prepareConfig(env);
    const runtime = runtimeOf(env, ctx);
    if (request.method === "POST" && pathname === "/look" && runtime !== null) {
      const { lookRound } = await import("./look-round.ts");
      return Response.json(await lookRound(runtime));
    }
    return new Response(null, { status: 404 });
  },
};
