/** Makes a pool's queue with what seals its rows, or says why it cannot be read (`isLocked`). */
import type { JobQueueEnv } from "./queue-env.ts";
import { Queue } from "./queue.ts";
import { sealerOf } from "./sealer-of.ts";

/** A queue that cannot begin is tried again after this, ms: an operator has something to mend. */
const BEGIN_AGAIN_MS = 60_000;

export async function beginQueue(ctx: DurableObjectState, env: JobQueueEnv): Promise<Queue> {
  try {
    return new Queue(ctx, env, await sealerOf(ctx.id.name ?? "", env));
  } catch (error) {
    // Also where it is an alarm that begins it, and nobody is told. What is due is done when it can begin.
    await ctx.storage.setAlarm(Date.now() + BEGIN_AGAIN_MS).catch(() => undefined);
    console.error(`the queue ${ctx.id.name ?? ""} cannot begin`, error);
    throw error;
  }
}
