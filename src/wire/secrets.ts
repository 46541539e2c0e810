/**
 * Which secrets a config needs, for what, and how one is set: read by `serve` (which binds them), by the
 * build (which tells them) and by the runtime (which misses them). One list, so that none of the three
 * forgets a place that the others know.
 *
 * Model: a secret is asked for by name only, in the places listed here; a new option that names one is added here too.
 */
import type { Config } from "../config/config.ts";
import { alertsOf, jobKeysOf } from "../config/whole-schema.ts";

/** API keys are checked under it. */
const KEY_PEPPER = "WARMPATH_KEY_PEPPER";
/** Signs webhooks that name no secret of their own. */
export const WEBHOOK_SECRET = "WARMPATH_WEBHOOK_SECRET";

export type SecretUse = {
  readonly name: string;
  /** What it is for, in the words of a message. */
  readonly usedBy: readonly string[];
  /** False: it serves, where it is set, what clients may ask for and the config cannot foresee. */
  readonly isNeeded: boolean;
};

/** Every secret that the config asks for, each once, by name. */
export function secretsOf(config: Config): readonly SecretUse[] {
  const found = new Map<string, { usedBy: string[]; isNeeded: boolean }>();
  const note = (name: string | undefined, usedBy: string, isNeeded = true): void => {
    if (name === undefined) return;
    const use = found.get(name) ?? { usedBy: [], isNeeded: false };
    found.set(name, use);
    use.usedBy.push(usedBy);
    use.isNeeded ||= isNeeded;
  };
  if (config.keys.length > 0) note(KEY_PEPPER, "API keys");
  note(`${KEY_PEPPER}_OLD`, "API keys made under the pepper before it", false);
  note(WEBHOOK_SECRET, "webhooks of jobs", false);
  for (const { secret } of Object.values(config.sight.otlp?.headers ?? {})) note(secret, "the export of spans");
  const alerts = alertsOf(config);
  if (alerts !== null) {
    note(alerts.urlSecret, "the receiver of alerts");
    note(alerts.secret ?? (alerts.form === "standard" ? WEBHOOK_SECRET : undefined), "alerts");
  }
  for (const name of jobKeysOf(config) ?? []) note(name, "the encryption of jobs");
  for (const [tenant, { webhookSecrets }] of config.tenants) {
    for (const name of webhookSecrets) note(name, `the webhooks of tenant ${tenant}`);
  }
  for (const pool of config.pools.values()) {
    for (const { id, auth, health } of pool.endpoints) {
      note(auth?.secret, `endpoint ${id}`);
      if (health.auth?.secret !== auth?.secret) note(health.auth?.secret, `the health check of endpoint ${id}`);
    }
    for (const rail of pool.rails.input) {
      if ("secret" in rail.options) note(rail.options.secret, `the rail ${rail.name} of pool ${pool.id}`);
    }
    const events = pool.jobs?.events;
    if (events !== undefined) note(events.secret ?? WEBHOOK_SECRET, `the job events of pool ${pool.id}`);
  }
  return [...found].map(([name, use]) => ({ name, ...use })).sort((one, other) => (one.name < other.name ? -1 : 1));
}

type SecretEnv = Readonly<Record<string, unknown>>;

/** Null when it is not set, or empty. */
export function secretIn(env: SecretEnv, name: string): string | null {
  const value = env[name];
  return typeof value === "string" && value !== "" ? value : null;
}

/** Those that the config cannot do without, and that are not set. */
export const missingSecrets = (config: Config, env: SecretEnv): readonly SecretUse[] =>
  secretsOf(config).filter(({ name, isNeeded }) => isNeeded && secretIn(env, name) === null);

/** `serve` sets it: where secrets are variables of the environment it was started in. */
export const SELF_HOSTED = "WARMPATH_SELF_HOSTED";

/** How an operator sets a secret where this runs. */
export const howToSet = (env: SecretEnv, name: string): string =>
  secretIn(env, SELF_HOSTED) === null
    ? `set it with: npx wrangler secret put ${name}`
    : `set it with: export ${name}=… and start serve again`;

export const missingSecret = (env: SecretEnv, { name, usedBy }: SecretUse): string =>
  `the secret ${name} is not set (${usedBy.join(", ")}); ${howToSet(env, name)}`;
