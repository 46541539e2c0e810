/**
 * Every process of one demo: started here, and gone with it, however it ends.
 *
 * Three ways out. `stop` is the orderly one. `killNow` is synchronous, for the `exit` event: a crash, a second Ctrl-C.
 * After SIGKILL nothing of ours runs, but what connects us closes: GPU simulators end with their stdin
 * (`demo-leash.ts`), the router's host with its channel (`demo-host.ts`). Only processes that were started
 * here are ever signalled, by pid.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RouterNews, RouterOrder } from "./demo-host.ts";
import type { ArrivalLine } from "./demo-tap.ts";

/** Enough for a loaded two-core machine to start one Node process; past it something is wrong, ms. */
const ENDPOINT_START_MS_MAX = 20_000;

/** Last characters of a GPU simulator's complaints, to explain a failed start. */
const COMPLAINT_CHARS_MAX = 2_000;

const hostPath = join(import.meta.dirname, "demo-host.ts");
const preloads = ["./demo-leash.ts", "./demo-tap.ts"].flatMap((file) => [
  "--import",
  new URL(file, import.meta.url).href,
]);
const simulatorPath = join(import.meta.dirname, "../../backends/gpu-simulator/main.ts");

/** A running GPU simulator. */
export type EndpointProcess = {
  readonly pid: number;
  readonly port: number;
  /** No slash at the end. */
  readonly url: string;
  /** Until it has ended, whoever ended it. */
  isRunning(): boolean;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
};

export type Router = {
  /** No slash at the end. */
  readonly url: string;
  readonly bundledInMs: number;
  /** Rejects when the router ends by itself, with what it printed; else never settles. */
  readonly ended: Promise<never>;
};

export type Crew = {
  /** Rejects when the port is taken, or the flags are wrong. `onArrival`: a request for work came in, with this id. */
  startEndpoint(
    port: number,
    flags: readonly string[],
    onArrival: (requestId: string) => void,
  ): Promise<EndpointProcess>;
  /** Once. Rejects with a sentence for a person. */
  startRouter(order: RouterOrder): Promise<Router>;
  /** Ends every process; when it resolves, processes and files are gone. Nothing can be started from then on. */
  stop(): Promise<void>;
  killNow(): void;
};

/** Starts the router's host, which begins to bundle. */
export function createCrew(): Crew {
  const endpoints = new Set<ChildProcess>();
  // A group of its own, as each endpoint: Ctrl-C in the terminal is for the demo, which then ends the others in order.
  const host = fork(hostPath, { detached: true, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const hostExited = exitOf(host);
  const killEndpoints = (): void => {
    for (const child of endpoints) child.kill("SIGKILL");
  };
  let stopping = false;
  return {
    async startEndpoint(port, flags, onArrival) {
      if (stopping) throw new Error("the demo is stopping");
      const args = [...preloads, simulatorPath, "--port", String(port), ...flags];
      const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
      endpoints.add(child);
      const exited = exitOf(child).then(() => void endpoints.delete(child));
      const url = await listeningUrl(child, exited, onArrival);
      const kill = async (): Promise<void> => {
        child.kill("SIGKILL");
        await exited;
      };
      const isRunning = (): boolean => endpoints.has(child);
      return { pid: child.pid ?? 0, port: Number(new URL(url).port), url, isRunning, kill };
    },
    startRouter: async (order) => startRouter(host, hostExited, order),
    async stop() {
      stopping = true;
      killEndpoints();
      if (host.connected) host.disconnect();
      await Promise.all([hostExited, ...[...endpoints].map(exitOf)]);
    },
    killNow: killEndpoints,
  };
}

function startRouter(host: ChildProcess, hostExited: Promise<void>, order: RouterOrder): Promise<Router> {
  const listening = Promise.withResolvers<Router>();
  const ended = Promise.withResolvers<never>();
  // Who only starts the router need not listen for its end.
  ended.promise.catch(() => undefined);
  const fail = (message: string): void => {
    listening.reject(new Error(message));
    ended.reject(new Error(message));
  };
  host.on("message", (news: RouterNews) => {
    if (news.kind === "listening") listening.resolve({ ...news, ended: ended.promise });
    else fail(news.kind === "failed" ? news.message : `the router ended by itself\n${news.output}`.trim());
  });
  void hostExited.then(() => fail("the router's host ended by itself"));
  if (host.connected) host.send(order);
  return listening.promise;
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((settle) => {
    if (child.exitCode !== null || child.signalCode !== null) settle();
    child.once("exit", () => settle());
    child.once("error", () => settle());
  });
}

/** The simulator's first line says where it listens; all others are arrivals. */
async function listeningUrl(
  child: ChildProcess,
  exited: Promise<void>,
  onArrival: (requestId: string) => void,
): Promise<string> {
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-COMPLAINT_CHARS_MAX);
  });
  const listening = Promise.withResolvers<string>();
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const told = readLine(line);
      if ("arrived" in told) onArrival(told.arrived);
      if ("listening" in told) listening.resolve(told.listening);
    });
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), ENDPOINT_START_MS_MAX);
  try {
    const url = await Promise.race([listening.promise, exited.then(() => null)]);
    if (url === null) throw new Error(`a GPU simulator did not start: ${complaint.trim() || "no reason given"}`);
    return url;
  } finally {
    clearTimeout(timer);
  }
}

/** Nothing, where a process was killed in the middle of its line. */
function readLine(line: string): { readonly listening: string } | ArrivalLine | object {
  try {
    return JSON.parse(line) as { readonly listening: string } | ArrivalLine;
  } catch {
    return {};
  }
}
