/** A simulated GPU endpoint as its launcher sees it. */
import type { Engine } from "../gpu-engine/engine-types.ts";
import type { FaultInput } from "./faults.ts";
import type { LifecycleState } from "./lifecycle.ts";

export type SimulatorStats = {
  /** Requests for work that came in, faulted ones included. */
  requests: number;
  /** Requests to `/ping`, each of which wakes a cold endpoint. */
  pings: number;
  /** Answers sent to their end, whatever the status. */
  answered: number;
  /** Clients that left before the end of their answer. */
  aborted: number;
  /** Connections or answers that a fault cut. */
  killed: number;
  /** Requests for work that have not ended. */
  activeRequests: number;
  activeConnections: number;
  /** `x-request-id` of each request for work, in order of arrival; the oldest are dropped. */
  readonly dispatchedIds: string[];
  /** … of each that ended without room, or whose client left before a byte of its answer's body. */
  readonly unbegunIds: string[];
};

export type GpuSimulator = {
  readonly url: string;
  readonly port: number;
  readonly engine: Engine;
  readonly stats: SimulatorStats;
  state(): LifecycleState;
  setState(state: LifecycleState): void;
  /** As `POST /sim/faults`; throws on a malformed fault. */
  setFault(fault: FaultInput): void;
  /** New connections get ECONNREFUSED; what runs goes on. */
  refuse(): void;
  /** Opens the same port again; rejects when another process has taken it. */
  listenAgain(): Promise<void>;
  close(): Promise<void>;
};
