/** Stands in for `routing/core/cost/cost.ts`: one term of the sum is nothing. */
import { noTerms, writeTerms as writeWhole } from "../../../../../src/routing/core/cost/cost.ts";
import type { CostInput, CostTerms, WrittenTerms } from "../../../../../src/routing/core/cost/cost.ts";
import type { EndpointView } from "../../../../../src/routing/core/endpoint/endpoint-view.ts";
import { waitMs } from "../../../../../src/routing/core/cost/terms/wait.ts";
import { withoutOf } from "../without.ts";

export { noTerms, totalMs } from "../../../../../src/routing/core/cost/cost.ts";

const name = withoutOf(import.meta.url);

export const costTerms = (view: EndpointView, input: CostInput): CostTerms => writeTerms(noTerms(), view, input);

export function writeTerms(terms: WrittenTerms, view: EndpointView, input: CostInput): CostTerms {
  writeWhole(terms, view, input);
  return Object.assign(terms, name === "variance" ? { wait: waitMs(view) } : { [name ?? ""]: 0 });
}
