/**
 * The simulated GPU endpoint as an HTTP server: which fault, then which route, then is it warm.
 *
 * One process is one endpoint with one GPU worker. Work (`/v1` inference, `/echo`, `/raw`) meets faults and waits for a
 * warm endpoint as behind Runpod's load balancer; probes look at it; `/sim` controls it and meets no fault. Rejected: a
 * second port for control, which would make every launcher carry two addresses.
 */
import type { GpuSimulator, SimulatorStats } from "./simulator.ts";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { assertNever } from "../../src/lib/invariant.ts";
import { answerControl } from "./control.ts";
import { createDoor } from "./door.ts";
import type { Door } from "./door.ts";
import { openExchange } from "./exchange.ts";
import type { Exchange } from "./exchange.ts";
import { createFailureDraw, createFaultBoard, faultSchema } from "./faults.ts";
import type { Fault, FaultBoard } from "./faults.ts";
import { createLifecycle } from "./lifecycle.ts";
import { createMetrics } from "./metrics.ts";
import type { Metrics } from "./metrics.ts";
import { openAiRoute } from "./openai-api.ts";
import { imitate } from "./imitations.ts";
import type { Imitated } from "./imitations.ts";
import { GPU_SIMULATOR_DEFAULTS, modelNames } from "./options.ts";
import type { GpuSimulatorOptions } from "./options.ts";
import { createPacer } from "./pacer.ts";
import { answerProbe, probeRoute } from "./probes.ts";
import { doWork, meetFault } from "./work.ts";
import type { WorkContext } from "./work.ts";

/** "Too many", "not now", and Runpod's "no workers" and time-out: nothing of the request was processed. */
const NO_ROOM: ReadonlySet<number> = new Set([400, 429, 503]);
/** Ids kept in each list: enough for a long chaos run, small enough to hold. */
export const DISPATCHED_IDS_MAX = 100_000;
/** An idle connection is kept longer than any client keeps it, so that a reuse never races with our close. */
const KEEP_ALIVE_MS = 75_000;

type Parts = WorkContext & {
  readonly metrics: Metrics;
  readonly faults: FaultBoard;
  readonly door: Door;
  readonly stats: SimulatorStats;
  readonly control: Pick<GpuSimulator, "state" | "setState" | "setFault" | "stats">;
};

/** Listens before it resolves; rejects when the port cannot be had. What `options` leaves out is a default. */
export async function startGpuSimulator(given: Partial<GpuSimulatorOptions> = {}): Promise<GpuSimulator> {
  const options: GpuSimulatorOptions = { ...GPU_SIMULATOR_DEFAULTS, ...given };
  const { host, seed, failureInjectionRate: ratePercent, failureTypes: types } = options;
  const metrics = createMetrics();
  const pacer = createPacer({ params: options.engine, seed, metrics });
  const lifecycle = createLifecycle(options);
  const faults = createFaultBoard();
  const stats = createStats();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
  const door = createDoor(server, host);
  const control: Parts["control"] = {
    stats,
    state: lifecycle.state,
    setState: lifecycle.set,
    setFault: (input) => applyFault(faultSchema.parse(input), parts),
  };
  const failureDraw = createFailureDraw({ ratePercent, types, seed });
  const parts: Parts = { options, metrics, pacer, lifecycle, faults, stats, door, failureDraw, control };

  server.on("request", (req, res) => {
    handle(req, res, parts).catch((error: unknown) => {
      // A bug of the simulator: a test must see it and not a plausible answer.
      console.error("gpu-simulator bug", error);
      res.destroy();
    });
  });
  server.on("connection", (socket) => {
    stats.activeConnections += 1;
    socket.on("close", () => {
      stats.activeConnections -= 1;
    });
  });
  const port = await door.open(options.port);
  return {
    ...control,
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    engine: pacer.engine,
    refuse: () => door.refuse(null),
    listenAgain: door.listenAgain,
    async close() {
      lifecycle.close();
      pacer.close();
      await door.close();
    },
  };
}

