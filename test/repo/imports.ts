/** Finds what a source file imports, and where a relative import leads. */
import { posix } from "node:path";
import { maskSource } from "./mask.ts";

export type SourceFile = {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  /** Empty for a file that is not text. */
  readonly text: string;
};

export type Import = {
  readonly specifier: string;
  /** The path in the repository that a relative specifier names. */
  readonly target: string | undefined;
  /** Erased at run time. */
  readonly typeOnly: boolean;
  readonly reExport: boolean;
  readonly line: number;
};

const clause = /(?:^|[;}\n])\s*(import|export)\b([^;"'()=]*?)(?:\bfrom\s*)?(["'])/g;
const dynamic = /(?<![.\w$])(?:import|require)\s*\(\s*(["'])/g;

export function importsOf(file: SourceFile): readonly Import[] {
  const code = maskSource(file.text);
  const found: Import[] = [];
  const add = (quoteAt: number, typeOnly: boolean, reExport: boolean) => {
    const specifier = file.text.slice(quoteAt + 1, code.indexOf(code.charAt(quoteAt), quoteAt + 1));
    const target = specifier.startsWith(".") ? posix.join(posix.dirname(file.path), specifier) : undefined;
    found.push({ specifier, target, typeOnly, reExport, line: lineAt(file.text, quoteAt) });
  };
  for (const match of code.matchAll(clause)) {
    const [whole, keyword, names = ""] = match;
    if (keyword === "export" && !/\bfrom\s*["']$/.test(whole)) continue;
    add(match.index + whole.length - 1, isTypeOnly(names), keyword === "export");
  }
  for (const match of code.matchAll(dynamic)) add(match.index + match[0].length - 1, false, false);
  return found;
}

/** `import type …`, or braces in which every name has its own `type`. */
function isTypeOnly(names: string): boolean {
  if (/^\s*type\b/.test(names)) return true;
  const braces = /^\s*\{([^}]*)\}\s*$/.exec(names)?.[1];
  const listed = braces?.split(",").filter((name) => name.trim() !== "") ?? [];
  return listed.length > 0 && listed.every((name) => /^\s*type\s/.test(name));
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/**
 * Each cycle of imports, once, as the path from its alphabetically first file back to it. In the house types count: two
 * files that need each other's types are one thing in two places. The simulator's parts hold the world that holds them.
 */
export function findCycles(files: readonly SourceFile[]): readonly (readonly string[])[] {
  const targets = new Map(
    files.map((file) => [
      file.path,
      importsOf(file).flatMap(({ target, typeOnly }) =>
        typeOnly && file.path.startsWith("tools/") ? [] : (target ?? []),
      ),
    ]),
  );
  const cycles = new Map<string, readonly string[]>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) {
      const loop = trail.slice(seenAt);
      const first = loop.indexOf([...loop].sort()[0] ?? path);
      const turned = [...loop.slice(first), ...loop.slice(0, first)];
      cycles.set(turned.join(" "), [...turned, turned[0] ?? path]);
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of [...targets.keys()].sort()) visit(path, []);
  return [...cycles.values()];
}
