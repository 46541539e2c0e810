/** Decides which call a rail of the config is, for rails that ask somebody outside, with its secret put in. */
import type { InputRailConfig } from "../../config/config.ts";
import { missingSecret, secretIn } from "../../wire/secrets.ts";
import { webhookSecretProblem } from "../../wire/webhook-signature.ts";
import { guardByBinding, guardByPool } from "./llama-guard.ts";
import type { AiBinding } from "./llama-guard.ts";
import { moderationRail } from "./moderation.ts";
import { inputSide } from "../registry.ts";
import type { OutsideUse } from "../registry.ts";
import type { OutsideRail } from "./outside.ts";
import { webhookRail } from "./webhook.ts";

type Env = Readonly<Record<string, unknown>>;
type Of<Use> = Extract<InputRailConfig, { readonly use: Use }>;

function webhookOf({ name, options }: Of<"webhook">, env: Env): OutsideRail | string {
  const { url, secret } = options;
  if (secret === undefined) return webhookRail(url, null, name);
  const value = secretIn(env, secret);
  if (value === null) return missing(env, secret, name);
  const problem = webhookSecretProblem(value);
  return problem === null ? webhookRail(url, value, name) : `the secret ${secret} cannot sign: ${problem}`;
}

function moderationOf({ name, options }: Of<"moderation">, env: Env): OutsideRail | string {
  const { secret } = options;
  if (secret === undefined) return moderationRail(options, null);
  const value = secretIn(env, secret);
  return value === null ? missing(env, secret, name) : moderationRail(options, value);
}

function guardOf({ options }: Of<"llama-guard">, env: Env): OutsideRail | string {
  const { pool, binding } = options;
  if (pool !== undefined) return guardByPool(pool, options);
  const ai = env[binding ?? "AI"];
  return isAi(ai) ? guardByBinding(ai, options) : "the binding AI is not there: add [ai] to wrangler.toml";
}

/** Of a service that is nothing without its key. */
function keyed({ name, options }: { readonly name: string; readonly options: { readonly secret: string } }, env: Env) {
  const value = secretIn(env, options.secret);
  return value === null ? missing(env, options.secret, name) : { key: value };
}

/** A provider's part of the bundle is loaded with the first request that needs it. */
function lazily(load: () => Promise<OutsideRail>): OutsideRail {
  let rail: OutsideRail | null = null;
  return async (ask) => {
    rail ??= await load();
    return rail(ask);
  };
}

function contentSafetyOf(config: Of<"azure-content-safety">, env: Env): OutsideRail | string {
  const known = keyed(config, env);
  if (typeof known === "string") return known;
  return lazily(async () => (await import("./azure.ts")).contentSafetyRail(config.options, known.key));
}

function promptShieldsOf(config: Of<"azure-prompt-shields">, env: Env): OutsideRail | string {
  const known = keyed(config, env);
  if (typeof known === "string") return known;
  return lazily(async () => (await import("./azure.ts")).promptShieldsRail(config.options, known.key));
}

function bedrockOf(config: Of<"bedrock-guardrails">, env: Env): OutsideRail | string {
  const known = keyed(config, env);
  if (typeof known === "string") return known;
  return lazily(async () => (await import("./bedrock.ts")).bedrockRail(config.options, known.key));
}

function modelArmorOf(config: Of<"model-armor">, env: Env): OutsideRail | string {
  const known = keyed(config, env);
  if (typeof known === "string") return known;
  return lazily(async () => (await import("./model-armor.ts")).modelArmorRail(config.options, known.key));
}

function presidioOf({ name, options }: Of<"presidio">, env: Env): OutsideRail | string {
  const { secret } = options;
  const token = secret === undefined ? null : secretIn(env, secret);
  if (secret !== undefined && token === null) return missing(env, secret, name);
  return lazily(async () => (await import("./presidio.ts")).presidioRail(options, token));
}

type Calls = { readonly [Use in OutsideUse]: { of(config: Of<Use>, env: Env): OutsideRail | string } };

const CALLS: Calls = {
  webhook: { of: webhookOf },
  moderation: { of: moderationOf },
  "llama-guard": { of: guardOf },
  "azure-content-safety": { of: contentSafetyOf },
  "azure-prompt-shields": { of: promptShieldsOf },
  "bedrock-guardrails": { of: bedrockOf },
  "model-armor": { of: modelArmorOf },
  presidio: { of: presidioOf },
};

/** null: this rail runs inside. A text: what the operator has to change before it can run. */
export function outsideRail(config: InputRailConfig, env: Env): OutsideRail | string | null {
  if (!isOutside(config)) return null;
  const call: { of(config: Of<OutsideUse>, env: Env): OutsideRail | string } = CALLS[config.use];
  return call.of(config, env);
}

const isOutside = (config: InputRailConfig): config is Of<OutsideUse> => inputSide(config).place === "outside";

const missing = (env: Env, secret: string, rail: string): string =>
  missingSecret(env, { name: secret, usedBy: [`the rail ${rail}`], isNeeded: true });

const isAi = (value: unknown): value is AiBinding => typeof value === "object" && value !== null && "run" in value;
