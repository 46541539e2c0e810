/** Installs what the clients need, once: packages of Node by `npm ci`, and environments of Python beside them. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "./clients.ts";
import { VENVS } from "./session.ts";

const here = import.meta.dirname;
/** From a mirror nearby it takes a minute; who has no registry is told so within this time. */
const INSTALL_MS_MAX = 600_000;

const REQUIREMENTS: Readonly<Record<Exclude<Home, "node">, string>> = {
  python: "requirements.txt",
  "python-llamaindex": "requirements-llamaindex.txt",
  "python-sdk": "requirements-sdk.txt",
};

function run(command: string, args: readonly string[]): string | null {
  const done = spawnSync(command, args, { cwd: here, timeout: INSTALL_MS_MAX, encoding: "utf8" });
  if (done.status === 0) return null;
  const why = done.error?.message ?? done.stderr.trim().split("\n").at(-1) ?? "";
  return `\`${[command.split("/").at(-1), ...args.slice(0, 3)].join(" ")}\` failed: ${why.slice(0, 200)}`;
}

/** Null: it is there. Else why it cannot be had here. */
export function prepare(home: Home): string | null {
  const list = join(here, home === "node" ? "package-lock.json" : REQUIREMENTS[home]);
  const place = home === "node" ? join(here, "node_modules") : VENVS[home];
  const mark = join(place, ".installed");
  const wanted = readFileSync(list, "utf8");
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return null;
  console.log(`installing the clients of ${home} ...`);
  const failed = home === "node" ? installNode() : installPython(place, list);
  if (failed === null) writeFileSync(mark, wanted);
  return failed;
}

const installNode = (): string | null =>
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);

function installPython(place: string, list: string): string | null {
  const python = process.env["WARMPATH_PYTHON"] ?? "python3";
  return (
    run(python, ["-m", "venv", "--clear", place]) ??
    run(join(place, "bin/python"), ["-m", "pip", "install", "--quiet", "--requirement", list])
  );
}
