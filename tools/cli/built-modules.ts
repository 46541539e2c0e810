/**
 * What the build knows and writes as modules, in the place of those in `src/` that know nothing: the config as it was read
 * and checked, and the OpenAPI document.
 *
 * An isolate then starts without the schema of the config, which weighs more than all it does for a request. Rejected: handing over the config's text as the schema left it, for which an isolate
 * would still resolve every default; and committing the document, which every new route would change.
 */
import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";
import { configOfText } from "../../src/config/config-of-text.ts";
import { openApiText } from "../openapi/main.ts";

/** `configPath`: of the file that is bundled. */
export function withBuiltModules(configPath: string): Plugin {
  return {
    name: "with-built-modules",
    setup(bundler) {
      bundler.onLoad({ filter: /src\/config\/built-config\.ts$/ }, async () => ({
        contents: configModule(await readFile(configPath, "utf8")),
        loader: "js",
      }));
      bundler.onLoad({ filter: /src\/wire\/openapi-text\.ts$/ }, () => ({
        contents: `export const openApiText = ${JSON.stringify(openApiText())};\n`,
        loader: "js",
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
