/**
 * `npm run schema`: writes `warmpath.schema.json`, which editors use to explain and check `warmpath.jsonc`.
 * `--check` writes nothing and fails when the committed file is not what the zod schema says.
 */
import { join } from "node:path";
import { configJsonSchema } from "../../src/config/config-issue.ts";
import { say, writeOrCheck } from "./generated.ts";
import type { Said } from "./generated.ts";

export const SCHEMA_FILE = "warmpath.schema.json";

/** The whole text of the file. */
export function schemaText(): string {
  const { $schema, ...rest } = configJsonSchema();
  // `allowTrailingCommas` is what VS Code asks for before it accepts what our own parser accepts.
  return `${JSON.stringify({ $schema, title: "warmpath.jsonc", allowTrailingCommas: true, ...rest }, null, 2)}\n`;
}

/** `folder`: where the schema file is. */
export function schemaCommand(args: readonly string[], folder: string): Said {
  return writeOrCheck(
    [{ path: SCHEMA_FILE, text: schemaText, source: "the config schema" }],
    "npm run schema",
    args,
    folder,
  );
}

if (import.meta.main) say(schemaCommand(process.argv.slice(2), join(import.meta.dirname, "../..")));
