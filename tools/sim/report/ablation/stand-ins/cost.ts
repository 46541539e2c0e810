/** Stands in for `routing/core/cost/cost.ts`: one term of the sum is nothing. */
import { costTerms as wholeTerms } from "../../../../../src/routing/core/cost/cost.ts";
import type { CostInput, CostTerms } from "../../../../../src/routing/core/cost/cost.ts";
import type { EndpointView } from "../../../../../src/routing/core/endpoint/endpoint-view.ts";
import { waitMs } from "../../../../../src/routing/core/cost/terms/wait.ts";
import { withoutOf } from "../without.ts";

export { totalMs } from "../../../../../src/routing/core/cost/cost.ts";

const name = withoutOf(import.meta.url);

export function costTerms(view: EndpointView, input: CostInput): CostTerms {
  const terms = wholeTerms(view, input);
  return name === "variance" ? { ...terms, wait: waitMs(view) } : { ...terms, [name ?? ""]: 0 };
}
