/** `npm run serve` as an operator runs it: real npm, real signals, a config file and a state folder of its own. */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatKey, keyHmac, toHex } from "../../src/wire/api-keys.ts";

const root = join(import.meta.dirname, "../..");

const PEPPER = "a pepper of the tests, long enough for keys";

export type Served = {
  readonly npm: ChildProcess;
  readonly url: string;
  readonly port: number;
  readonly key: string;
  readonly stateDir: string;
  /** The process that npm started: it alone holds the state folder. */
  readonly nodePid: number;
  /** Everything below npm, itself included. */
  pids(): readonly number[];
  output(): string;
  /** Resolves when the output has this. */
  says(text: string | RegExp): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
};

export type ServePlan = {
  readonly pools: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a new one. */
  readonly stateDir?: string;
};

const running: { child: ChildProcess; dir: string }[] = [];

/** Ends what is left, and removes its folders. */
export async function endServed(): Promise<void> {
  for (const { child, dir } of running.splice(0)) {
    const isOver = child.exitCode !== null || child.signalCode !== null;
    const closed = new Promise((settle) => child.once("close", settle));
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // All of it has gone.
    }
    if (!isOver) await closed;
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function startServe(plan: ServePlan): Promise<Served> {
  const { child, output, says, stateDir, key } = await spawnServe(plan);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((settle) =>
    child.once("exit", (code, signal) => settle({ code, signal })),
  );
  await says("Ctrl-C stops it");
  const url = /listens on (http:\/\/[^\s]+)/.exec(output())?.[1] ?? "";
  const nodePid = Number(readFileSync(join(stateDir, "serve.pid"), "utf8"));
  const pids = () => below(child.pid ?? 0);
  return { npm: child, url, port: Number(new URL(url).port), key, stateDir, nodePid, pids, output, says, ended };
}

/** One that is not expected to serve: its output when it has ended. */
export async function failServe(plan: ServePlan): Promise<string> {
  const { child, output } = await spawnServe(plan);
  await new Promise((settle) => child.once("close", settle));
  return output();
}

async function spawnServe({ pools, config = {}, args = [], env = {}, stateDir: given }: ServePlan) {
  const dir = mkdtempSync(join(tmpdir(), "warmpath-serve-"));
  const stateDir = given ?? join(dir, "state");
  const key = formatKey("tests", new Uint8Array(32).fill(7));
  const keys = [{ id: "tests", tenant: "tests", hmac: toHex(await keyHmac(key, PEPPER)), scopes: ["infer", "admin"] }];
  const regions = { here: { lat: 50.1, lon: 8.7, hint: "weur" }, there: { lat: 39, lon: -77.5, hint: "enam" } };
  writeFileSync(join(dir, "warmpath.jsonc"), JSON.stringify({ regions, keys, pools, ...config }));
  const options = ["--port", "0", "--config", join(dir, "warmpath.jsonc"), "--state", stateDir, ...args];
  const child = spawn("npm", ["run", "serve", "--", ...options], {
    cwd: root,
    env: { ...process.env, WARMPATH_KEY_PEPPER: PEPPER, NO_COLOR: "1", ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push({ child, dir });
  let text = "";
  const waiting: { isThere: () => boolean; settle: () => void; fail: (error: Error) => void }[] = [];
  const look = (isClosed: boolean): void => {
    for (const one of waiting) {
      if (one.isThere()) one.settle();
      else if (isClosed) one.fail(new Error(`serve has ended:\n${text}`));
    }
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      look(false);
    });
  }
  child.once("close", () => look(true));
  const says = async (wanted: string | RegExp): Promise<void> =>
    new Promise((settle, fail) => {
      const isThere = (): boolean => (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text));
      waiting.push({ isThere, settle, fail });
      look(child.exitCode !== null);
    });
  return { child, output: () => text, says, stateDir, key };
}

/** This process and all that came of it, by the table of processes. */
function below(pid: number): readonly number[] {
  const table = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" });
  const rows = table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [pid];
  for (const parent of found)
    for (const [child, of] of rows) if (of === parent && child !== undefined) found.push(child);
  return found;
}

/** Those that still run; what has ended and was not fetched by its parent does not. */
export function alive(pids: readonly number[]): readonly number[] {
  const table = execFileSync("ps", ["-eo", "pid=,stat="], { encoding: "utf8" });
  const living = new Set(
    table
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, stat]) => stat?.startsWith("Z") !== true)
      .map(([pid]) => Number(pid)),
  );
  return pids.filter((pid) => living.has(pid));
}

/** Resolves when none of them runs any more. */
export async function allGone(pids: readonly number[]): Promise<void> {
  while (alive(pids).length > 0) await new Promise((settle) => setTimeout(settle, 20));
}
