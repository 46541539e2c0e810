/**
 * A fresh checkout of this project in a temporary folder, for commands that write beside the sources or read what lies
 * there. With all installed packages, or with those alone that `npm ci --omit=dev` installs.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { copyFile, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** What `npm run build`, `serve`, `key` and wrangler read. */
const tracked = [
  "src",
  "dashboard",
  "backends",
  "tools",
  "package.json",
  "package-lock.json",
  "wrangler.toml",
  "warmpath.jsonc",
];

export type Checkout = {
  readonly dir: string;
  /** Runs a script of package.json to its end. */
  npmRun(script: string, ...args: readonly string[]): Promise<Ended>;
  /** The same for one that serves. Ended with the checkout, if not before. */
  npmStart(script: string, args: readonly string[], options?: StartOptions): ChildProcess;
  stop(child: ChildProcess): Promise<void>;
  remove(): Promise<void>;
};

export type Ended = { readonly exitCode: number | null; readonly output: string };
type StartOptions = { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string };

export async function makeCheckout(packages: "all" | "production"): Promise<Checkout> {
  const dir = mkdtempSync(join(tmpdir(), "warmpath-checkout-"));
  for (const path of tracked) cpSync(join(root, path), join(dir, path), { recursive: true });
  if (packages === "all") symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  else await linkProductionPackages(join(dir, "node_modules"));
  const started: ChildProcess[] = [];
  const npmStart: Checkout["npmStart"] = (script, args, { env = {}, cwd = dir } = {}) => {
    const child = spawn("npm", ["--prefix", dir, "run", script, "--", ...args], {
      cwd,
      env: { ...process.env, ...quiet, ...env },
      // A group of its own: npm is a parent of what it runs.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.push(child);
    return child;
  };
  return {
    dir,
    npmStart,
    stop: endGroup,
    npmRun: (script, ...args) => endOf(npmStart(script, args)),
    async remove() {
      await Promise.all(started.map(endGroup));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** No question, no colour, no report to anybody, and none of the paths that npm gave to the tests themselves. */
const quiet = {
  CI: "1",
  NO_COLOR: "1",
  FORCE_COLOR: "0",
  WRANGLER_SEND_METRICS: "false",
  INIT_CWD: undefined,
  // As on a machine that has no more than npm and a Node: npm itself puts the packages' commands first.
  PATH: (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((path) => !path.includes("node_modules"))
    .join(delimiter),
};

function endOf(child: ChildProcess): Promise<Ended> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((settle) => child.once("close", (exitCode) => settle({ exitCode, output })));
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const closed = new Promise((settle) => child.once("close", settle));
  const isOver = child.exitCode !== null || child.signalCode !== null;
  try {
    // To the group also when npm has ended: it may have left somebody behind.
    process.kill(-child.pid, "SIGKILL");
  } catch {
    return;
  }
  if (!isOver) await closed;
}

type Lock = { readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>> };

/** Hard links: a link of the other kind would lead back into the folder where all packages are. */
async function linkProductionPackages(into: string): Promise<void> {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
  const paths = Object.entries(lock.packages).flatMap(([path, { dev, devOptional }]) =>
    path === "" || dev === true || devOptional === true ? [] : [path.slice("node_modules/".length)],
  );
  // A package's own folder has those that are inside of it, too.
  const outer = paths.filter((path) => !path.includes("/node_modules/"));
  for (const path of outer) await linkFiles(join(root, "node_modules", path), join(into, path));
  mkdirSync(join(into, ".bin"), { recursive: true });
  for (const name of outer) linkCommands(into, name);
}

function linkCommands(into: string, name: string): void {
  let bin: string | Readonly<Record<string, string>> | undefined;
  try {
    ({ bin } = JSON.parse(readFileSync(join(into, name, "package.json"), "utf8")) as { readonly bin?: typeof bin });
  } catch {
    // Made for another platform, so it is not installed.
    return;
  }
  const commands = typeof bin === "string" ? { [name]: bin } : (bin ?? {});
  for (const [command, file] of Object.entries(commands))
    symlinkSync(join("..", name, file), join(into, ".bin", command));
}

async function linkFiles(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries.filter((found) => found.isFile())) {
    const source = join(entry.parentPath, entry.name);
    const target = join(to, source.slice(from.length));
    mkdirSync(dirname(target), { recursive: true });
    try {
      linkSync(source, target);
    } catch {
      await copyFile(source, target);
    }
  }
}
