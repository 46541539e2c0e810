/**
 * What a request for an adapter (LoRA) costs beyond the rest, ms: part of the `cold` term.
 *
 * Model. An engine that has the adapter in its batch, or in line, answers at once; one that lists it loads it first, some
 * hundred megabytes from its host; one that does not list it has to fetch it, if it does that at all; of one that does not tell,
 * nobody knows, which is worth as much as an even chance to have to load it. Where no endpoint says that it has the adapter,
 * nobody is better, and a name that is no adapter at all is nobody's. In ms it is weighed against everything else: a resident
 * adapter does not keep a request in line. Loading is the engine's own matter: nobody is asked to load anything.
 * Source: docs/reference/sources.md, Routers for inference (LoRA affinity). Rejected: a filter, which overloads the one
 * engine that was first; to take who does not tell for one that has it, or for one that has not.
 */
import type { EndpointView } from "../../endpoint/endpoint-view.ts";

/** Loading an adapter of some hundred megabytes from host memory or a local disk, ms. */
export const ADAPTER_LOAD_MS = 200;

/** An even chance of that, ms: the endpoint does not tell. */
export const ADAPTER_UNKNOWN_MS = ADAPTER_LOAD_MS / 2;

/** Fetching it from where adapters are kept, at about a gigabit a second, ms; an engine that does not fetch refuses it. */
export const ADAPTER_FETCH_MS = 2_000;

export type AdapterInput = {
  /** By endpoint; an endpoint that is not there costs nothing more. Absent or null: it makes no difference. */
  readonly adapterMsAt?: ReadonlyMap<string, number> | null;
};

export const adapterMs = ({ id }: Pick<EndpointView, "id">, { adapterMsAt }: AdapterInput): number =>
  adapterMsAt?.get(id) ?? 0;

type Telling = Pick<EndpointView, "id" | "adapters" | "adaptersListed">;

/** What the adapter costs where, if anywhere it is there; null: it makes no difference. */
export function adapterCosts(
  views: readonly Telling[],
  adapter: string | null | undefined,
): ReadonlyMap<string, number> | null {
  if (adapter === null || adapter === undefined) return null;
  const isThere = ({ adapters, adaptersListed }: Telling): boolean =>
    adapters?.includes(adapter) === true || adaptersListed?.includes(adapter) === true;
  if (!views.some(isThere)) return null;
  return new Map(views.map((view) => [view.id, costAt(view, adapter)]));
}

function costAt({ adapters, adaptersListed }: Telling, adapter: string): number {
  if (adapters?.includes(adapter) === true) return 0;
  if (adaptersListed === undefined) return adapters === undefined ? ADAPTER_UNKNOWN_MS : ADAPTER_LOAD_MS;
  if (!adaptersListed.includes(adapter)) return ADAPTER_FETCH_MS;
  // Who lists it and tells of no batch has it as far as it can tell.
  return adapters === undefined ? 0 : ADAPTER_LOAD_MS;
}
