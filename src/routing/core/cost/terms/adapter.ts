/**
 * What a request for an adapter (LoRA) costs beyond the rest, ms: part of the `cold` term.
 *
 * Model. An engine that has the adapter in its batch, or in line, answers at once; another one loads it first, some
 * hundred megabytes from its host. So where one endpoint says that it has it, those that say that they have not cost
 * ADAPTER_LOAD_MS more; whoever does not tell is not held to it. Where nobody has it, nobody is better, and a name that is
 * no adapter at all is nobody's. In ms it is weighed against everything else: a resident adapter does not keep a request
 * in line. Source: docs/reference/sources.md, Routers for inference (LoRA affinity). Rejected: a filter, which overloads the one
 * engine that was first.
 */
import type { EndpointView } from "../../endpoint/endpoint-view.ts";

/** Loading an adapter of some hundred megabytes from host memory or a local disk, ms. */
export const ADAPTER_LOAD_MS = 200;

export type AdapterInput = {
  /** Endpoints that say that they lack the adapter, where another has it. Absent or null: it makes no difference. */
  readonly lackAdapter?: ReadonlySet<string> | null;
};

export const adapterMs = ({ id }: Pick<EndpointView, "id">, { lackAdapter }: AdapterInput): number =>
  lackAdapter?.has(id) === true ? ADAPTER_LOAD_MS : 0;

/** Who lacks the adapter, where another has it; null: it makes no difference. */
export function lackingAdapter(
  views: readonly Pick<EndpointView, "id" | "adapters">[],
  adapter: string | null | undefined,
): ReadonlySet<string> | null {
  if (adapter === null || adapter === undefined) return null;
  const has = ({ adapters }: Pick<EndpointView, "adapters">): boolean => adapters?.includes(adapter) === true;
  if (!views.some(has)) return null;
  return new Set(views.filter((view) => view.adapters !== undefined && !has(view)).map(({ id }) => id));
}
