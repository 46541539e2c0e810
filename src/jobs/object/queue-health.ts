/** How a pool's queue is for a tenant: its jobs, and all workers, those that pull among them. */
import type { QueueHealth } from "../core/messages.ts";
import type { Ledger } from "./ledger.ts";

type Workers = {
  readonly fleet: QueueHealth["workers"];
  readonly pulling: { readonly idle: number; readonly running: number };
};

export function queueHealth(ledger: Ledger, { fleet, pulling }: Workers, tenant: string): QueueHealth {
  const { idle, running } = pulling;
  const { completed, failed, retried } = ledger.totalsOf(tenant);
  return {
    jobs: {
      completed,
      failed,
      retried,
      inProgress: ledger.counts(tenant, null).runningOfTenant,
      inQueue: ledger.waitingOf(tenant),
    },
    workers: {
      ...fleet,
      ready: fleet.ready + idle + running,
      idle: fleet.idle + idle,
      running: fleet.running + running,
    },
    paused: ledger.mode !== "open",
  };
}
