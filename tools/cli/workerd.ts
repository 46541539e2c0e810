/**
 * Launches raw workerd for one Worker: for `npm run serve`, and for the tests and benchmarks that need the real
 * runtime, with a real client disconnect, a real kill, and no proxy in front (`wrangler dev` sends every request
 * through one Durable Object and tops out near 300 requests/s).
 *
 * Readiness is an event: workerd reports its port on a control descriptor. The config folder, which holds the
 * secrets' values, is deleted as soon as workerd has read it. A child never outlives its parent (`guard.ts`).
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Exit, type Guarded, runGuarded } from "./guard.ts";
import { createLineFilter } from "./workerd-lines.ts";
import { moduleFileName, PART, workerdConfigText } from "./workerd-config.ts";
import { type DurableObjectBinding, readPlatformConfig } from "./wrangler-config.ts";

/** Enough for a loaded two-core machine to start workerd; past it something is wrong, ms. */
export const WORKERD_START_MS_MAX = 30_000;

/** Time that open streams get to end after SIGTERM before SIGKILL, ms. A Ctrl-C should not feel stuck. */
export const WORKERD_STOP_MS_MAX = 3_000;

/** Last characters of workerd's output that are kept to explain a failure. */
export const WORKERD_OUTPUT_CHARS_MAX = 32_768;

const configFileName = "config.capnp";

export type WorkerdOptions = ({ readonly bundlePath: string } | { readonly script: string }) & {
  /**
   * The one Durable Object class, bound under its name in capitals (`PoolShard` as `POOL_SHARD`). Default: for a bundle
   * every binding of `wrangler.toml`, for a script none.
   */
  readonly className?: string;
  /** Text bindings: variables and secrets alike. */
  readonly bindings?: Readonly<Record<string, string>>;
  /**
   * Folder for the objects' SQLite files, made when missing. null (default): a temporary one, gone with the process.
   */
  readonly stateDir?: string | null;
  /** 0 (default) takes any free port; the handle tells which. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /**
   * Name of the Worker's entrypoint that is served on a Unix socket for this process alone (`keeper`). Default: none.
   */
  readonly keeperEntrypoint?: string;
  /** Further isolates of the same Worker, which share the first one's objects: each on a Unix socket. Default: none. */
  readonly siblings?: number;
  /** `host:port` of the operators' own door; port 0 takes any free one. Default: none. */
  readonly operatorsListen?: string;
  /** Services on Unix sockets that are bound, by the binding's name. Default: none. */
  readonly services?: Readonly<Record<string, string>>;
  /** Opens V8's inspector on a free port of this machine: whoever reaches it can run code. Default false. */
  readonly inspect?: boolean;
  /** Copies workerd's output, which carries the Worker's console, to stderr. Default false. */
  readonly verbose?: boolean;
};

export type WorkerdExit = Exit;

export type Workerd = {
  /** No slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<WorkerdExit>;
  /** Path of the keeper's socket; null or absent without one. */
  readonly keeper?: string | null;
  /** Paths of the siblings' sockets; absent: there are none. */
  readonly siblings?: readonly string[];
  /** Port of the operators' door; null or absent without one. */
  readonly operatorsPort?: number | null;
  /** Port of the inspector; null or absent without one. */
  readonly inspectorPort?: number | null;
  /** The end of what workerd and the Worker printed. */
  output(): string;
  /** SIGTERM, then SIGKILL after `WORKERD_STOP_MS_MAX`. Resolves when the process is gone; may be called twice. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash: nothing is flushed. Resolves when the process is gone. */
  kill(): Promise<void>;
};

export class WorkerdStartError extends Error {
  readonly reason: "port_taken" | "failed" | "timeout";

  constructor(reason: WorkerdStartError["reason"], message: string) {
    super(message);
    this.name = "WorkerdStartError";
    this.reason = reason;
  }
}

