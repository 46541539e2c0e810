/**
 * Where the browser of the tests comes from: Debian's Chromium. It is no npm package, so `npm ci` does not bring it; the
 * project "browser" calls this once before its first test (`globalSetup` in vitest.config.ts).
 *
 * In this order: the program that `WARMPATH_CHROMIUM` names, one that is installed, one that `apt-get` installs now. The
 * last only where nobody is surprised by it: as root, or with `CI` set by `sudo`. Without a browser the tests fail in
 * CI, because a green run has to mean that they ran; elsewhere they are skipped, and the run says why.
 *
 * Rejected: Playwright's own download of a browser, a binary from a host that many networks do not reach.
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { err, ok, type Result } from "../../src/lib/result.ts";

/** Whose names Debian, Ubuntu and the vendor give the same browser. */
const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** Some 100 MB come over the network; past this something is wrong. */
const INSTALL_MS_MAX = 600_000;

/** Another `apt-get` of the machine may be at work. */
const LOCK_SECONDS_MAX = 300;

export type Host = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  isProgram(path: string): boolean;
  /** Throws when the command fails or is not there. */
  run(command: string, args: readonly string[]): void;
};

/** The browser's path, or why there is none, in a sentence. */
export function findOrInstall(host: Host): Result<string, string> {
  const named = host.env["WARMPATH_CHROMIUM"] ?? "";
  if (named !== "") {
    return host.isProgram(named) ? ok(named) : err(`WARMPATH_CHROMIUM is "${named}", and that is no program.`);
  }
  const there = installed(host);
  if (there !== null) return ok(there);
  const inCi = (host.env["CI"] ?? "") !== "";
  if (!host.isRoot && !inCi) {
    return err('There is no Chromium. Install it ("sudo apt-get install chromium"), or name one in WARMPATH_CHROMIUM.');
  }
  try {
    install(host);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return err(`There is no Chromium, and "apt-get install chromium" failed: ${why}`);
  }
  const path = installed(host);
  return path === null ? err('"apt-get install chromium" brought no program of that name.') : ok(path);
}

function installed({ env, isProgram }: Host): string | null {
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  // Debian's path also where a script has set a PATH of its own.
  const paths = [...folders, "/usr/bin"].flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return paths.find(isProgram) ?? null;
}

function install({ isRoot, run }: Host): void {
  const [command, ...before] = isRoot ? (["apt-get"] as const) : (["sudo", "-n", "apt-get"] as const);
  const lock = ["-o", `DPkg::Lock::Timeout=${LOCK_SECONDS_MAX}`];
  run(command, [...before, ...lock, "update"]);
  // A font with it: a page whose letters are boxes is laid out otherwise.
  run(command, [...before, ...lock, "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]);
}

export const thisHost: Host = {
  env: process.env,
  isRoot: process.getuid?.() === 0,
  isProgram(path) {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
  run(command, args) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    execFileSync(command, args, { env, timeout: INSTALL_MS_MAX, stdio: ["ignore", "ignore", "pipe"] });
  },
};
