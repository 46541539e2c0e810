/** What the tests of the GPU simulator share: start one, talk to it, have it closed after each test. */
import { afterEach } from "vitest";
import type { GpuSimulatorOptions } from "../../backends/gpu-simulator/options.ts";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";

const HOUR_MS = 3_600_000;
/** An engine whose first step never ends within a test. */
export const STUCK = { ...ENGINE_PRESETS.fast, stepBaseMs: HOUR_MS };

const started: GpuSimulator[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((simulator) => simulator.close()));
});

export async function start(options: Partial<GpuSimulatorOptions> = {}): Promise<GpuSimulator> {
  const simulator = await startGpuSimulator({ engine: ENGINE_PRESETS.fast, coldStartMs: HOUR_MS, ...options });
  started.push(simulator);
  return simulator;
}

type Post = { readonly headers?: Record<string, string>; readonly signal?: AbortSignal };

export const post = (
  simulator: GpuSimulator,
  path: string,
  body: unknown,
  { headers = {}, signal }: Post = {},
): Promise<Response> =>
  fetch(simulator.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

const chatBody = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  model: "sim-model",
  messages: [{ role: "user", content: "Where is the path?" }],
  max_tokens: 5,
  ...changes,
});

export const chat = (
  simulator: GpuSimulator,
  changes: Record<string, unknown> = {},
  extra: Post = {},
): Promise<Response> => post(simulator, "/v1/chat/completions", chatBody(changes), extra);

/** Bodies are checked by their assertions, so their type is left open. */
export const jsonOf = async (response: Response | Promise<Response>) => JSON.parse(await (await response).text());

export const eventsOf = (text: string): string[] => text.split("\n\n").filter((part) => part !== "");
