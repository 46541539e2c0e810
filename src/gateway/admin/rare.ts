/**
 * What few requests need: the operators' routes, an explained decision, and what is said of a path or a model that
 * there is not.
 *
 * Model. One part of the bundle, loaded by the first request that needs any of it, so that no isolate reads it at its
 * start.
 * Rejected: a part for each. What two parts share becomes a third one, and small parts compress badly.
 */
import { decisionHeader } from "./decision-header.ts";
import type { DecisionMade } from "./decision-header.ts";
import type { TargetProblem } from "../../wire/request-target.ts";
import { TARGET_PROBLEMS } from "../../wire/target-problems.ts";
import { drain, drainPool, fleet, restartFeed, restartShard } from "./admin.ts";
import type { Authenticated } from "../edge-request.ts";
import type { Answer } from "../../wire/refusal.ts";
import { explain } from "./explain.ts";
import { attemptsSaid } from "../../sight/said.ts";
import type { Seen } from "../../sight/seen.ts";
import { metrics } from "./metrics.ts";
import { listPoison, pardonPoison } from "./poison.ts";
import * as notFound from "../../wire/not-found.ts";

export const { notServed, unknownModel, unknownPool } = notFound;

export type AdminAction =
  | "fleet"
  | "explain"
  | "drain"
  | "undrain"
  | "drainPool"
  | "undrainPool"
  | "restart"
  | "restartFeed"
  | "metrics"
  | "poison"
  | "pardon";

export async function administer(
  action: AdminAction,
  edge: Authenticated,
  params: Readonly<Record<string, string>>,
): Promise<Answer> {
  switch (action) {
    case "fleet":
      return fleet(edge);
    case "explain":
      return explain(edge);
    case "drain":
    case "undrain":
      return drain(edge, params["id"] ?? "", action === "drain");
    case "drainPool":
    case "undrainPool":
      return drainPool(edge, params["pool"] ?? "", action === "drainPool");
    case "metrics":
      return metrics(edge);
    case "poison":
      return listPoison(edge);
    case "pardon":
      return pardonPoison(edge);
    case "restart":
      return restartShard(edge, params);
    case "restartFeed":
      return restartFeed(edge);
  }
}

export const targetProblem = (problem: TargetProblem): string => `The request target ${TARGET_PROBLEMS[problem]}`;

/** The decision behind an answer that has begun, with the attempts before it. */
export async function decisionText(seen: Seen, decision: Omit<DecisionMade, "lost">): Promise<string> {
  const attempts = await attemptsSaid(seen);
  return decisionHeader({ ...decision, lost: attempts.filter(({ lost }) => lost !== null) });
}
