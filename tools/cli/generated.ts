/**
 * Files that a command writes and that are committed all the same: the command, and the check that they are current.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Generated = {
  /** From the root. */
  readonly path: string;
  /** The whole text. */
  readonly text: () => string;
  /** What it is made from. */
  readonly source: string;
};

export type Said = { readonly exitCode: 0 | 1; readonly out: string; readonly err: string };

/** `command`: as the reader types it. `folder`: the root. */
export function writeOrCheck(
  files: readonly Generated[],
  command: string,
  args: readonly string[],
  folder: string,
): Said {
  const unknown = args.find((arg) => arg !== "--check");
  if (unknown !== undefined)
    return { exitCode: 1, out: "", err: `unknown argument ${unknown}\nusage: ${command} [-- --check]\n` };
  if (!args.includes("--check")) {
    for (const { path, text } of files) writeFileSync(join(folder, path), text());
    return { exitCode: 0, out: files.map(({ path }) => `wrote ${path}\n`).join(""), err: "" };
  }
  const stale = files.filter(({ path, text }) => readIfThere(join(folder, path)) !== text());
  if (stale.length === 0)
    return { exitCode: 0, out: files.map(({ path }) => `${path} is current\n`).join(""), err: "" };
  return {
    exitCode: 1,
    out: "",
    err: stale.map(({ path, source }) => `${path} is not what ${source} says: run \`${command}\`\n`).join(""),
  };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** Prints what was said; the process ends with its exit code. */
export function say({ exitCode, out, err }: Said): void {
  process.stdout.write(out);
  process.stderr.write(err);
  process.exitCode = exitCode;
}
