/** Decides which call a rail of the config is, for rails that ask somebody outside, with its secret put in. */
import type { InputRailConfig } from "../../config/config.ts";
import { missingSecret, secretIn } from "../../wire/secrets.ts";
import { webhookSecretProblem } from "../../wire/webhook-signature.ts";
import { guardByBinding, guardByPool } from "./llama-guard.ts";
import type { AiBinding } from "./llama-guard.ts";
import { moderationRail } from "./moderation.ts";
import type { OutsideRail } from "./outside.ts";
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
      const value = secretIn(env, secret);
      if (value === null) return missing(env, secret, rail.name);
      const problem = webhookSecretProblem(value);
      return problem === null ? webhookRail(url, value, rail.name) : `the secret ${secret} cannot sign: ${problem}`;
    }
    case "moderation": {
      const { secret } = rail.options;
      if (secret === undefined) return moderationRail(rail.options, null);
      const value = secretIn(env, secret);
      return value === null ? missing(env, secret, rail.name) : moderationRail(rail.options, value);
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

const missing = (env: Readonly<Record<string, unknown>>, secret: string, rail: string): string =>
  missingSecret(env, { name: secret, usedBy: [`the rail ${rail}`], isNeeded: true });

const isAi = (value: unknown): value is AiBinding => typeof value === "object" && value !== null && "run" in value;
