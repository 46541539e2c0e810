/** Decides which call a rail of the config is, for rails that ask somebody outside, with its secret put in. */
import type { InputRailConfig } from "../../protocol/config.ts";
import { guardByBinding, guardByPool } from "./llama-guard.ts";
import type { AiBinding } from "./llama-guard.ts";
import { moderationRail } from "./moderation.ts";
import type { OutsideRail } from "./outside.ts";
import { webhookSecretProblem } from "./signature.ts";
import { webhookRail } from "./webhook.ts";

/** null: this rail runs inside. A text: what the operator has to change before it can run. */
export function outsideRail(
  rail: InputRailConfig,
  env: Readonly<Record<string, unknown>>,
): OutsideRail | string | null {
  switch (rail.use) {
    case "webhook": {
      const { url, secret } = rail.options;
      if (secret === undefined) return webhookRail(url, null, rail.name);
      const value = secretOf(env, secret);
      if (value === null) return missing(secret);
      const problem = webhookSecretProblem(value);
      return problem === null ? webhookRail(url, value, rail.name) : `the secret ${secret} cannot sign: ${problem}`;
    }
    case "moderation": {
      const { secret } = rail.options;
      if (secret === undefined) return moderationRail(rail.options, null);
      const value = secretOf(env, secret);
      return value === null ? missing(secret) : moderationRail(rail.options, `Bearer ${value}`);
    }
    case "llama-guard": {
      const { pool, binding } = rail.options;
      if (pool !== undefined) return guardByPool(pool, rail.options);
      const ai = env[binding ?? "AI"];
      return isAi(ai) ? guardByBinding(ai, rail.options) : "the binding AI is not there: add [ai] to wrangler.toml";
    }
    default:
      return null;
  }
}

function secretOf(env: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = env[name];
  return typeof value === "string" && value !== "" ? value : null;
}

const missing = (name: string): string => `the secret ${name} is not set; set it with: npx wrangler secret put ${name}`;

const isAi = (value: unknown): value is AiBinding => typeof value === "object" && value !== null && "run" in value;
