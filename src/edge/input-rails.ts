/** Runs a pool's input rails over a body and says what may be sent on. */
import { isSurelyClean } from "../core/rails/glance.ts";
import type { CleanBounds } from "../core/rails/glance.ts";
import { railResult } from "../core/rails/rail.ts";
import type { RailFindings, RailInput } from "../core/rails/rail.ts";
import { secretsRail } from "../core/rails/secrets.ts";
import { sizeRail } from "../core/rails/size.ts";
import { applyRedactions, extractTextParts } from "../core/rails/text-parts.ts";
import { fanIn } from "../core/verdict.ts";
import type { RailPolicy, RailResult, StageVerdict } from "../core/verdict.ts";
import { assertNever } from "../core/invariant.ts";
import type { InputRailConfig } from "../protocol/config.ts";

export type Checked = {
  readonly verdict: StageVerdict;
  /** The body to send: the same object unless a rail had text redacted. */
  readonly body: unknown;
};

export function checkInput(rails: readonly InputRailConfig[], body: unknown): Checked {
  const plan = planOf(rails);
  if (isSurelyClean(body, plan.bounds)) return { verdict: plan.clean, body };
  const input = extractTextParts(body);
  const policies = rails.map(policyOf);
  const results = rails.map((rail) => runRail(rail, input));
  const verdict = fanIn(policies, results);
  return { verdict, body: verdict.verdict === "redact" ? applyRedactions(body, verdict.spans) : body };
}

type Plan = {
  readonly bounds: CleanBounds;
  /** The verdict when no rail finds anything. */
  readonly clean: StageVerdict;
};

/** By the pool's list of rails, which lives as long as its config. */
const plans = new WeakMap<readonly InputRailConfig[], Plan>();

function planOf(rails: readonly InputRailConfig[]): Plan {
  const known = plans.get(rails);
  if (known !== undefined) return known;
  const nothing = { spans: new Map(), reasons: [] };
  const results = rails.map((rail) => railResult(policyOf(rail), nothing, 0));
  const sizes = rails.flatMap((rail) => (rail.use === "size" ? [rail.options] : []));
  const least = (bounds: readonly number[]): number | null => (bounds.length === 0 ? null : Math.min(...bounds));
  const plan: Plan = {
    bounds: {
      charsMax: least(sizes.map(({ charsMax }) => charsMax)),
      messagesMax: least(sizes.map(({ messagesMax }) => messagesMax)),
      secretsAllowed: rails.every(({ use }) => use !== "secrets"),
    },
    clean: fanIn(rails.map(policyOf), results),
  };
  plans.set(rails, plan);
  return plan;
}

function runRail(rail: InputRailConfig, input: RailInput): RailResult {
  const startedAtMs = Date.now();
  const policy = policyOf(rail);
  try {
    return railResult(policy, findings(rail, input), Date.now() - startedAtMs);
  } catch (error) {
    // A rail that breaks has not allowed anything: the fan-in applies its rule for errors.
    console.error(`rail ${rail.use} failed`, error);
    const tookMs = Date.now() - startedAtMs;
    return { rail: rail.use, verdict: "allow", spans: new Map(), reasons: [], status: "error", tookMs };
  }
}

function findings(rail: InputRailConfig, input: RailInput): RailFindings {
  switch (rail.use) {
    case "size":
      return sizeRail(input, rail.options);
    case "secrets":
      return secretsRail(input);
    default:
      return assertNever(rail);
  }
}

const policyOf = ({ use, action, onError, shadow }: InputRailConfig): RailPolicy => ({
  rail: use,
  action,
  onError,
  shadow,
});
