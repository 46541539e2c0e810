/** What is tried of single clients beyond the matrix: programs that also run by themselves. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Cell } from "./results.ts";
import { VENVS } from "./session.ts";

const folder = join(import.meta.dirname, "../test/compat");
const CHECK_MS_MAX = 240_000;
const WHY_CHARS_MAX = 300;

export const MORE: Readonly<Record<string, string>> = {
  "runpod, Python: a stock GPU worker and its client, eleven steps": "runpod-python.ts",
  "openai, Python: reads limits, waits as told at a limit, does not repeat what is final": "limits-python.ts",
  "openai and anthropic, Python: streams cut at every seventh byte, as an API error each": "cuts-python.ts",
};

export async function runCheck(script: string): Promise<Cell> {
  const child = spawn("node", [join(folder, script)], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: CHECK_MS_MAX,
    env: { ...process.env, WARMPATH_PYTHON: join(VENVS.python, "bin/python") },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-WHY_CHARS_MAX)));
  }
  const code = await new Promise((settle) => child.once("close", settle));
  if (code !== 0) return { result: "fail", why: output };
  // Without their packages these programs say so, and end well.
  return /^skipped|cannot be had/m.test(output) ? { result: "skipped", why: output } : { result: "pass" };
}
