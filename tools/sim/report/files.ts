/** Reads what the command line names: scenarios, shipped or your own, and traces. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { err, ok, type Result } from "../../../src/lib/result.ts";
import { parseScenario } from "./scenario-parse.ts";
import type { Scenario } from "../scenario.ts";
import { parseTrace, type TraceRow } from "../trace.ts";

const SHIPPED = join(import.meta.dirname, "../scenarios");

/** Names of the scenarios that come with the project. */
export function shippedScenarios(): readonly string[] {
  return readdirSync(SHIPPED)
    .filter((file) => file.endsWith(".jsonc"))
    .map((file) => file.replace(/\.jsonc$/, ""))
    .sort();
}

/** A shipped scenario by name, or a file. */
export function loadScenario(nameOrFile: string): Result<Scenario, string> {
  const shipped = join(SHIPPED, `${nameOrFile}.jsonc`);
  const isName = /^[\w-]+$/.test(nameOrFile) && existsSync(shipped);
  const file = isName ? shipped : nameOrFile;
  if (!existsSync(file)) {
    return err(`--scenario: no scenario and no file named ${nameOrFile}. Known: ${shippedScenarios().join(", ")}`);
  }
  const text = read(file);
  return text.ok ? parseScenario(text.value, basename(file).replace(/\.jsonc?$/, "")) : text;
}

/** `path`: a trace, or a folder in which it is called `name`. */
export function loadTrace(path: string, name: string): Result<readonly TraceRow[], string> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = isFolder ? join(path, name) : path;
  const text = read(file);
  if (!text.ok) return text;
  const rows = parseTrace(text.value);
  return rows.ok ? rows : err(`--trace ${file}: ${rows.error}`);
}

function read(file: string): Result<string, string> {
  try {
    return ok(readFileSync(file, "utf8"));
  } catch (error) {
    return err(`${file}: ${error instanceof Error ? error.message : "could not be read"}`);
  }
}
