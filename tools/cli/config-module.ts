/**
 * Writes a config that was read and checked as the code of a module, which a build puts in the place of
 * `src/config/built-config.ts`: an isolate then starts without the schema, which weighs more than all it does for a
 * request. Rejected: handing over the text as the schema left it, for which an isolate would still resolve every default.
 */
import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";
import { configOfText } from "../../src/config/config-of-text.ts";

/** `configPath`: of the file that is bundled. */
export function withBuiltConfig(configPath: string): Plugin {
  return {
    name: "with-built-config",
    setup(bundler) {
      bundler.onLoad({ filter: /src\/config\/built-config\.ts$/ }, async () => ({
        contents: configModule(await readFile(configPath, "utf8")),
        loader: "js",
        watchFiles: [configPath],
      }));
    },
  };
}

/** The whole module. A text that is no config has none: the isolate that reads it says what is wrong. */
export function configModule(text: string): string {
  const read = configOfText(text);
  return `export const builtConfig = ${read.ok ? codeOf(read.value) : "null"};\n`;
}

/** Of plain data and maps. Throws on anything else, which would come to an isolate as something else. */
export function codeOf(value: unknown): string {
  if (value === undefined) return "undefined";
  if (value === null || typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return `[${value.map(codeOf).join(",")}]`;
  if (value instanceof Map) return `new Map(${codeOf([...value])})`;
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype)
    throw new Error(`a config holds plain data: ${String(value)}`);
  const members = Object.entries(value).map(([name, member]) => `[${JSON.stringify(name)}]:${codeOf(member)}`);
  return `{${members.join(",")}}`;
}
