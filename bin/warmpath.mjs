#!/usr/bin/env node
/**
 * `warmpath`, in a checkout and from an installed package.
 *
 * The program is TypeScript that Node runs as it is, and Node does so from version 24 on and never below `node_modules`.
 * So this file, which any Node can read, finds the Node that the package brings, and starts the program there, with
 * `bin/typescript.mjs` where the package lies in `node_modules`. Rejected: a compiled copy in the package, which would be
 * a second program, as old as its last build.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NODE_MAJOR_MIN = 24;
/** npm passes no signal on and leaves this process behind, as another's child: how often that is looked for, ms. */
const PARENT_LOOK_MS = 250;
const here = dirname(fileURLToPath(import.meta.url));
const program = join(here, "../tools/cli/warmpath.ts");
const isInstalled = /[\\/]node_modules[\\/]/.test(here);

if (isInstalled) {
  // For this process and every one that it starts.
  const hook = `--import=${pathToFileURL(join(here, "typescript.mjs")).href}`;
  if (!(process.env.NODE_OPTIONS ?? "").includes(hook)) {
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} ${hook} --disable-warning=ExperimentalWarning`.trim();
  }
}

const ownNode = ownNodePath();
const isOwnNodeNeeded = Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN;
if (isOwnNodeNeeded && ownNode === null) {
  process.stderr.write(
    `warmpath needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node}, and its package "node" is not installed: run npm install\n`,
  );
  process.exitCode = 1;
} else if (!isOwnNodeNeeded && !isInstalled) {
  const { runCommandLine } = await import(pathToFileURL(program).href);
  process.exitCode = await runCommandLine(process.argv.slice(2));
} else {
  runIn(ownNode ?? process.execPath);
}

function ownNodePath() {
  try {
    return createRequire(import.meta.url).resolve("node/bin/node");
  } catch {
    return null;
  }
}

function runIn(node) {
  const parent = process.ppid;
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: "inherit" });
  // A Ctrl-C reaches the child by itself: the terminal sends it to both.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  if (process.env.npm_lifecycle_event !== undefined) {
    const look = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(look);
      child.kill("SIGTERM");
    }, PARENT_LOOK_MS);
    look.unref();
  }
  child.on("error", (error) => {
    process.stderr.write(`cannot start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
