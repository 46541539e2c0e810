/** Stands in for `core/cost.ts`: one term of the sum is nothing. */
import { costTerms as wholeTerms } from "../../../../core/cost.ts";
import type { CostInput, CostTerms } from "../../../../core/cost.ts";
import type { EndpointView } from "../../../../core/endpoint-view.ts";
import { waitMs } from "../../../../core/terms/wait.ts";
import { withoutOf } from "../without.ts";

export { totalMs } from "../../../../core/cost.ts";

const name = withoutOf(import.meta.url);

export function costTerms(view: EndpointView, input: CostInput): CostTerms {
  const terms = wholeTerms(view, input);
  return name === "variance" ? { ...terms, wait: waitMs(view) } : { ...terms, [name ?? ""]: 0 };
}
