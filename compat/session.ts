/** One client's program, asked order by order; and the examples, each a program that runs to its end. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import type { Client, Home } from "./clients.ts";
import type { Answer, Order } from "./features.ts";

const here = import.meta.dirname;

/** Fifty commands of Python, one after the other, on a slow machine. */
const ORDER_MS_MAX = 240_000;
const EXAMPLE_MS_MAX = 60_000;
const OUTPUT_CHARS_MAX = 16_384;

/** Copies of examples, and files of clients; ignored by git. */
export const RUN_FOLDER = join(here, ".run");

export const VENVS: Readonly<Record<Exclude<Home, "node">, string>> = {
  python: join(here, ".venv"),
  "python-llamaindex": join(here, ".venv-llamaindex"),
  "python-sdk": join(here, ".venv-sdk"),
};

export type Session = {
  readonly version: string;
  /** Functions that its driver has. */
  readonly has: readonly string[];
  order(order: Order): Promise<Answer>;
  close(): void;
};

type At = { readonly url: string; readonly key: string };

export async function openSession({ home, module }: Client, { url, key }: At): Promise<Session> {
  mkdirSync(RUN_FOLDER, { recursive: true });
  const [command, ...args] =
    home === "node" ? ["node", join(here, "js/driver.mjs")] : [pythonOf(home), join(here, "python/driver.py")];
  const child = spawn(command ?? "", [...args, module], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, COMPAT_URL: url, COMPAT_KEY: key, COMPAT_RUN: RUN_FOLDER },
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints = (complaints + text).slice(-OUTPUT_CHARS_MAX);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function next(): Promise<unknown> {
    const limit = setTimeout(() => child.kill("SIGKILL"), ORDER_MS_MAX);
    const { value, done } = await lines.next();
    clearTimeout(limit);
    if (done === true) throw new Error(`${module} ended, or took over ${ORDER_MS_MAX} ms:\n${complaints}`);
    return JSON.parse(String(value));
  }
  const { version, has } = (await next()) as Pick<Session, "version" | "has">;
  return {
    version,
    has,
    async order(order) {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return (await next()) as Answer;
    },
    close: () => void child.kill("SIGKILL"),
  };
}

const pythonOf = (home: Exclude<Home, "node">): string => join(VENVS[home], "bin/python");

/**
 * Runs a file of `examples/` and gives back what it printed. One for Node is copied first: Node looks for packages
 * beside the file, and those lie here.
 */
export async function runExample({ home, example = "", module }: Client, { url, key }: At): Promise<string> {
  const file = join(here, "../examples", example);
  const copy = join(RUN_FOLDER, basename(file));
  mkdirSync(RUN_FOLDER, { recursive: true });
  copyFileSync(file, copy);
  const command = home === "node" ? "node" : file.endsWith(".sh") ? "sh" : pythonOf(home);
  const bin = home === "node" ? [] : [join(VENVS[home], "bin")];
  const child = spawn(command, [copy, module], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: EXAMPLE_MS_MAX,
    env: {
      ...process.env,
      PATH: [...bin, process.env["PATH"] ?? ""].join(delimiter),
      WARMPATH_URL: url,
      WARMPATH_KEY: key,
      WARMPATH_MODEL: "scripted",
      LLM_USER_PATH: join(RUN_FOLDER, "llm"),
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARS_MAX);
    });
  }
  const code = await new Promise((settle) => child.once("close", settle));
  if (code !== 0) throw new Error(`${example} ended with ${String(code)}:\n${output}`);
  return output;
}