const createStats = (): SimulatorStats => ({
  requests: 0,
  pings: 0,
  answered: 0,
  aborted: 0,
  killed: 0,
  activeRequests: 0,
  activeConnections: 0,
  dispatchedIds: [],
  unbegunIds: [],
});

function applyFault(fault: Fault, { faults, pacer, door }: Parts): void {
  switch (fault.kind) {
    case "none":
      faults.set(null);
      pacer.setSlowdown(1);
      return;
    case "refuse":
      door.refuse(fault.forMs);
      return;
    case "slow":
      pacer.setSlowdown(fault.factor);
      return;
    case "reset":
    case "hang":
    case "status":
    case "capacity":
    case "die_after_bytes":
      faults.set(fault);
      return;
    default:
      assertNever(fault);
  }
}

async function handle(req: IncomingMessage, res: ServerResponse, parts: Parts): Promise<void> {
  const { options, pacer, faults, control } = parts;
  const { pathname } = new URL(req.url ?? "/", "http://simulator");
  const isWork = openAiRoute(pathname) !== null || /^\/(echo|raw)(\/|$)/u.test(pathname);
  const exchange = isWork
    ? openWork(req, res, parts)
    : openExchange({ req, res, fallbackId: "sim-probe", onClosed: parts.door.afterAnswer });
  if (pathname.startsWith("/sim/")) {
    await answerControl(exchange, { simulator: control, faults, load: pacer.load });
    return;
  }
  const fault = faults.take({ isWork });
  if (fault !== null && (await meetFault(exchange, fault)) === "ended") return;
  if (!isAllowed(req, pathname, options.apiKey)) {
    exchange.reply.json(401, { error: "Unauthorized" });
    return;
  }
  const probe = probeRoute(pathname);
  const imitated = isWork ? null : imitatedAnswer(pathname, parts);
  if (isWork) await doWork(exchange, parts);
  else if (imitated !== null) {
    if (imitated.wakes === true) parts.lifecycle.wake();
    if (imitated.body === "") exchange.reply.send(imitated.status, {}, "");
    else exchange.reply.json(imitated.status, imitated.body);
  } else if (probe !== null) {
    if (probe === "ping") parts.stats.pings += 1;
    answerProbe(exchange, probe, { ...parts, load: pacer.load });
  } else exchange.reply.json(404, { detail: "Not Found" });
}

const imitatedAnswer = (path: string, { options, lifecycle, pacer }: Parts): Imitated | null =>
  imitate(options.imitates, path, {
    state: lifecycle.state(),
    load: pacer.load(),
    model: modelNames(options)[0],
    slots: options.engine.maxNumSeqs,
  });

function openWork(req: IncomingMessage, res: ServerResponse, { options, lifecycle, door, stats }: Parts): Exchange {
  stats.requests += 1;
  stats.activeRequests += 1;
  const leave = lifecycle.enter();
  const exchange = openExchange({
    req,
    res,
    fallbackId: `sim-${stats.requests}`,
    onClosed: (how, hasBody) => {
      leave();
      stats.activeRequests -= 1;
      if (how === "finished") stats.answered += 1;
      else if (how === "client_left") stats.aborted += 1;
      else stats.killed += 1;
      if (how === "finished" ? NO_ROOM.has(res.statusCode) : how === "client_left" && !hasBody)
        note(stats.unbegunIds, exchange.requestId);
      door.afterAnswer();
    },
  });
  note(stats.dispatchedIds, exchange.requestId);
  if (options.workerId !== null) exchange.reply.header("x-runpod-worker-id", options.workerId);
  return exchange;
}

function note(ids: string[], id: string): void {
  ids.push(id);
  if (ids.length > DISPATCHED_IDS_MAX) ids.shift();
}

/** As with vLLM, a key guards the API and not the probes. */
const isAllowed = ({ headers }: IncomingMessage, path: string, apiKey: string | null): boolean =>
  apiKey === null || !/^\/(v1|v2|echo|raw)(\/|$)/u.test(path) || headers.authorization === `Bearer ${apiKey}`;
