/**
 * Reads the rules of a `gitleaks.toml`.
 *
 * Model. The part of TOML that this file is written in: tables, arrays of tables, and keys with strings, numbers, or
 * arrays of strings. What else stands there (how a finding is reported) is skipped.
 * Rejected: a TOML library for one file that has one author.
 */

export type GitleaksAllowlist = {
  readonly regexes: readonly string[];
  readonly stopwords: readonly string[];
  readonly regexTarget: string;
  readonly isForAll: boolean;
  readonly hasPaths: boolean;
};

export type GitleaksRule = {
  readonly id: string;
  readonly regex: string;
  readonly entropy: number;
  readonly secretGroup: number;
  readonly keywords: readonly string[];
  readonly allowlists: readonly GitleaksAllowlist[];
};

type Value = string | number | readonly string[];
type Table = Map<string, Value>;

export function readGitleaksConfig(toml: string): { rules: readonly GitleaksRule[]; allowlist: GitleaksAllowlist } {
  let table: Table = new Map();
  let global: Table = new Map();
  const rules: { readonly table: Table; readonly allowlists: Table[] }[] = [];
  for (const [, header, key, value] of toml.matchAll(ENTRY)) {
    if (header !== undefined) {
      table = new Map();
      if (header === "[rules]") rules.push({ table, allowlists: [] });
      if (header === "[rules.allowlists]") rules.at(-1)?.allowlists.push(table);
      if (header === "allowlist") global = table;
    } else if (key !== undefined && value !== undefined) table.set(key, valueOf(value));
  }
  return {
    rules: rules.flatMap(({ table: rule, allowlists }) => {
      const regex = textOf(rule, "regex");
      if (regex === "") return [];
      const [entropy, secretGroup] = [Number(rule.get("entropy") ?? 0), Number(rule.get("secretGroup") ?? 0)];
      const keywords = listOf(rule, "keywords").map((word) => word.toLowerCase());
      return [
        { id: textOf(rule, "id"), regex, entropy, secretGroup, keywords, allowlists: allowlists.map(allowlistOf) },
      ];
    }),
    allowlist: allowlistOf(global),
  };
}

/** A header in brackets; or a key and its value, an array over several lines. Comments are lines of their own. */
const ENTRY =
  /^\[(\[[\w.]+\]|[\w.]+)\]|^(\w+) = ('''[^]*?'''|"(?:[^"\\]|\\.)*"|\[(?:'''[^]*?'''|"(?:[^"\\]|\\.)*"|[\s,]|#.*)*\]|[\d.]+)/gm;

const STRING = /'''([^]*?)'''|"((?:[^"\\]|\\.)*)"/g;

function valueOf(written: string): Value {
  if (/^[\d.]/.test(written)) return Number(written);
  const strings = Array.from(
    written.matchAll(STRING),
    ([, raw, quoted]) => raw ?? (JSON.parse(`"${quoted ?? ""}"`) as string),
  );
  return written.startsWith("[") ? strings : (strings[0] ?? "");
}

function textOf(table: Table, key: string): string {
  const value = table.get(key);
  return typeof value === "string" ? value : "";
}

function listOf(table: Table, key: string): readonly string[] {
  const value = table.get(key);
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

function allowlistOf(table: Table): GitleaksAllowlist {
  return {
    regexes: listOf(table, "regexes"),
    stopwords: listOf(table, "stopwords"),
    regexTarget: textOf(table, "regexTarget"),
    isForAll: textOf(table, "condition").toUpperCase() === "AND",
    hasPaths: table.has("paths"),
  };
}
