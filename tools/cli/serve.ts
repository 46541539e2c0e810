/**
 * `npm run serve`: the real bundle on raw workerd, with its state on disk. What a self-hosted installation runs, and
 * the same bytes that `wrangler deploy` uploads.
 *
 * It always bundles first: that takes a tenth of a second, and deciding whether `dist/` is stale would be a second,
 * worse, copy of the bundler's knowledge of what the bundle depends on. Not into `dist/` but into a folder of its own,
 * so that the checkout may be read-only and any number may start from it at once.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { stop as stopEsbuild } from "esbuild";
import { err, ok, type Result } from "../../src/lib/result.ts";
import { DRAIN_GRACE_MS_MAX } from "../../src/config/config-bounds.ts";
import type { Config } from "../../src/config/config.ts";
import type { EndpointSeen } from "../../src/wire/keeper.ts";
import { parsePlace } from "../../src/wire/headers.ts";
import { missingSecrets, secretIn, secretsOf, SELF_HOSTED } from "../../src/wire/secrets.ts";
import type { SecretUse } from "../../src/wire/secrets.ts";
import { buildDashboard } from "./build-dashboard.ts";
import { buildWorker, sizeReport } from "./build.ts";
import { configNotes, configWarnings, readConfigFile } from "./config-file.ts";
import { askRouter } from "./ask-router.ts";
import { endpointTable } from "./serve-look.ts";
import { runUntilEnd } from "./serve-end.ts";
import { type StateDir, takeStateDir } from "./state-dir.ts";
import { startStateHost, type StateHost } from "./state-host.ts";
import { startWorkerd, type Workerd, WorkerdStartError } from "./workerd.ts";

/** What is open gets so long after a signal, ms: most answers end within it, and systemd waits 90 s before it kills. */
const DRAIN_MS_DEFAULT = 30_000;

const root = join(import.meta.dirname, "../..");

const userDir = whereUserStands(process.cwd(), process.env);

const usage = `npm run serve -- [options]
  --port <n>       port to listen on (default 8787; 0 takes any free one)
  --host <addr>    address to listen on (default 127.0.0.1)
  --admin-listen <addr:port>  where alone /admin, /metrics and /dashboard are served (default: on the same port)
  --config <file>  config to serve (default warmpath.jsonc)
  --state <dir>    folder for the Durable Objects' state (default .warmpath/state)
  --drain-ms <n>   how long what is open may go on after a signal, ms (default 30000)
  --place <p>      where this router and its clients are: lat,lon or a region of the config (default: not known)
  --dev            development: a header may say where the client is
  --help           this text`;

export type ServeOptions = {
  readonly port: number;
  readonly host: string;
  readonly configPath: string;
  readonly stateDir: string;
  readonly drainMs: number;
  /** `host:port`; null: operators come in by the public door. */
  readonly adminListen: string | null;
  /** As written; the config tells what it may be. */
  readonly place: string | null;
  readonly dev: boolean;
};

/** npm runs a script in the project's folder and tells in INIT_CWD where the user stands. */
export function whereUserStands(cwd: string, env: Readonly<Record<string, string | undefined>>): string {
  return cwd === root ? (env["INIT_CWD"] ?? cwd) : cwd;
}

/**
 * The error is one line for a person, or undefined when help was asked for. Paths that are given are relative to
 * `from`, the defaults are the project's own.
 */
export function parseServeArgs(args: readonly string[], from: string): Result<ServeOptions, string | undefined> {
  const parsed = tryParseArgs(args);
  if (!parsed.ok) return parsed;
  const { port, host, dev, help } = parsed.value;
  const configPath = resolve(from, parsed.value.config ?? join(root, "warmpath.jsonc"));
  const stateDir = resolve(from, parsed.value.state ?? join(root, ".warmpath/state"));
  if (help) return err(undefined);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return err(`--port must be 0 to 65535, not ${port}`);
  const drainMs = parsed.value["drain-ms"];
  if (!/^\d{1,7}$/.test(drainMs) || Number(drainMs) > DRAIN_GRACE_MS_MAX) {
    return err(`--drain-ms must be 0 to ${DRAIN_GRACE_MS_MAX}, not ${drainMs}`);
  }
  const adminListen = parsed.value["admin-listen"] ?? null;
  if (adminListen !== null && !isListen(adminListen)) {
    return err(`--admin-listen must be an address and a port, such as 127.0.0.1:9090, not ${adminListen}`);
  }
  return ok({
    adminListen,
    port: Number(port),
    host,
    configPath,
    stateDir,
    drainMs: Number(drainMs),
    place: parsed.value.place ?? null,
    dev,
  });
}

/** An IPv6 address in its brackets. */
function isListen(text: string): boolean {
  const [, port] = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.*-]+):(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) <= 65_535;
}

