/**
 * Planted bugs in the shells that ship: a line of one that is another, as a change of the product could make it, and the
 * rules that it breaks. `report/planted.ts` puts them in; nothing but the tests uses them.
 */
import type { Rule } from "./rules-broken.ts";

export type ShellBug = {
  readonly what: string;
  readonly module: string;
  readonly line: string;
  readonly instead: string;
  /** One of these must be what is found. */
  readonly breaks: readonly Rule[];
};

export const SHELL_BUGS = {
  "sweep-skipped": {
    what: "a shard does not look at its queue when it has heard of another region",
    module: "src/routing/host/shard-host.ts",
    line: "    // What it tells may be what a held request waited for, whatever other peers are about to say.\n    this.sweep();\n",
    instead: "",
    breaks: ["heard"],
  },
  "settle-dropped": {
    what: "an answer that was passed on to its end does not settle its lease",
    module: "src/dispatch/open-answer.ts",
    line: "      const outcome = await through(pump);\n      await over(outcome);\n      return outcome;\n",
    instead: "      return through(pump);\n",
    breaks: ["settled-at-end"],
  },
  "silence-forgotten": {
    what: "a repeat does not say which region has been silent",
    module: "src/dispatch/attempts.ts",
    line: "leases.take({ ...leaseRequest, ...next.asks, excluded, again: true }",
    instead: "leases.take({ ...leaseRequest, ...next.asks, excluded, avoidRegion: null, again: true }",
    breaks: ["avoids-silence"],
  },
  unwatched: {
    what: "nobody confirms the lease of an attempt that runs for long",
    module: "src/dispatch/attempt-watch.ts",
    line: "    attempt.leases.keep(attempt.heldLease);\n",
    instead: "",
    breaks: ["held-leases", "leak", "settled-once"],
  },
  "put-back-for-ever": {
    what: "a request is put back as often as somebody of a higher class waits",
    module: "src/dispatch/core/attempt-plan.ts",
    line: "  const mayPutBack = plan.putBacks < PUT_BACKS_MAX;\n",
    instead: "  const mayPutBack = plan.putBacks < Infinity;\n",
    breaks: ["put-back"],
  },
  "late-grant-lost": {
    what: "a grant that comes after the patience was over is not given back",
    module: "src/routing/host/lease-client.ts",
    line: "        this.#core.onLateReply(this.memory.leaseCache, asking, reply, this.#now);\n",
    instead: "",
    breaks: ["leak"],
  },
} satisfies Record<string, ShellBug>;
