/**
 * The whole file, with what no isolate reads at its start: `serve`, the build and editors check it; the object that needs
 * such a member reads that one when it does.
 */
import { AlertsSchema } from "./alerts-schema.ts";
import type { AlertsConfig } from "./alerts-schema.ts";
import { urlProblem } from "./config-check.ts";
import type { Finding } from "./config-finding.ts";
import type { Config } from "./config.ts";
import { ConfigSchema } from "./config-schema.ts";

const alerts = AlertsSchema.optional().describe(
  "What the operator is told of by webhook. Needs FLEET_FEED. Default: absent, and nothing is told.",
);

export const WholeSchema = ConfigSchema.extend({ alerts }).describe(ConfigSchema.description ?? "");

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
