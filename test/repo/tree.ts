/**
 * Reads the repository's files for the rules. Run by itself it prints every violation and fails when there is one.
 *
 * Walks folders instead of asking git, so that it also works in a tree that was unpacked from an archive.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceFile } from "./imports.ts";
import { checkRepository } from "./rules.ts";

const root = join(import.meta.dirname, "../..");

/** Larger files are data, not text that someone wrote. */
const TEXT_BYTES_MAX = 1024 * 1024;

/** Written by a tool, not by a person. */
const generated: ReadonlySet<string> = new Set(["package-lock.json", "compat/package-lock.json"]);

export function readTree(): readonly SourceFile[] {
  const ignored = new Set([".git/", ".git", ...readFileSync(join(root, ".gitignore"), "utf8").split("\n")]);
  const files: SourceFile[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!ignored.has(`${entry.name}/`)) walk(path);
      } else if (entry.isFile() && !ignored.has(entry.name) && !ignored.has(entry.name.replace(/^.*\./, "*."))) {
        files.push({ path, text: generated.has(path) ? "" : readText(join(root, path)) });
      }
    }
  };
  walk("");
  return files;
}

function readText(path: string): string {
  const bytes = readFileSync(path);
  return bytes.byteLength > TEXT_BYTES_MAX || bytes.includes(0) ? "" : bytes.toString("utf8");
}

if (import.meta.main) {
  const violations = checkRepository(readTree());
  for (const { path, line, rule, message } of violations) console.log(`${path}:${line} ${rule}: ${message}`);
  if (violations.length > 0) process.exitCode = 1;
}