/** Rejects with `WorkerdStartError`; by then no process and no config folder is left. */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  const { host = "127.0.0.1", port = 0 } = options;
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), `warmpath-state-${process.pid}-`));
  // mkdtemp makes folders that are readable by this user only.
  const runDir = mkdtempSync(join(tmpdir(), "warmpath-run-"));
  const configDir = join(runDir, "config");
  const keeper = options.keeperEntrypoint === undefined ? null : join(runDir, "keeper.sock");
  const siblings = Array.from({ length: options.siblings ?? 0 }, (_, index) => join(runDir, `sibling-${index}.sock`));
  const cleanUp = () => {
    if (stateDir !== options.stateDir) rmSync(stateDir, { recursive: true, force: true });
    rmSync(runDir, { recursive: true, force: true });
  };
  try {
    const assetsDir = copyAssets(runDir, options);
    const address = `${bracketed(host)}:${port}`;
    writeConfig(configDir, { ...options, stateDir, address, keeper, assetsDir, sockets: siblings });
    // `--experimental` is what on-disk Durable Object storage asks for.
    const inspector = options.inspect === true ? ["--inspector-addr=127.0.0.1:0"] : [];
    const args = ["serve", "--experimental", "--control-fd=3", ...inspector, join(configDir, configFileName)];
    const child = runGuarded(workerdPath(), args, runDir);
    const output = captureOutput(child);
    const exited = child.exited.finally(cleanUp);
    killWithParent(child, exited, cleanUp);
    const { port: realPort, operatorsPort, inspectorPort } = await listening(child, exited, output);
    if (options.verbose === true) forwardOutput(child);
    return {
      url: `http://${callableHost(host)}:${realPort}`,
      port: realPort,
      pid: await child.pid,
      exited,
      keeper,
      siblings,
      operatorsPort,
      inspectorPort,
      output,
      stop: () => stopChild(child, exited),
      kill: async () => {
        child.kill("SIGKILL");
        await exited;
      },
    };
  } catch (error) {
    cleanUp();
    throw error;
  } finally {
    rmSync(configDir, { recursive: true, force: true });
  }
}

type Written = WorkerdOptions & {
  readonly stateDir: string;
  readonly address: string;
  readonly keeper: string | null;
  readonly assetsDir: string | null;
  readonly sockets: readonly string[];
};

function writeConfig(dir: string, options: Written) {
  mkdirSync(dir);
  const platform = readPlatformConfig();
  const stateDir = resolve(options.stateDir);
  mkdirSync(stateDir, { recursive: true });
  const config = workerdConfigText({
    parts: copyModules(dir, options),
    address: options.address,
    compatibilityDate: platform.compatibilityDate,
    compatibilityFlags: platform.compatibilityFlags,
    durableObjects: durableObjectsFor(options, platform.durableObjects),
    stateDir,
    assetsDir: options.assetsDir,
    bindings: options.bindings ?? {},
    siblings: options.sockets.map((path) => `unix:${path}`),
    operators:
      options.operatorsListen === undefined ? null : { address: options.operatorsListen, entrypoint: "Operators" },
    services: Object.fromEntries(Object.entries(options.services ?? {}).map(([name, path]) => [name, `unix:${path}`])),
    keeper:
      options.keeper === null
        ? null
        : { address: `unix:${options.keeper}`, entrypoint: options.keeperEntrypoint ?? "" },
  });
  writeFileSync(join(dir, configFileName), config);
}

/** Puts the Worker's modules into `dir`; returns the names of those beside the entry. */
function copyModules(dir: string, options: WorkerdOptions): readonly string[] {
  const modulePath = join(dir, moduleFileName);
  if ("script" in options) {
    writeFileSync(modulePath, options.script);
    return [];
  }
  const { bundlePath } = options;
  if (!existsSync(bundlePath)) {
    throw new WorkerdStartError("failed", `${bundlePath} is missing: run "npm run build" first`);
  }
  copyFileSync(bundlePath, modulePath);
  const from = dirname(bundlePath);
  const parts = readdirSync(from).filter((name) => PART.test(name));
  for (const part of parts) copyFileSync(join(from, part), join(dir, part));
  return parts;
}

/** The dashboard that was built beside the bundle, for as long as the process lives; null: none was. */
function copyAssets(runDir: string, options: WorkerdOptions): string | null {
  if ("script" in options) return null;
  const built = join(dirname(options.bundlePath), "dashboard");
  if (!existsSync(built)) return null;
  const dir = join(runDir, "assets");
  cpSync(built, dir, { recursive: true });
  return dir;
}

