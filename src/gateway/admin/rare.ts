/**
 * What few requests need: the operators' routes, an explained decision, what there is instead of
 * what is not. One part of the bundle,
 * loaded by the first that needs any of it, so that an isolate does not read all this at its start. One and not four: what
 * two parts share becomes a piece of its own, and pieces compress badly.
 */
import { decisionHeader } from "./decision-header.ts";
import type { DecisionMade } from "./decision-header.ts";
import type { TargetProblem } from "../../wire/request-target.ts";
import { TARGET_PROBLEMS } from "../../wire/target-problems.ts";
import { drain, fleet, restartShard } from "./admin.ts";
import type { Authenticated } from "../edge-request.ts";
import type { Answer } from "../../wire/refusal.ts";
import { explain } from "./explain.ts";
import { metrics } from "./metrics.ts";
import * as notFound from "../../wire/not-found.ts";

export const { notServed, unknownModel, unknownPool } = notFound;

export type AdminAction = "fleet" | "explain" | "drain" | "undrain" | "restart" | "metrics";

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
    case "metrics":
      return metrics(edge);
    case "restart":
      return restartShard(edge, params);
  }
}

export const targetProblem = (problem: TargetProblem): string => `The request target ${TARGET_PROBLEMS[problem]}`;

export function decisionText(decision: DecisionMade): string {
  return decisionHeader(decision);
}
