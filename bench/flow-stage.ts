/** Starts what the flow benchmark needs: the mocks and the router, a process each. Nothing is pinned to a core. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startWorkerd } from "../tools/cli/workerd.ts";
import type { Workerd } from "../tools/cli/workerd.ts";
import { flowBindings } from "./flow-config.ts";
import type { FlowSetup } from "./flow-config.ts";
import { TAKE } from "./flow-mocks.ts";
import type { MockCounts } from "./flow-mocks.ts";
import { openClient } from "./flow-client.ts";
import { isScoreAnswer, SCORE_PATH, scoreRequest } from "./flow-workload.ts";

/** A first answer that takes longer means a wrong setup, ms: the router probes the endpoint before it trusts it. */
const FIRST_ANSWER_MS_MAX = 15_000;

const RETRY_MS = 50;

export type Mocks = {
  readonly port: number;
  readonly pid: number;
  /** What was answered since it was last asked. */
  take(): Promise<MockCounts>;
  close(): void;
};

export async function startMocks(): Promise<Mocks> {
  const child = fork(join(import.meta.dirname, "flow-mocks.ts"), { execArgv: [] });
  const started = new AbortController();
  child.once("exit", (code) => started.abort(new Error(`the mocks ended at their start (${code})`)));
  const [message] = (await once(child, "message", { signal: started.signal })) as [{ port: number }];
  return {
    port: message.port,
    pid: child.pid ?? 0,
    async take() {
      child.send(TAKE);
      const [counts] = (await once(child, "message")) as [MockCounts];
      return counts;
    },
    close: () => child.kill("SIGKILL"),
  };
}

export type FlowStage = { readonly workerd: Workerd; readonly request: Buffer };

/** Resolves once the router has answered a question. */
export async function startFlow(bundlePath: string, setup: FlowSetup): Promise<FlowStage> {
  const workerd = await startWorkerd({ bundlePath, bindings: flowBindings(setup) });
  const request = scoreRequest(SCORE_PATH);
  const client = openClient({ port: workerd.port, request, isGood: isScoreAnswer });
  const giveUpAtMs = performance.now() + FIRST_ANSWER_MS_MAX;
  try {
    for (;;) {
      const { problem } = await client.ask();
      if (problem === null) return { workerd, request };
      if (performance.now() > giveUpAtMs) throw new Error(`the router answers: ${problem}\n${workerd.output()}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  } catch (error) {
    await workerd.kill();
    throw error;
  } finally {
    client.close();
  }
}
