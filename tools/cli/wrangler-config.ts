/**
 * Reads from `wrangler.toml` the few facts that raw workerd also needs, so that they are written down once.
 *
 * Not a TOML parser: it knows string values, one-line lists of strings, and table headers, and refuses anything else
 * under a key that it needs. Rejected: wrangler's own reader (loading wrangler costs most of a second per start) and a
 * TOML dependency for three keys.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const wranglerTomlPath = join(import.meta.dirname, "../../wrangler.toml");

export type DurableObjectBinding = { readonly name: string; readonly className: string };

export type PlatformConfig = {
  /** `YYYY-MM-DD`. */
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly durableObjects: readonly DurableObjectBinding[];
};

/** Throws when a needed key is missing or written in a way that this reader does not know. */
export function readPlatformConfig(toml: string = readFileSync(wranglerTomlPath, "utf8")): PlatformConfig {
  const tables = splitTables(toml);
  const top = tables.find((table) => table.header === "")?.entries ?? new Map<string, string>();
  return {
    compatibilityDate: stringValue("compatibility_date", top.get("compatibility_date")),
    compatibilityFlags: listValue("compatibility_flags", top.get("compatibility_flags") ?? "[]"),
    durableObjects: tables
      .filter((table) => table.header === "[[durable_objects.bindings]]")
      .map((table) => ({
        name: stringValue("durable_objects.bindings.name", table.entries.get("name")),
        className: stringValue("durable_objects.bindings.class_name", table.entries.get("class_name")),
      })),
  };
}

type Table = { readonly header: string; readonly entries: Map<string, string> };

function splitTables(toml: string): readonly Table[] {
  let current: Table = { header: "", entries: new Map() };
  const tables = [current];
  for (const line of toml.split("\n").map((raw) => raw.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      current = { header: line.replace(/\s*#.*$/, ""), entries: new Map() };
      tables.push(current);
      continue;
    }
    const equals = line.indexOf("=");
    if (equals > 0) current.entries.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
  }
  return tables;
}

function stringValue(key: string, raw: string | undefined): string {
  const match = raw === undefined ? null : /^"([^"\\]*)"\s*(?:#.*)?$/.exec(raw);
  if (match?.[1] === undefined) throw new Error(`wrangler.toml: ${key} must be a plain "string", found ${raw}`);
  return match[1];
}

function listValue(key: string, raw: string): readonly string[] {
  const match = /^\[([^\]]*)\]\s*(?:#.*)?$/.exec(raw);
  if (match?.[1] === undefined) throw new Error(`wrangler.toml: ${key} must be a one-line list, found ${raw}`);
  return match[1]
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map((item) => stringValue(key, item));
}
