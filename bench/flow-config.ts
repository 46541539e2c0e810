/** The router's config for the flow benchmark, and what its check service answers (`src/rails/remote/webhook.ts`). */
import { randomBytes } from "node:crypto";
import { CHECKS, SCORE_PATH } from "./flow-workload.ts";
import type { Overlap } from "./flow-workload.ts";

/** More than all users together ask at once: the benchmark measures the path, not admission. */
const CONCURRENCY_PER_WORKER = 4_096;

/** Eight times what a check takes. */
const CHECK_TIMEOUT_MS = 2_000;

const CHECK_SECRET = "FLOW_CHECK_SECRET";

export type FlowSetup = {
  /** Of the check service and of the model, without a slash at the end. */
  readonly mocksUrl: string;
  readonly overlap: Overlap;
  /** False: no external rail, so that what the rest costs can be told apart. */
  readonly hasChecks: boolean;
};

/** What the router is started with. */
export function flowBindings(setup: FlowSetup): Readonly<Record<string, string>> {
  return {
    WARMPATH_CONFIG: JSON.stringify(flowConfig(setup)),
    WARMPATH_KEY_PEPPER: randomBytes(24).toString("base64"),
    [CHECK_SECRET]: `whsec_${randomBytes(32).toString("base64")}`,
  };
}

/** As a file would have it. */
export function flowConfig({ mocksUrl, overlap, hasChecks }: FlowSetup) {
  const checks = CHECKS.map((name) => ({
    use: "webhook",
    name,
    action: "block",
    timeoutMs: CHECK_TIMEOUT_MS,
    options: { url: `${mocksUrl}/${name}`, secret: CHECK_SECRET },
  }));
  const endpoint = {
    id: "mock",
    region: "here",
    backend: "openai",
    url: mocksUrl,
    concurrencyPerWorker: CONCURRENCY_PER_WORKER,
  };
  return {
    regions: { here: { lat: 50.1, lon: 8.7, hint: "weur" } },
    // The load generator of that benchmark sends no key.
    routes: [{ path: SCORE_PATH, pool: "flow", upstreamPath: SCORE_PATH, openTo: "bench" }],
    pools: {
      flow: {
        endpoints: [endpoint],
        // The two are the default.
        rails: { input: ["size", "secrets", ...(hasChecks ? checks : [])], overlap },
      },
    },
  };
}

/** From a check that has found nothing. */
export function checkAnswer(): string {
  return JSON.stringify({ verdict: "allow" });
}
