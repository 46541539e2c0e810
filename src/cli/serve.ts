/**
 * `npm run serve`: the real bundle on raw workerd, with its state on disk. What a self-hosted installation runs, and
 * the same bytes that `wrangler deploy` uploads.
 *
 * It always bundles first: that takes a tenth of a second, and deciding whether `dist/` is stale would be a second,
 * worse, copy of the bundler's knowledge of what the bundle depends on.
 */
import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { err, ok, type Result } from "../core/result.ts";
import { formatProblems, parseConfig } from "../protocol/config-parse.ts";
import type { Config } from "../protocol/config.ts";
import { missingSecrets, secretIn, secretsOf, SELF_HOSTED } from "../protocol/secrets.ts";
import type { SecretUse } from "../protocol/secrets.ts";
import { buildWorker, sizeReport, workerBundlePath } from "./build.ts";
import { startWorkerd, type Workerd, WorkerdStartError } from "./workerd.ts";

const root = join(import.meta.dirname, "../..");

const usage = `npm run serve -- [options]
  --port <n>       port to listen on (default 8787; 0 takes any free one)
  --host <addr>    address to listen on (default 127.0.0.1)
  --config <file>  config to serve (default warmpath.jsonc)
  --state <dir>    folder for the Durable Objects' state (default .warmpath/state)
  --dev            development: a header may say where the client is
  --help           this text`;

export type ServeOptions = {
  readonly port: number;
  readonly host: string;
  readonly configPath: string;
  readonly stateDir: string;
  readonly dev: boolean;
};

/** The error is one line for a person, or undefined when help was asked for. */
export function parseServeArgs(args: readonly string[]): Result<ServeOptions, string | undefined> {
  const parsed = tryParseArgs(args);
  if (!parsed.ok) return parsed;
  const { port, host, config, state, dev, help } = parsed.value;
  if (help) return err(undefined);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return err(`--port must be 0 to 65535, not ${port}`);
  return ok({ port: Number(port), host, configPath: resolve(root, config), stateDir: resolve(root, state), dev });
}

function tryParseArgs(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string", default: "8787" },
        host: { type: "string", default: "127.0.0.1" },
        config: { type: "string", default: "warmpath.jsonc" },
        state: { type: "string", default: ".warmpath/state" },
        dev: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    return ok(values);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The Worker's text bindings: every secret that the config asks for, and nothing else of the environment. The error lists
 * the needed ones that are not set.
 */
export function workerBindings(input: {
  readonly configText: string;
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dev: boolean;
}): Result<Readonly<Record<string, string>>, readonly SecretUse[]> {
  const bindings: Record<string, string> = { WARMPATH_CONFIG: input.configText, [SELF_HOSTED]: "1" };
  if (input.dev) bindings["WARMPATH_DEV"] = "1";
  for (const { name } of secretsOf(input.config)) {
    const value = secretIn(input.env, name);
    if (value !== null) bindings[name] = value;
  }
  const missing = missingSecrets(input.config, input.env);
  return missing.length === 0 ? ok(bindings) : err(missing);
}

/** What is not set, what it is for, and what to type. */
export const whatToSet = (missing: readonly SecretUse[]): string =>
  ["secrets are variables of the environment, and these are not set:"]
    .concat(missing.map(({ name, usedBy }) => `  export ${name}=…   # for ${usedBy.join(", ")}`))
    .join("\n");

async function main(): Promise<number> {
  const options = parseServeArgs(process.argv.slice(2));
  if (!options.ok) {
    if (options.error !== undefined) return fail(`${options.error}\n\n${usage}`);
    console.log(usage);
    return 0;
  }
  const bindings = loadBindings(options.value);
  if (!bindings.ok) return fail(bindings.error);

  const size = await buildWorker();
  console.log(sizeReport(size).line);
  try {
    const { port, host, stateDir } = options.value;
    const workerd = await startWorkerd({
      bundlePath: workerBundlePath,
      bindings: bindings.value,
      stateDir,
      port,
      host,
      verbose: true,
    });
    return await runUntilSignal(workerd, options.value);
  } catch (error) {
    if (!(error instanceof WorkerdStartError)) throw error;
    const taken = `port ${options.value.port} is taken: choose another with --port, or any free one with --port 0`;
    return fail(error.reason === "port_taken" ? taken : error.message);
  }
}

function loadBindings(options: ServeOptions): Result<Readonly<Record<string, string>>, string> {
  const name = relative(process.cwd(), options.configPath);
  let configText: string;
  try {
    configText = readFileSync(options.configPath, "utf8");
  } catch {
    return err(`cannot read ${name}: choose the config with --config`);
  }
  const config = parseConfig(configText);
  if (!config.ok) return err(formatProblems(configText, config.error, name));
  const bindings = workerBindings({ configText, config: config.value, env: process.env, dev: options.dev });
  return bindings.ok ? bindings : err(whatToSet(bindings.error));
}

async function runUntilSignal(workerd: Workerd, options: ServeOptions): Promise<number> {
  const signalled = new Promise<"signal">((settle) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => settle("signal"));
  });
  console.log(`warmpath listens on ${workerd.url}`);
  console.log(
    `  config ${relative(process.cwd(), options.configPath)}, state ${relative(process.cwd(), options.stateDir)}`,
  );
  console.log("  Ctrl-C stops it");
  const ending = await Promise.race([signalled, workerd.exited]);
  if (ending !== "signal") return fail(`workerd ended by itself (${ending.signal ?? ending.code})`);
  await workerd.stop();
  console.log("stopped");
  return 0;
}

function fail(message: string): number {
  console.error(message);
  return 1;
}

if (import.meta.main) process.exitCode = await main();
