/** A simulated GPU endpoint in a process of its own, which can be killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const MAIN = join(import.meta.dirname, "../../backends/gpu-simulator/main.ts");

export type EngineProcess = {
  readonly url: string;
  /** SIGKILL, and the end of the process. */
  kill(): Promise<void>;
};

/** `port`: to be found where one was that is gone. */
export async function startEngineProcess(
  model: string,
  { port = "0", flags = [] }: { readonly port?: string; readonly flags?: readonly string[] } = {},
): Promise<EngineProcess> {
  const child = spawn(process.execPath, [MAIN, "--port", port, "--model", model, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  for await (const line of createInterface({ input: child.stdout })) {
    const { listening } = JSON.parse(line) as { readonly listening: string };
    return {
      url: listening,
      async kill() {
        child.kill("SIGKILL");
        await ended;
      },
    };
  }
  throw new Error("the engine has ended before it listened");
}
