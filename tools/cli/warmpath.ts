/**
 * `warmpath`: one command for a fleet, from its first config to its keys and jobs. `bin/warmpath.mjs` starts it.
 *
 * Data goes to stdout, everything that a person reads beside it to stderr, so that every reading verb can be piped; with
 * `--json` it is the router's own answer. Exit codes: 0 done, 1 not done and a line says why, 2 wrong arguments. What a
 * verb needs it reads from options, then from the environment, then from `.env` of the folder: never a secret by an option,
 * where every process of the machine would see it.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { addCheck } from "./verbs/check.ts";
import { addCost } from "./verbs/cost.ts";
import { addDoctor } from "./verbs/doctor.ts";
import { addFleet } from "./verbs/fleet.ts";
import { addInit } from "./verbs/init.ts";
import { type Io, Trouble, troubleText } from "./verbs/io.ts";
import { addJobs } from "./verbs/jobs.ts";
import { addKeys } from "./verbs/keys.ts";
import { addPrograms } from "./verbs/programs.ts";
import { addProvider } from "./verbs/provider.ts";
import { addSend } from "./verbs/send.ts";

const EXIT_WRONG_ARGUMENTS = 2;

/** `exit`: the code of a verb that ends neither well nor by an error. */
export function commandLine(io: Io, exit: (code: number) => void): Command {
  const program = new Command("warmpath")
    .description("An inference router at the edge: the nearest warm GPU endpoint, for every request.")
    .showHelpAfterError("(--help lists what there is)")
    .configureOutput({ writeOut: (text) => io.write(text), writeErr: (text) => io.err(text.trimEnd()) })
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  addInit(program, io);
  addPrograms(program, io, exit);
  addCheck(program, io);
  addDoctor(program, io, exit);
  addProvider(program, io, exit);
  addCost(program, io);
  addSend(program, io);
  addFleet(program, io);
  addKeys(program, io);
  addJobs(program, io);
  return program;
}

const EXAMPLES = `
From nothing to an answer:
  warmpath init --url http://127.0.0.1:8000
  warmpath serve
  warmpath send "Hello!"
`;

export async function runVerb(args: readonly string[], io: Io): Promise<number> {
  let code = 0;
  try {
    await commandLine(io, (ended) => (code = ended)).parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_WRONG_ARGUMENTS;
    if (!(error instanceof Trouble)) throw error;
    io.err(troubleText(error));
    return 1;
  }
}

export async function runCommandLine(args: readonly string[]): Promise<number> {
  const cwd = process.cwd();
  const envFile = join(cwd, ".env");
  // What is set already stays.
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  // Whoever reads has gone, as `head` does.
  process.stdout.on("error", () => process.exit(0));
  return runVerb(args, {
    out: (text) => void process.stdout.write(`${text}\n`),
    write: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(`${text}\n`),
    env: process.env,
    cwd,
    isInteractive: process.stdin.isTTY && process.stdout.isTTY,
  });
}

if (import.meta.main) process.exitCode = await runCommandLine(process.argv.slice(2));