function tryParseArgs(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string", default: "8787" },
        host: { type: "string", default: "127.0.0.1" },
        "admin-listen": { type: "string" },
        config: { type: "string" },
        state: { type: "string" },
        "drain-ms": { type: "string", default: String(DRAIN_MS_DEFAULT) },
        place: { type: "string" },
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
 * The Worker's text bindings: every secret that the config asks for, and nothing else of the environment. The error
 * lists the needed ones that are not set.
 */
export function workerBindings(input: {
  readonly configText: string;
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly place?: string | null;
  readonly adminApart?: boolean;
  readonly dev: boolean;
}): Result<Readonly<Record<string, string>>, readonly SecretUse[]> {
  const bindings: Record<string, string> = { WARMPATH_CONFIG: input.configText, [SELF_HOSTED]: "1" };
  if (input.adminApart === true) bindings["WARMPATH_ADMIN_APART"] = "1";
  if (input.dev) bindings["WARMPATH_DEV"] = "1";
  if (input.place !== undefined && input.place !== null) bindings["WARMPATH_PLACE"] = input.place;
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

/** The exit code. */
export async function serveMain(args: readonly string[]): Promise<number> {
  const options = parseServeArgs(args, userDir);
  if (!options.ok) {
    if (options.error !== undefined) return fail(`${options.error}\n\n${usage}`);
    console.log(usage);
    return 0;
  }
  const bindings = loadBindings(options.value);
  if (!bindings.ok) return fail(bindings.error);
  const state = takeStateDir(options.value.stateDir);
  if (!state.ok) return fail(state.error);
  try {
    return await serve(options.value, bindings.value, state.value);
  } catch (error) {
    if (!(error instanceof WorkerdStartError)) throw error;
    const taken = `port ${options.value.port} is taken: choose another with --port, or any free one with --port 0`;
    return fail(error.reason === "port_taken" ? taken : error.message);
  } finally {
    state.value.release();
  }
}

async function serve(
  options: ServeOptions,
  bindings: Readonly<Record<string, string>>,
  state: StateDir,
): Promise<number> {
  scrub(state);
  const host = await startStateHost(state);
  try {
    return await serveUntilEnd(options, await startBundled(options, bindings, host));
  } finally {
    host.close();
    scrub(state);
  }
}

async function serveUntilEnd(options: ServeOptions, workerd: Workerd): Promise<number> {
  console.log(`warmpath listens on ${workerd.url}`);
  if (options.adminListen !== null) {
    const address = options.adminListen.replace(/:\d+$/, `:${workerd.operatorsPort ?? 0}`);
    console.log(`  operators come in at http://${address}`);
  }
  console.log(`  config ${relative(userDir, options.configPath)}, state ${relative(userDir, options.stateDir)}`);
  console.log("  Ctrl-C stops it");
  void tellEndpoints(workerd);
  return runUntilEnd(workerd, options.drainMs);
}

/** It holds nothing up: an endpoint that is not there yet is looked at again and again. */
async function tellEndpoints({ keeper }: Workerd): Promise<void> {
  const answer = await askRouter(keeper ?? "", "/look", 0);
  if (answer !== null) console.log(endpointTable(JSON.parse(answer) as readonly EndpointSeen[]));
}

function scrub(state: StateDir): void {
  for (const file of state.scrub())
    console.warn(`warning: ${file} still has what was deleted: it could not be rewritten`);
}

/** By the time it resolves, workerd has read the bundle. */
async function startBundled(
  options: ServeOptions,
  bindings: Readonly<Record<string, string>>,
  stateHost: StateHost,
): Promise<Workerd> {
  const bundleDir = mkdtempSync(join(tmpdir(), "warmpath-bundle-"));
  try {
    const bundlePath = join(bundleDir, "worker.js");
    console.log(sizeReport(await buildWorker({ outfile: bundlePath })).line);
    // Beside it, where workerd's start looks for it.
    await buildDashboard(join(bundleDir, "dashboard"));
    const { port, host, stateDir, adminListen } = options;
    return await startWorkerd({
      bundlePath,
      bindings,
      stateDir,
      port,
      host,
      keeperEntrypoint: "Keeper",
      ...(adminListen === null ? {} : { operatorsListen: adminListen }),
      services: { STATE_HOST: stateHost.socket },
      verbose: true,
    });
  } finally {
    rmSync(bundleDir, { recursive: true, force: true });
    // The bundler is a process too, and there is nothing more to bundle.
    await stopEsbuild();
  }
}

function loadBindings(options: ServeOptions): Result<Readonly<Record<string, string>>, string> {
  const name = relative(userDir, options.configPath);
  const read = readConfigFile(options.configPath, name, "choose the config with --config");
  if (!read.ok) return read;
  const { text: configText, config } = read.value;
  for (const warning of configWarnings(config)) console.warn(`warning: ${name}: ${warning}`);
  for (const note of configNotes(configText)) console.warn(`note: ${name}: ${note}`);
  const { place, dev } = options;
  if (place !== null && parsePlace(place, config.regions) === null) {
    const regions = [...config.regions.keys()].join(", ");
    return err(`--place must be lat,lon such as 50.1,8.7 or a region of ${name} (${regions}), not ${place}`);
  }
  const adminApart = options.adminListen !== null;
  if (config.admin.host !== undefined && !adminApart) {
    const what = "admin.host is no boundary here, where a client writes the Host that it likes: use --admin-listen";
    console.warn(`warning: ${name}: ${what}`);
  }
  const bindings = workerBindings({ configText, config, env: process.env, place, adminApart, dev });
  return bindings.ok ? bindings : err(whatToSet(bindings.error));
}

function fail(message: string): number {
  console.error(message);
  return 1;
}

if (import.meta.main) process.exitCode = await serveMain(process.argv.slice(2));
