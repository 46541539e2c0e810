/** Every router the simulator knows by name, in the order of the tables. Add one line to compare another. */
import { policyRouter } from "../policy-router.ts";
import type { PolicyFactory } from "../policy.ts";
import type { RouterFactory } from "../router.ts";
import { production } from "../production/router.ts";
import { c3 } from "./c3.ts";
import { gorgo, llmD, lmetric, sglang } from "./cache-aware.ts";
import { expectedCost } from "./expected-cost.ts";
import { litellm } from "./litellm.ts";
import { oneQueue } from "./one-queue.ts";
import { HELICONE, LINKERD, peakEwma } from "./peak-ewma.ts";
import { overlappedCost, planAhead } from "./plan-ahead.ts";
import { prequal } from "./prequal.ts";
import {
  leastOutstanding,
  leastOutstandingPerSlot,
  nearest,
  random,
  roundRobin,
  twoChoices,
  twoChoicesPerSlot,
} from "./simple.ts";
import { stargate } from "./stargate.ts";
import { tokenCost } from "./token-cost.ts";

export type RouterEntry = {
  readonly name: string;
  readonly about: string;
  readonly factory: RouterFactory;
  /** What it is made of, to run it on old state; null for routers that hold requests. */
  readonly policy: PolicyFactory | null;
  /**
   * It probes, wakes and budgets its retries by itself, later than the world knows. What holds for it is checked by
   * `tools/sim/production/checkers.ts` instead of the contract suite's rules for the others.
   */
  readonly ownHealth?: true;
};

const picks = (name: string, about: string, factory: PolicyFactory): RouterEntry => ({
  name,
  about,
  factory: policyRouter(factory),
  policy: factory,
});

export const ROUTERS: readonly RouterEntry[] = [
  {
    name: "warmpath",
    about: "the production core: shards, leases, real message delays",
    factory: production(),
    policy: null,
    ownHealth: true,
  },
  picks("expected-cost", "network + wait + prefill, mean service known", expectedCost),
  picks("least-outstanding-k", "least in flight per slot", leastOutstandingPerSlot),
  picks("least-outstanding", "least in flight", leastOutstanding),
  picks("two-choices-k", "less in flight per slot of two", twoChoicesPerSlot),
  picks("two-choices", "less in flight of two", twoChoices),
  picks("random", "any", random),
  picks("round-robin", "in turn", roundRobin),
  picks("nearest", "shortest round trip", nearest),
  picks("peak-ewma-30ms-10s", "linkerd's peak EWMA of two", peakEwma(LINKERD)),
  picks("peak-ewma-250ms-30s", "Helicone's peak EWMA of two", peakEwma(HELICONE)),
  picks("prequal-0.84", "Prequal with the paper's quantile", prequal(0.84)),
  picks("prequal-0.6", "Prequal with prequal-rs's quantile", prequal(0.6)),
  picks("c3", "C3's cubic queue", c3),
  picks("litellm", "LiteLLM's latency window", litellm),
  picks("sglang", "SGLang's cache-aware 0.3 / 64 / 1.5", sglang),
  picks("llm-d", "llm-d's queue 2, KV 2, prefix 3", llmD),
  picks("lmetric", "new prefill tokens x load", lmetric),
  picks("gorgo", "tokens in ms + network", gorgo),
  { name: "stargate", about: "Stargate's wait and widen", factory: stargate, policy: null },
  { name: "one-queue", about: "one queue, late binding", factory: oneQueue, policy: null },
  picks("overlapped-cost", "expected cost, waiting while it travels", overlappedCost),
  picks("token-cost", "network + prompts ahead + own prompt", tokenCost),
  { name: "plan-ahead", about: "plan all, commit what must leave now", factory: planAhead, policy: null },
];
