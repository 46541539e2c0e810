/** What the fleet's table shows, as signals: the filters above it, the regions beside it and the rows read them. */
import { computed, signal } from "@preact/signals";
import { store } from "../store/page-store.ts";
import type { EndpointRow } from "../store/endpoint-rows.ts";
import { ALL_ENDPOINTS, heldOrder, orderedKeys } from "./endpoint-order.ts";
import type { EndpointView, SortBy } from "./endpoint-order.ts";

export const fleetView = signal<EndpointView>(ALL_ENDPOINTS);

/** A pointer or the focus is in the table. */
export const tableHeld = signal(false);

export const allRows = computed<readonly EndpointRow[]>(() => {
  void store.endpointsChanged.value;
  return store.endpointKeys.value.flatMap((key) => store.endpoint(key)?.peek() ?? []);
});

let shown: readonly string[] = [];
/** The view of the order that is shown: what the reader asks for holds at once, whoever is at the table. */
let shownFor: EndpointView | null = null;

export const shownKeys = computed(() => {
  const view = fleetView.value;
  const held = tableHeld.value && view === shownFor;
  shown = heldOrder(shown, orderedKeys(allRows.value, view), held);
  shownFor = view;
  return shown;
});

export const pools = computed(() => [...new Set(allRows.value.map(({ pool }) => pool))].join("\n"));
export const regions = computed(() => [...new Set(allRows.value.map(({ region }) => region))].join("\n"));

export function changeView(change: Partial<EndpointView>): void {
  fleetView.value = { ...fleetView.peek(), ...change };
}

/** A second time turns the order round. Of figures the highest comes first. */
export function sortBy(column: SortBy): void {
  const view = fleetView.peek();
  const isFigure = !["endpoint", "state", "pool", "region"].includes(column);
  changeView({ sortBy: column, descending: view.sortBy === column ? !view.descending : isFigure });
}
