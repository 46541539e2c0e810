import { readFileSync } from "node:fs";

/** Of an installed package; also of one that does not export its `package.json`. */
export function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}
