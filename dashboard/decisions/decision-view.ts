/** What the list of decisions shows, as signals: filters, what is open, and whether the list stands still meanwhile. */
import { computed, signal } from "@preact/signals";
import type { ShownRequest } from "../record.ts";
import { ANY_DECISION, matchesDecision } from "../store/decision-list.ts";
import type { DecisionFilter } from "../store/decision-list.ts";
import { store } from "../store/page-store.ts";

/** Rows that are drawn; the reader may ask for more of those that are kept. */
export const ROWS_STEP = 100;

export const decisionFilter = signal<DecisionFilter>(ANY_DECISION);
export const rowsMax = signal(ROWS_STEP);
/** Id of the decision that is open. */
export const openId = signal<string | null>(null);
/** The focus is in the list. */
export const listFocused = signal(false);

/** Newest decision when the list was last free to move. */
let standing: readonly ShownRequest[] = [];

/** While somebody reads one, or steps through them by keyboard, the list stands still. */
const isStanding = computed(() => openId.value !== null || listFocused.value);

const source = computed<readonly ShownRequest[]>(() => {
  const all = store.decisions.value;
  if (!isStanding.value) standing = all;
  return standing;
});

export const matching = computed(() => source.value.filter((record) => matchesDecision(record, decisionFilter.value)));

export const shownDecisions = computed(() => matching.value.slice(0, rowsMax.value));

/** Decisions that came since the list stands still. */
export const newer = computed(() => {
  const all = store.decisions.value;
  const newest = source.value[0];
  if (newest === undefined) return all.length;
  const at = all.findIndex(({ id }) => id === newest.id);
  return at === -1 ? all.length : at;
});

export function changeFilter(change: Partial<DecisionFilter>): void {
  decisionFilter.value = { ...decisionFilter.peek(), ...change };
  rowsMax.value = ROWS_STEP;
}

export function toggleOpen(id: string): void {
  openId.value = openId.peek() === id ? null : id;
}

/** Lets the list move on. */
export function showNewest(): void {
  openId.value = null;
  listFocused.value = false;
}
