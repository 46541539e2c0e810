/**
 * The command line: one GPU endpoint until SIGTERM or SIGINT. The first line on stdout is JSON and says
 * where it listens, so that a launcher waits for a line and not for a time. Exit codes: 0 stopped, 1
 * could not listen, 2 wrong flags.
 */
import { parseCommand } from "./flags.ts";
import type { GpuSimulatorOptions } from "./options.ts";
import { startGpuSimulator } from "./server.ts";

async function run(options: GpuSimulatorOptions): Promise<void> {
  try {
    const simulator = await startGpuSimulator(options);
    const stop = (): void => void simulator.close().then(() => process.exit(0));
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
    console.log(JSON.stringify({ listening: simulator.url }));
  } catch (error) {
    console.error(
      `cannot listen on ${options.host}:${options.port}: ${error instanceof Error ? error.message : error}`,
    );
    console.error("hint: choose another --port, or 0 for any free one");
    process.exitCode = 1;
  }
}

const command = parseCommand(process.argv.slice(2));
if (!command.ok) {
  console.error(command.error.message);
  console.error(`hint: ${command.error.hint}`);
  process.exitCode = 2;
} else if (command.value.kind === "help") {
  console.log(command.value.text);
} else {
  await run(command.value.options);
}
