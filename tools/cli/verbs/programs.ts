/**
 * `warmpath serve`, `dev`, `tail`, `key`, `deploy`: programs that were there before the command line, and read their own
 * arguments. Each is loaded when it is called.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { CONFIG_DEFAULT } from "./check.ts";
import { type Io, Trouble } from "./io.ts";

type Main = (args: readonly string[]) => Promise<number>;

export function addPrograms(program: Command, io: Io, exit: (code: number) => void): void {
  const add = (name: string, description: string, load: () => Promise<Main>): void => {
    program
      .command(name)
      .description(`${description} (${name} --help lists its options)`)
      .argument("[options...]")
      .allowUnknownOption()
      .helpOption(false)
      .action(async (_: readonly string[], __: unknown, { args }: Command) => exit(await (await load())(args)));
  };
  add("serve", "serves the config of this folder on this machine", async () => {
    const { serveMain } = await import("../serve.ts");
    return async (args) => serveMain([...here(io), ...args]);
  });
  add(
    "dev",
    "a fleet of simulated GPUs and a router in front of it, to try",
    async () => (await import("../../demo/demo.ts")).demoMain,
  );
  add(
    "tail",
    "a line for each request that ends, from a router that runs",
    async () => (await import("../tail.ts")).tailMain,
  );
  add(
    "key",
    "makes a key for the config file; `keys create` makes one in a router that runs",
    async () => (await import("../key.ts")).keyMain,
  );
  add(
    "deploy",
    "builds, checks the config and uploads to Cloudflare: wrangler's own options",
    async () => async (args) => wrangler(io, args),
  );
}

/** `npm run serve` takes the project's own config and state; called by name it takes those of the folder. */
const here = ({ cwd }: Io): readonly string[] => [
  "--config",
  join(cwd, CONFIG_DEFAULT),
  "--state",
  join(cwd, ".warmpath/state"),
];

/** It is a development dependency: who only serves has not got it. */
function wrangler({ cwd }: Io, args: readonly string[]): Promise<number> {
  const root = join(import.meta.dirname, "../../..");
  const own = join(root, "node_modules/.bin/wrangler");
  if (!existsSync(own)) {
    throw new Trouble(
      "no_wrangler",
      "wrangler is not installed here",
      "run it in a checkout of the project, after npm ci",
    );
  }
  const child = spawn(own, ["deploy", ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, INIT_CWD: cwd },
  });
  return new Promise((settle, fail) => {
    child.once("error", fail);
    child.once("exit", (code) => settle(code ?? 1));
  });
}
