/**
 * Reads a request in full for the two rails that every bundle has, `size` and `secrets`. Most requests of pools that use
 * no other are clean at a glance (`input-rails.ts`), so this file and the tables behind it are loaded when one is not.
 */
import { budgetOf, readWithin, spend } from "./core/budget.ts";
import type { Budget } from "./core/budget.ts";
import { endsStage, railRecords } from "./core/engine.ts";
import { railResult, unreadBy } from "./core/rail.ts";
import type { RailFindings, RailInput, Unread } from "./core/rail.ts";
import { applyRedactions, extractTextParts } from "./core/text/text-parts.ts";
import { isPlainText } from "./core/text/views.ts";
import { fanIn } from "./core/verdict.ts";
import type { RailPolicy, RailResult } from "./core/verdict.ts";
import type { InputRailConfig } from "../config/config.ts";
import type { Checked, InputRequest } from "./check.ts";
import { isCleanRequest } from "./detectors/glance.ts";
import type { CleanBounds } from "./detectors/glance.ts";
import { secretsRail } from "./detectors/secrets/secrets.ts";
import { sizeRail } from "./detectors/size/size.ts";

export type PlainRail = Extract<InputRailConfig, { readonly use: "size" | "secrets" }>;

/** A pool that uses none but the two rails in every bundle, for every request. */
export type Plan = {
  /** The cheapest first. */
  readonly rails: readonly { readonly config: PlainRail; readonly policy: RailPolicy }[];
  /** Of the whole stage. */
  readonly deadlineMs: number;
  /** In the order of the config. */
  readonly policies: readonly RailPolicy[];
  readonly bounds: CleanBounds;
  /** When no rail finds anything. */
  readonly clean: Omit<Checked, "body">;
};

export function checkPlain(plan: Plan, request: InputRequest, unread: Unread): Checked {
  const { body, everyMember, beside } = request;
  if (unread.reasons.length === 0 && isCleanRequest(request, plan.bounds, isPlainText)) return { ...plan.clean, body };
  const startedAtMs = Date.now();
  const input = extractTextParts(body, everyMember, unread, beside);
  const results = new Map<string, RailResult>();
  const shared = budgetOf(plan.deadlineMs);
  for (const { config, policy } of plan.rails) {
    const result = runRail(config, policy, input, shared);
    results.set(result.rail, result);
    if (endsStage(policy, result)) break;
  }
  const verdict = fanIn(plan.policies, [...results.values()]);
  return {
    verdict,
    body: verdict.verdict === "redact" ? applyRedactions(body, verdict.spans, everyMember) : body,
    originals: plan.clean.originals,
    records: railRecords({ rails: plan.policies, results }),
    tookMs: Date.now() - startedAtMs,
  };
}

function runRail(rail: PlainRail, policy: RailPolicy, input: RailInput, shared: Budget): RailResult {
  const startedAtMs = Date.now();
  try {
    const found = spend(shared, rail.timeoutMs, (budget) => findings(rail, input, budget));
    return railResult(policy, found, Date.now() - startedAtMs, unreadBy(rail.use, input.unseen));
  } catch (error) {
    // A rail that breaks has not allowed anything: the fan-in applies its rule for errors.
    console.error(`rail ${rail.name} failed`, error);
    const tookMs = Date.now() - startedAtMs;
    return { rail: rail.name, verdict: "allow", spans: new Map(), reasons: [], status: "error", tookMs };
  }
}

function findings(rail: PlainRail, input: RailInput, budget: Budget): RailFindings {
  return rail.use === "size" ? sizeRail(input, rail.options) : readWithin(input, budget, secretsRail);
}
