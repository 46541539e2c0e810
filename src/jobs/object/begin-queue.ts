/** Makes a pool's queue with what seals its rows, or says why it cannot be read (`isLocked`). */
import { loadConfig } from "../../config/env.ts";
import { jobKeysOf } from "../../config/whole-schema.ts";
import { howToSet, secretIn } from "../../wire/secrets.ts";
import { lockedError } from "../core/locked.ts";
import type { JobQueueEnv } from "./queue-env.ts";
import { Queue } from "./queue.ts";
import { PLAIN } from "./sealer.ts";
import type { Sealer } from "./sealer.ts";

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

async function sealerOf(queueName: string, env: JobQueueEnv): Promise<Sealer> {
  const { parsed } = loadConfig(env);
  const names = parsed.ok ? jobKeysOf(parsed.value) : null;
  if (names === null) throw lockedError("the config is wrong, so whether jobs are encrypted is not known");
  if (names.length === 0) return PLAIN;
  const { aesSealer, SECRET_BYTES } = await import("./seal-aes.ts").catch((error: unknown) => {
    const why = 'jobs.encryption needs the compatibility flag "nodejs_compat", as wrangler.toml has it';
    throw lockedError(`${why} (${String(error)})`);
  });
  const secrets = names.map((name) => {
    const text = secretIn(env as Readonly<Record<string, unknown>>, name);
    const bytes = text === null ? null : bytesIn(text);
    if (bytes?.byteLength === SECRET_BYTES) return bytes;
    const problem = text === null ? "is not set" : `is not ${SECRET_BYTES} bytes in base64`;
    const fix = `make one with: openssl rand -base64 ${SECRET_BYTES}; ${howToSet(env as never, name)}`;
    throw lockedError(`the secret ${name} of jobs.encryption ${problem}; ${fix}`);
  });
  return aesSealer(secrets, queueName);
}

/** Null: it is no base64. */
function bytesIn(text: string): Uint8Array | null {
  try {
    const binary = atob(text.trim().replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
