/**
 * What the clients are tried at: the built bundle on raw workerd, with simulated GPUs (`main`), one of them alone
 * (`narrow`, where nobody waits and nothing is repeated, so that a client sees a failure), and an engine that says what
 * the question's last word asks for (`scripted`); and the door through which all of them come.
 */
import { ENGINE_PRESETS } from "../backends/gpu-engine/engine-presets.ts";
import { startGpuSimulator } from "../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../backends/gpu-simulator/simulator.ts";
import { startChatEngine } from "../test/support/chat-engine.ts";
import type { ChatEngine } from "../test/support/chat-engine.ts";
import { startFleet } from "../test/support/fleet.ts";
import type { Fleet } from "../test/support/fleet.ts";
import { openDoor } from "./door.ts";
import type { Door } from "./door.ts";

export type Lab = {
  readonly fleet: Fleet;
  readonly door: Door;
  readonly scripted: ChatEngine;
  readonly narrow: GpuSimulator;
  close(): Promise<void>;
};

const engine = ENGINE_PRESETS.fast;

export async function openLab(): Promise<Lab> {
  const scripted = await startChatEngine("scripted");
  const narrow = await startGpuSimulator({ model: "narrow", engine });
  const endpoint = (id: string, url: string) => ({
    id,
    region: "us-east",
    backend: "openai",
    url,
    protocols: ["chat"],
  });
  const fleet = await startFleet({
    model: "main",
    endpoints: [
      { id: "us-a", region: "us-east", simulator: { engine } },
      { id: "us-b", region: "us-east", simulator: { engine } },
    ],
    // A busy machine must not make the router decide alone.
    pool: { patienceMs: 5_000, queueWaitMsMax: 60_000 },
    morePools: {
      scripted: { models: ["scripted"], endpoints: [endpoint("scripted", scripted.url)] },
      narrow: { models: ["narrow"], endpoints: [endpoint("narrow", narrow.url)], queueWaitMsMax: 0, attemptsMax: 1 },
    },
  });
  const door = await openDoor(fleet.router.url);
  return {
    fleet,
    door,
    scripted,
    narrow,
    async close() {
      await door.close();
      await fleet.close();
      await Promise.all([scripted.close(), narrow.close()]);
    },
  };
}
