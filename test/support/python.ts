/** Finds a Python with packages of other people, for commands that try them unmodified. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** From a mirror nearby it takes seconds; a host without one is told so within this time. */
const INSTALL_MS_MAX = 180_000;

const has = (python: string, args: readonly string[]): boolean =>
  spawnSync(python, args, { timeout: INSTALL_MS_MAX, stdio: "ignore" }).status === 0;

/**
 * WARMPATH_PYTHON, or python3, where it can import these modules; else one of a virtual environment that is made in the
 * folder. Null: cannot be had here.
 */
export function pythonWith(
  folder: string,
  { modules, packages }: { readonly modules: string; readonly packages: readonly string[] },
): string | null {
  const given = process.env["WARMPATH_PYTHON"] ?? "python3";
  if (has(given, ["-c", `import ${modules}`])) return given;
  const own = join(folder, "venv/bin/python");
  const made = has(given, ["-m", "venv", join(folder, "venv")]);
  return made && has(own, ["-m", "pip", "install", "--quiet", ...packages]) ? own : null;
}
