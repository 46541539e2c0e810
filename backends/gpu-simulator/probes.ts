/**
 * Everything that is not work for the GPU: health, load, models, metrics, and Runpod's view of the endpoint.
 *
 * `/ping` answers as Runpod's load balancer expects (200 ready, 204 starting) and, like any request there, wakes a cold
 * endpoint; `/health` and `/v2/{id}/health` only look (docs/reference/sources.md, Runpod load balancing).
 */
import { assertNever } from "../../src/lib/invariant.ts";
import type { EngineLoad } from "../gpu-engine/engine-types.ts";
import type { Exchange } from "./exchange.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { renderMetrics } from "./metrics.ts";
import type { Metrics } from "./metrics.ts";
import { modelList } from "./openai-api.ts";
import { modelNames } from "./options.ts";
import type { GpuSimulatorOptions } from "./options.ts";

export type ProbeRoute = "ping" | "health" | "load" | "version" | "models" | "metrics" | "runpod_health";

export type ProbeContext = {
  readonly options: GpuSimulatorOptions;
  readonly lifecycle: Lifecycle;
  readonly metrics: Metrics;
  readonly load: () => EngineLoad;
};

const ROUTES: Readonly<Record<string, ProbeRoute>> = {
  "/ping": "ping",
  "/health": "health",
  "/load": "load",
  "/version": "version",
  "/v1/models": "models",
  "/metrics": "metrics",
};

export function probeRoute(path: string): ProbeRoute | null {
  if (/^\/v2\/[^/]+\/health$/u.test(path)) return "runpod_health";
  return ROUTES[path] ?? null;
}

export function answerProbe({ reply }: Exchange, route: ProbeRoute, context: ProbeContext): void {
  const { options, lifecycle, metrics, load } = context;
  switch (route) {
    case "ping": {
      const state = lifecycle.state();
      lifecycle.wake();
      if (state === "warm") reply.send(200, {}, "");
      else if (state === "draining") reply.send(503, {}, "");
      // No content-length: a 204 has none.
      else {
        reply.start(204, {});
        reply.end();
      }
      return;
    }
    case "health":
      reply.send(lifecycle.state() === "warm" ? 200 : 503, {}, "");
      return;
    case "load":
      reply.json(200, { server_load: load().running + load().waiting });
      return;
    case "version":
      reply.json(200, { version: "gpu-simulator" });
      return;
    case "models":
      reply.json(200, modelList(options));
      return;
    case "metrics": {
      const text = renderMetrics(metrics, {
        modelName: modelNames(options)[0],
        load: load(),
        hasAdapters: options.loraModules.length > 0,
      });
      reply.send(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }, text);
      return;
    }
    case "runpod_health":
      reply.json(200, runpodHealth(context));
      return;
    default:
      assertNever(route);
  }
}

/** One GPU worker, so every count is 0 or 1; `ready` stays 1 while it is busy. */
function runpodHealth({ lifecycle, metrics, load }: ProbeContext): unknown {
  const { running, waiting } = load();
  const state = lifecycle.state();
  const busy = running + waiting > 0;
  const one = (yes: boolean): number => (yes ? 1 : 0);
  return {
    jobs: {
      completed: metrics.finished.stop + metrics.finished.length,
      failed: metrics.finished.abort,
      inProgress: running,
      inQueue: waiting + lifecycle.waiting(),
      retried: 0,
    },
    workers: {
      idle: one(state === "warm" && !busy),
      initializing: one(state === "warming"),
      ready: one(state === "warm"),
      running: one((state === "warm" || state === "draining") && busy),
      throttled: 0,
      unhealthy: 0,
    },
  };
}
