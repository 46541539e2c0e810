/**
 * The whole file, with what no isolate reads at its start: `serve`, the build and editors check it; the object that needs
 * such a member reads that one when it does.
 */
import * as z from "zod";
import { AlertsSchema } from "./alerts-schema.ts";
import type { AlertsConfig } from "./alerts-schema.ts";
import { urlProblem } from "./config-check.ts";
import type { Finding } from "./config-finding.ts";
import type { Config } from "./config.ts";
import { ConfigSchema } from "./config-schema.ts";

const alerts = AlertsSchema.optional().describe(
  "What the operator is told of by webhook. Needs FLEET_FEED. Default: absent, and nothing is told.",
);

const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
const secretName = z
  .string()
  .regex(SECRET_NAME, { error: 'write the NAME of a secret, such as "JOBS_KEY", never the secret itself' });

const jobs = z
  .strictObject({
    encryption: z
      .strictObject({
        secret: z
          .union([secretName, z.array(secretName).min(1).max(2)])
          .describe(
            "Name of the secret, 32 bytes in base64. Two names while it is changed: the first encrypts, both are read.",
          ),
      })
      .optional()
      .describe(
        "Inputs, outputs, streamed chunks and webhooks of jobs are stored encrypted (AES-256-GCM). Default: they are stored as they are.",
      ),
  })
  .optional()
  .describe("What holds for the jobs of every pool.");

export const WholeSchema = ConfigSchema.extend({ alerts, jobs }).describe(ConfigSchema.description ?? "");

/** Beyond `checkConfig`. */
export function checkAlerts(told: AlertsConfig | undefined): Finding[] {
  if (told === undefined) return [];
  const { url, urlSecret } = told;
  if ((url === undefined) === (urlSecret === undefined))
    return [{ path: ["alerts"], problem: "this names no receiver, or two", fix: 'write either "url" or "urlSecret"' }];
  const problem = url === undefined ? null : urlProblem(url, null, true);
  return problem === null ? [] : [{ path: ["alerts", "url"], ...problem }];
}

/** Null: the file has none, or one that is wrong, which the build and `serve` refuse. */
export function alertsOf(config: Pick<Config, "alerts">): AlertsConfig | null {
  const read = alerts.safeParse(config.alerts);
  return read.success && checkAlerts(read.data).length === 0 ? (read.data ?? null) : null;
}

/**
 * Names of the secrets that jobs are encrypted under, the one first that encrypts; empty: they are not. Null: what the
 * file says of it is wrong, and nobody may take that for "not encrypted".
 */
export function jobKeysOf(config: Pick<Config, "jobs">): readonly string[] | null {
  const read = jobs.safeParse(config.jobs);
  if (!read.success) return null;
  const secret = read.data?.encryption?.secret ?? [];
  return typeof secret === "string" ? [secret] : secret;
}
