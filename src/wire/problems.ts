/** What is wrong with a deployment, in words: loaded only when something is. */
import { formatProblems, parseConfig } from "../config/config-parse.ts";
import { missingSecret, missingSecrets } from "./secrets.ts";

/** What is wrong with the text of a config, or which of its secrets are not set, for the log. */
export function problemsOf(text: string, env: Readonly<Record<string, unknown>>): string {
  const parsed = parseConfig(text);
  if (!parsed.ok) return formatProblems(text, parsed.error, "warmpath.jsonc");
  return missingSecrets(parsed.value, env)
    .map((use) => missingSecret(env, use))
    .join("\n");
}
