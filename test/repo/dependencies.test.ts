/**
 * What is installed is what the lock says, to the byte, and nobody adds a package in passing: each has a version and a
 * reason, and none runs a script of its own that is not allowed by name.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const read = (path: string): string => readFileSync(join(import.meta.dirname, "../..", path), "utf8");

type Named = Readonly<Record<string, string>>;
type Locked = {
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly hasInstallScript?: boolean;
};

const manifest = JSON.parse(read("package.json")) as {
  readonly dependencies: Named;
  readonly devDependencies: Named;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
const lock = JSON.parse(read("package-lock.json")) as { readonly packages: Readonly<Record<string, Locked>> };

const direct = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");
const EXACT = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

test("every dependency has one version, which is the locked one", () => {
  expect(direct.filter(([, version]) => !EXACT.test(version))).toEqual([]);
  const others = direct.filter(([name, version]) => lock.packages[`node_modules/${name}`]?.version !== version);
  expect(others).toEqual([]);
});

test("every dependency has its reason in decision 0001; packages of types alone need none", () => {
  const reasons = read("docs/decisions/0001-dependencies.md");
  const isTypes = (name: string): boolean => name.startsWith("@types/") || name === "@cloudflare/workers-types";
  expect(direct.filter(([name]) => !isTypes(name) && !reasons.includes(`\`${name}\``))).toEqual([]);
});

describe("the lock", () => {
  test("has the hash of every package; those of other platforms that could not be had are optional", () => {
    const without = locked.filter(([, { integrity = "" }]) => !integrity.startsWith("sha512-"));
    const needed = without.filter(
      ([, { optional, os }]) => optional !== true || os === undefined || os.includes("linux"),
    );
    expect(needed.map(([path]) => path)).toEqual([]);
  });

  test("has no package with a script at install that is not allowed by name", () => {
    const scripted = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.replace(/^.*node_modules\//, ""));
    const allowed = Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name] === true);
    expect([...new Set(scripted)].sort()).toEqual(allowed.sort());
  });
});