function durableObjectsFor(
  options: WorkerdOptions,
  declared: readonly DurableObjectBinding[],
): readonly DurableObjectBinding[] {
  const { className } = options;
  if (className === undefined) return "script" in options ? [] : declared;
  return [{ className, name: className.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase() }];
}

/** The binary itself and not its launcher, which could be killed and leave it behind. */
function workerdPath(): string {
  const { default: path } = createRequire(import.meta.url)("workerd") as { readonly default: string };
  return path;
}

function captureOutput(child: Guarded): () => string {
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      tail = (tail + text).slice(-WORKERD_OUTPUT_CHARS_MAX);
    });
  }
  return () => tail;
}

/** Only once it listens: what came before is part of the error when it does not. */
function forwardOutput(child: Guarded): void {
  for (const stream of [child.stdout, child.stderr]) {
    const lines = createLineFilter();
    stream?.on("data", (text: string) => process.stderr.write(lines.push(text, Date.now())));
    stream?.on("end", () => process.stderr.write(lines.end()));
  }
}

type Ports = {
  readonly port: number;
  readonly operatorsPort: number | null;
  readonly inspectorPort: number | null;
};

async function listening(child: Guarded, exited: Promise<WorkerdExit>, output: () => string): Promise<Ports> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeout.reject(new WorkerdStartError("timeout", `workerd did not listen in ${WORKERD_START_MS_MAX} ms`));
  }, WORKERD_START_MS_MAX);
  try {
    return await Promise.race([reportedPorts(child), exitedEarly(child, exited, output), timeout.promise]);
  } catch (error) {
    child.kill("SIGKILL");
    await exited;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Each control message is one line, such as `{"event":"listen","socket":"http","port":8787}`; that of the public door is
 * the last.
 */
function reportedPorts(child: Guarded): Promise<Ports> {
  const { control } = child;
  return new Promise((settle) => {
    let buffered = "";
    let operatorsPort: number | null = null;
    let inspectorPort: number | null = null;
    control?.on("data", (chunk: Buffer) => {
      buffered += chunk.toString("utf8");
      for (const line of buffered.split("\n").slice(0, -1)) {
        const { event, socket, port } = JSON.parse(line) as { event?: string; socket?: string; port?: number };
        if (event === "listen-inspector") inspectorPort = port ?? null;
        if (socket === "operators") operatorsPort = port ?? null;
        if (socket === "http" && port !== undefined) settle({ port, operatorsPort, inspectorPort });
      }
      buffered = buffered.slice(buffered.lastIndexOf("\n") + 1);
    });
  });
}

async function exitedEarly(child: Guarded, exited: Promise<WorkerdExit>, output: () => string): Promise<never> {
  const { code, signal } = await exited;
  // The last words may arrive after the exit.
  if ((await child.pid) !== 0) await child.closed;
  const reason = /already in use/i.test(output()) ? "port_taken" : "failed";
  throw new WorkerdStartError(reason, `workerd ended before it listened (${signal ?? code}):\n${output().trim()}`);
}

async function stopChild(child: Guarded, exited: Promise<WorkerdExit>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), WORKERD_STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}

/** Each running child with what its temporary state needs. */
const children = new Map<Guarded, () => void>();
const fatalSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function killWithParent(child: Guarded, exited: Promise<WorkerdExit>, cleanUp: () => void): void {
  if (children.size === 0) {
    process.on("exit", killAll);
    for (const signal of fatalSignals) process.on(signal, onSignal);
  }
  children.set(child, cleanUp);
  void exited.then(() => {
    children.delete(child);
    if (children.size > 0) return;
    process.off("exit", killAll);
    for (const signal of fatalSignals) process.off(signal, onSignal);
  });
}

function killAll(): void {
  for (const [child, cleanUp] of children) {
    child.kill("SIGKILL");
    cleanUp();
  }
}

/** A listener switches off the signal's default, so end here, unless somebody else listens and so decides. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  killAll();
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}

/** A wildcard address is one to listen on, not one to call. */
function callableHost(host: string): string {
  if (host === "0.0.0.0" || host === "*") return "127.0.0.1";
  return bracketed(host === "::" ? "::1" : host);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
