/** What seals an object's rows, by the config's keys (`jobs.encryption`); or why they cannot be read (`isLocked`). */
import { loadConfig } from "../../config/env.ts";
import { jobKeysOf } from "../../config/whole-schema.ts";
import { howToSet, secretIn } from "../../wire/secrets.ts";
import { lockedError } from "../core/locked.ts";
import type { JobQueueEnv } from "./queue-env.ts";
import { PLAIN } from "./sealer.ts";
import type { Sealer } from "./sealer.ts";

/** `name`: of the object, each of which has keys of its own. */
export async function sealerOf(name: string, env: JobQueueEnv): Promise<Sealer> {
  const { parsed } = loadConfig(env);
  const names = parsed.ok ? jobKeysOf(parsed.value) : null;
  if (names === null) throw lockedError("the config is wrong, so whether jobs are encrypted is not known");
  if (names.length === 0) return PLAIN;
  const { aesSealer, SECRET_BYTES } = await import("./seal-aes.ts").catch((error: unknown) => {
    const why = 'jobs.encryption needs the compatibility flag "nodejs_compat", as wrangler.toml has it';
    throw lockedError(`${why} (${String(error)})`);
  });
  const secrets = names.map((secretName) => {
    const text = secretIn(env as Readonly<Record<string, unknown>>, secretName);
    const bytes = text === null ? null : bytesIn(text);
    if (bytes?.byteLength === SECRET_BYTES) return bytes;
    const problem = text === null ? "is not set" : `is not ${SECRET_BYTES} bytes in base64`;
    const fix = `make one with: openssl rand -base64 ${SECRET_BYTES}; ${howToSet(env as never, secretName)}`;
    throw lockedError(`the secret ${secretName} of jobs.encryption ${problem}; ${fix}`);
  });
  return aesSealer(secrets, name);
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
