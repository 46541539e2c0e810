/** Why a request that was answered by no endpoint is refused. */
import { comeBackMs } from "./core/attempt-plan.ts";
import type { AttemptPlan } from "./core/attempt-plan.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { LeaseAnswer } from "../routing/host/lease-client.ts";
import type { LostAttempt } from "./attempt.ts";
import type { Losses } from "./course.ts";

export type NoLease = Exclude<LeaseAnswer, { kind: "leased" }>;

/** It was sent nowhere. */
export function refusalUnleased(answer: NoLease): Refusal {
  switch (answer.kind) {
    case "shed":
      return { reason: "saturated", retryAfterMs: answer.retryAfterMs };
    // Never of a first attempt, which is free.
    case "over_budget":
      return { reason: "saturated" };
    case "warming_up":
      return { reason: "warming_up", retryAfterMs: answer.retryAfterMs };
    case "no_endpoint":
      return { reason: "no_endpoint" };
  }
}

/** How many attempts it came to. */
export const triedBy = ({ tried }: AttemptPlan) => [["x-warmpath-attempts", String(tried.length)]] as const;

/** It was lost, last of all as `why`. `answer`: what was said when it asked for another lease; null: it did not. */
export function refusalOf(
  why: LostAttempt["why"],
  { credentialRefused, poolDown }: Losses,
  plan: AttemptPlan,
  answer: NoLease | null,
): Refusal {
  const headers = triedBy(plan);
  switch (why) {
    case "capacity":
    case "put_back": {
      const waitMs = comeBackMs(plan, answer?.kind === "shed" ? answer.retryAfterMs : null);
      return { reason: "saturated", headers, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
    }
    case "timeout":
      return { reason: "upstream_timeout", headers };
    case "failed":
    case "left":
      if (credentialRefused) return { reason: "credential_refused", headers };
      if (poolDown && why === "failed") return { reason: "pool_down", headers };
      return { reason: "upstream_failed", headers, ...(plan.disputed ? { detail: DISPUTED } : {}) };
  }
}

const DISPUTED =
  "Two GPU endpoints answered this request with errors of their own, so it is probably the request. Check it before you send it again.";
