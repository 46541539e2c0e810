/** `npm run sbom` names what is shipped: every dependency of package.json at its version, and nothing of development. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
type Named = Readonly<Record<string, string>>;
type Bom = { readonly components: readonly { readonly name: string; readonly version: string }[] };

test("has what is shipped, at its version, and nothing of development", () => {
  execFileSync("npm", ["run", "-s", "sbom"], { cwd: root });
  const { components } = JSON.parse(readFileSync(join(root, "sbom.cdx.json"), "utf8")) as Bom;
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, Named>;
  const versions = Object.fromEntries(components.map(({ name, version }) => [name, version]));
  expect(versions).toMatchObject(manifest["dependencies"] ?? {});
  expect(Object.keys(manifest["devDependencies"] ?? {}).filter((name) => name in versions)).toEqual([]);
});
