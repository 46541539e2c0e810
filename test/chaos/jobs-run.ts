/** What the parts of a chaos run of jobs share: its options, and what was seen so far. */
import type { JobStatus } from "../../src/jobs/core/messages.ts";
import type { Fleet } from "../support/fleet.ts";
import type { Told } from "./jobs-judge.ts";
import type { JobsPlanOptions } from "./jobs-plan.ts";
import type { WebhookReceiver } from "./jobs-receiver.ts";

export type JobsChaosOptions = JobsPlanOptions & {
  /** Calls of clients under way at once. */
  readonly concurrency: number;
  /** GPU workers that pull. */
  readonly workers: number;
  /** Default: the bundle that is deployed. */
  readonly bundlePath?: string;
  /** A run that is not over by then has lost something, ms. */
  readonly limitMs: number;
};

export type JobsRun = {
  readonly fleet: Fleet;
  readonly options: JobsChaosOptions;
  readonly receiver: WebhookReceiver;
  readonly violations: string[];
  readonly told: Told[];
  readonly ends: { readonly id: string; readonly status: JobStatus }[];
  /** Jobs that GPU workers pulled, once for each time. */
  readonly pulled: string[];
  readonly giveUpAtMs: number;
  kills: number;
  /** Workers that are to die with their next job. */
  deadly: number;
  /** Every job has ended. */
  over: boolean;
  /** While it is away, calls wait. */
  away: Promise<void> | null;
};
