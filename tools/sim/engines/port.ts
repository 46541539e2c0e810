/**
 * What the world needs of a model of GPU servers. One object stands for all endpoints of a run, so that its state can
 * lie in arrays.
 */
import type { Attempts } from "../attempts.ts";
import type { Fleet } from "../fleet.ts";
import type { Requests } from "../workload.ts";

export type Engines = {
  /** The attempt reached the endpoint, which is warm and up. */
  submit(endpoint: number, attempt: number): void;
  /** An event that was asked for with `host.wakeAt`. */
  wake(endpoint: number, value: number): void;
  /** Forgets an attempt that waits or runs, and gives its slot to the next. */
  cancel(endpoint: number, attempt: number): void;
  /** Forgets everything that waits or runs at the endpoint. */
  crash(endpoint: number): void;
  /** What starts from now on takes `factor` times as long. */
  setSlowdown(endpoint: number, factor: number): void;
  /** Prompt tokens of the request that the endpoint remembers from earlier prompts. */
  matchedTokens(endpoint: number, request: number): number;
};

/** What an engine may use of the world, and how it tells what happened. */
export type EngineHost = {
  readonly nowMs: number;
  readonly attempts: Attempts;
  readonly requests: Requests;
  readonly fleet: Fleet;
  wakeAt(atMs: number, endpoint: number, value: number): void;
  /** The first token leaves the endpoint at `atMs`, now or later. */
  firstToken(attempt: number, atMs: number): void;
  /** The last token leaves now. */
  finished(attempt: number): void;
  /** The endpoint's own queue is full, or the request can never fit. */
  refused(attempt: number): void;
};
