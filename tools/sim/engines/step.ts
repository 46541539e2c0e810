/**
 * The step model of an endpoint: continuous batching by `backends/gpu-engine/engine-model.ts`, one engine per endpoint.
 *
 * Model. The endpoint's slots are the engine's batch limit and its speed divides every step. Each engine has one event
 * in the queue; a change makes a newer one, and a version number lets the older pass.
 */
import {
  advance,
  cancel,
  createEngine,
  load,
  matchedTokens,
  nextEventMs,
  setSlowdown,
  submit,
} from "../../../backends/gpu-engine/engine-model.ts";
import type { Engine, EngineParams, EngineRequest } from "../../../backends/gpu-engine/engine-types.ts";
import { STAGE } from "../attempts.ts";
import type { EndpointSetup } from "../scenario.ts";
import { promptBlocks } from "../workload.ts";
import type { EngineHost, Engines } from "./port.ts";

type Server = {
  engine: Engine;
  /** Batch limit and KV of this endpoint. */
  readonly params: EngineParams;
  readonly speed: number;
  slowdown: number;
  version: number;
};

export class StepEngines implements Engines {
  readonly #host: EngineHost;
  readonly #servers: readonly Server[];

  constructor(host: EngineHost, endpoints: readonly EndpointSetup[], { params }: { params: EngineParams }) {
    this.#host = host;
    this.#servers = endpoints.map(({ slots, speed }) => {
      const own = { ...params, maxNumSeqs: slots };
      const server = { engine: createEngine(own), params: own, speed, slowdown: 1, version: 0 };
      this.#restart(server);
      return server;
    });
  }

  submit(endpoint: number, attempt: number): void {
    const server = this.#servers[endpoint];
    if (server === undefined) return;
    this.#advance(server);
    this.#host.attempts.stage[attempt] = STAGE.waiting;
    const admission = submit(server.engine, this.requestFor(attempt), this.#host.nowMs);
    if (admission === "rejected") this.#host.refused(attempt);
    this.#after(endpoint, server);
  }

  wake(endpoint: number, version: number): void {
    const server = this.#servers[endpoint];
    if (server === undefined || server.version !== version) return;
    this.#advance(server);
    this.#after(endpoint, server);
  }

  cancel(endpoint: number, attempt: number): void {
    const server = this.#servers[endpoint];
    if (server === undefined) return;
    this.#advance(server);
    if (cancel(server.engine, String(attempt), this.#host.nowMs)) this.#host.attempts.stage[attempt] = STAGE.gone;
    this.#after(endpoint, server);
  }

  crash(endpoint: number): void {
    const server = this.#servers[endpoint];
    if (server === undefined) return;
    this.#restart(server);
    this.#after(endpoint, server);
  }

  setSlowdown(endpoint: number, factor: number): void {
    const server = this.#servers[endpoint];
    if (server === undefined) return;
    this.#advance(server);
    server.slowdown = factor;
    setSlowdown(server.engine, factor / server.speed, this.#host.nowMs);
    this.#after(endpoint, server);
  }

  matchedTokens(endpoint: number, request: number): number {
    const server = this.#servers[endpoint];
    return server === undefined ? 0 : matchedTokens(server.engine, promptBlocks(this.#host.requests, request));
  }

  /** The engine of an endpoint, advanced to now: for bounds that look ahead in a copy. */
  engineAt(endpoint: number): Engine | undefined {
    const server = this.#servers[endpoint];
    if (server !== undefined) this.#advance(server);
    return server?.engine;
  }

  /** What the endpoint is asked to do for an attempt. */
  requestFor(attempt: number): EngineRequest {
    const { attempts, requests } = this.#host;
    const request = attempts.requestOf(attempt);
    return {
      id: String(attempt),
      promptTokens: requests.promptTokens[request] ?? 0,
      blocks: promptBlocks(requests, request),
      outputTokens: requests.outputTokens[request] ?? 1,
    };
  }

  #restart(server: Server): void {
    server.engine = createEngine(server.params, { detail: "edges" });
    setSlowdown(server.engine, server.slowdown / server.speed, this.#host.nowMs);
  }

  #advance(server: Server): void {
    const { attempts, nowMs } = this.#host;
    for (const { kind, id, atMs, admittedAtMs, cachedTokens } of advance(server.engine, nowMs)) {
      const attempt = Number(id);
      attempts.stage[attempt] = STAGE.running;
      attempts.startedMs[attempt] = admittedAtMs;
      attempts.cachedTokens[attempt] = cachedTokens;
      if (kind === "first_token") this.#host.firstToken(attempt, atMs);
      if (kind === "done") this.#host.finished(attempt);
    }
  }

  /** Shows the endpoint's load and asks for its next event. */
  #after(endpoint: number, server: Server): void {
    const { fleet } = this.#host;
    const { running, waiting } = load(server.engine);
    fleet.add("running", endpoint, running - (fleet.running[endpoint] ?? 0));
    fleet.add("waiting", endpoint, waiting - (fleet.waiting[endpoint] ?? 0));
    server.version += 1;
    const nextMs = nextEventMs(server.engine);
    if (nextMs !== null) this.#host.wakeAt(nextMs, endpoint, server.version);
  }
}
