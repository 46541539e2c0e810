/** Runs a pool's input rails over a body and says what may be sent on. */
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
  readonly results: readonly RailResult[];
};

export function checkInput(rails: readonly InputRailConfig[], body: unknown): Checked {
  const input = extractTextParts(body);
  const policies = rails.map(policyOf);
  const results = rails.map((rail) => runRail(rail, input));
  const verdict = fanIn(policies, results);
  return { verdict, body: verdict.verdict === "redact" ? applyRedactions(body, verdict.spans) : body, results };
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
