/**
 * `npm run schema`: writes `warmpath.schema.json`, which editors use to explain and check `warmpath.jsonc`.
 * `--check` writes nothing and fails when the committed file is not what the zod schema says.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configJsonSchema } from "../../src/config/config-issue.ts";

export const SCHEMA_FILE = "warmpath.schema.json";

/** The whole text of the file. */
export function schemaText(): string {
  const { $schema, ...rest } = configJsonSchema();
  // `allowTrailingCommas` is what VS Code asks for before it accepts what our own parser accepts.
  return `${JSON.stringify({ $schema, title: "warmpath.jsonc", allowTrailingCommas: true, ...rest }, null, 2)}\n`;
}

export type Said = { readonly exitCode: 0 | 1; readonly out: string; readonly err: string };

/** `folder`: where the schema file is. */
export function schemaCommand(args: readonly string[], folder: string): Said {
  const unknown = args.find((arg) => arg !== "--check");
  if (unknown !== undefined)
    return { exitCode: 1, out: "", err: `unknown argument ${unknown}\nusage: npm run schema [-- --check]\n` };
  const path = join(folder, SCHEMA_FILE);
  const wanted = schemaText();
  if (!args.includes("--check")) {
    writeFileSync(path, wanted);
    return { exitCode: 0, out: `wrote ${SCHEMA_FILE}\n`, err: "" };
  }
  if (readIfThere(path) === wanted) return { exitCode: 0, out: `${SCHEMA_FILE} is current\n`, err: "" };
  return { exitCode: 1, out: "", err: `${SCHEMA_FILE} is not what the config schema says: run \`npm run schema\`\n` };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

if (import.meta.main) {
  const said = schemaCommand(process.argv.slice(2), join(import.meta.dirname, "../.."));
  process.stdout.write(said.out);
  process.stderr.write(said.err);
  process.exitCode = said.exitCode;
}
