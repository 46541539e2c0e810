/**
 * Adapter for Runpod load-balancing endpoints.
 *
 * Readiness comes from `GET https://api.runpod.ai/v2/{id}/health`: `workers.ready >= 1` means routable, and the call
 * neither wakes a GPU worker nor blocks. `/ping` through the endpoint's own URL (200 ready, 204 initialising) blocks
 * for up to two minutes while no GPU worker exists, so it is probed only where a config says so, and used to wake.
 * Runpod says "no capacity" with a 400 and a 404: both are told from a client's fault by the body.
 * Source: docs/reference/sources.md, Runpod load balancing.
 */
import { classifyStatus } from "./classify.ts";
import type { ProbeResult } from "../src/routing/core/endpoint/endpoint.ts";
import { failedProbe, look } from "./openai.ts";
import type { Backend } from "./port.ts";

export const runpodLbBackend: Backend = {
  kind: "runpod-lb",
  // The id alone is a wish; `strict <id>` would wait for minutes for a GPU worker that is gone.
  workerHeader: "x-runpod-worker-id",
  probe: async (target, egress, signal) => {
    const answer = await look(null, target, egress, signal);
    if (answer.status === 204) return { kind: "warming" };
    if (answer.status !== 200) return failedProbe(answer);
    const workers = workerCounts(answer.body);
    if (workers !== null) return readiness(workers);
    // The plain 200 of a `/ping` says enough; an answer at Runpod's API without counts is not Runpod's.
    return WORKERS_URL.test(target.healthUrl) ? failedProbe(answer) : { kind: "ready", warmWorkers: null };
  },
  wake: async (target, egress, signal) => {
    await look("/ping", target, egress, signal);
  },
  classify: ({ status, bodyStart }) => {
    const saysNoWorker = NO_WORKER.some((phrase) => bodyStart.includes(phrase));
    if (status >= 400 && status < 500 && saysNoWorker) return "capacity";
    // 524: the platform's own processing time-out, 5.5 minutes.
    return classifyStatus(status, bodyStart);
  },
};

const NO_WORKER = ["timed out waiting for worker", "worker_timeout", "no workers available", "affinity_worker_gone"];

const WORKERS_URL = /\/v2\/[^/?#]+\/health(?:[?#]|$)/;

type WorkerCounts = { readonly ready: number; readonly initializing: number };

function readiness({ ready, initializing }: WorkerCounts): ProbeResult {
  if (ready > 0) return { kind: "ready", warmWorkers: ready };
  return initializing > 0 ? { kind: "warming" } : { kind: "cold" };
}

/** `ready` counts idle and running GPU workers; older answers have only those two. */
function workerCounts(body: string): WorkerCounts | null {
  try {
    const { workers } = JSON.parse(body) as { workers?: Record<string, unknown> };
    if (typeof workers !== "object" || workers === null) return null;
    const count = (name: string): number => (typeof workers[name] === "number" ? workers[name] : 0);
    const ready = "ready" in workers ? count("ready") : count("idle") + count("running");
    return { ready, initializing: count("initializing") };
  } catch {
    return null;
  }
}
