/** `npm run sbom` names every dependency of package.json at its version, and says which are shipped. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
type Named = Readonly<Record<string, string>>;
type Bom = {
  readonly components: readonly { readonly name: string; readonly version: string; readonly scope: string }[];
};

test("the bill of materials has what is shipped as required, and what builds and tests it as optional", () => {
  execFileSync("npm", ["run", "-s", "sbom"], { cwd: root });
  const { components } = JSON.parse(readFileSync(join(root, "sbom.cdx.json"), "utf8")) as Bom;
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, Named>;
  const versionsOf = (scope: string): Named =>
    Object.fromEntries(components.filter((one) => one.scope === scope).map(({ name, version }) => [name, version]));
  expect(versionsOf("required")).toMatchObject(manifest["dependencies"] ?? {});
  expect(versionsOf("optional")).toMatchObject(manifest["devDependencies"] ?? {});
});
