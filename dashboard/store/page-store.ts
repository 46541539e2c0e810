/**
 * What the page knows, as signals: components that read one are drawn again when it changes, and nothing else is. Frames
 * come in by `take`; while the reader has paused the page they wait, the last one whole and the decisions of all.
 *
 * Each endpoint has a signal of its own. A frame with 200 endpoints of which three changed draws three rows.
 */
import { batch, signal } from "@preact/signals";
import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Frame } from "../frame.ts";
import type { ShownRequest } from "../record.ts";
import { withDecisions } from "./decision-list.ts";
import { endpointRows, isSameRow, medianOf, noteTtft } from "./endpoint-rows.ts";
import type { EndpointRow } from "./endpoint-rows.ts";
import { stateChanges } from "./state-changes.ts";

export type PageStore = {
  /** The frame that is drawn; null: none yet. */
  readonly frame: ReadonlySignal<Frame | null>;
  /** Keys of all endpoints, in the order of the frame. Changes only when one comes or goes. */
  readonly endpointKeys: ReadonlySignal<readonly string[]>;
  readonly endpoint: (key: string) => ReadonlySignal<EndpointRow> | undefined;
  /** Counts up when any row changed: for what reads all of them. */
  readonly endpointsChanged: ReadonlySignal<number>;
  /** Newest first. */
  readonly decisions: ReadonlySignal<readonly ShownRequest[]>;
  /** The router's time, epoch ms, in steps: for ages, which need not be drawn again each second. */
  readonly clock: ReadonlySignal<number>;
  /** Last change of an endpoint's state, in words, for who listens. */
  readonly news: ReadonlySignal<string>;
  readonly paused: ReadonlySignal<boolean>;
  /** Decisions that came while paused. */
  readonly waiting: ReadonlySignal<number>;
  readonly take: (frame: Frame) => void;
  readonly setPaused: (paused: boolean) => void;
};

/** Steps of `clock`, ms. */
const CLOCK_STEP_MS = 5_000;

/** `later` does a second part of the work so that a picture can be drawn before it; by default there is none. */
export function createPageStore(later: (work: () => void) => void = (work) => work()): PageStore {
  const frame = signal<Frame | null>(null);
  const endpointKeys = signal<readonly string[]>([]);
  const endpointsChanged = signal(0);
  const decisions = signal<readonly ShownRequest[]>([]);
  const clock = signal(0);
  const news = signal("");
  const paused = signal(false);
  const waiting = signal(0);
  const rows = new Map<string, Signal<EndpointRow>>();
  const ttft = new Map<string, number[]>();
  let held: Frame | null = null;
  let heldDecisions: readonly ShownRequest[] = [];

  const apply = (next: Frame, fresh: readonly ShownRequest[]): void => {
    applyFleet(next, fresh);
    if (fresh.length > 0) later(() => (decisions.value = withDecisions(decisions.peek(), fresh)));
  };
  const applyFleet = (next: Frame, fresh: readonly ShownRequest[]): void =>
    batch(() => {
      noteTtft(ttft, fresh);
      const before = new Map([...rows].map(([key, row]) => [key, row.peek()]));
      const after = endpointRows(next, before, (id) => medianOf(ttft.get(id)));
      const changes = stateChanges(before, after);
      if (changes.length > 0) news.value = changes.join(". ");
      if (applyRows(rows, after)) endpointsChanged.value += 1;
      const keys = after.map(({ key }) => key);
      if (keys.join("\n") !== endpointKeys.peek().join("\n")) endpointKeys.value = keys;
      clock.value = Math.ceil(next.atMs / CLOCK_STEP_MS) * CLOCK_STEP_MS;
      frame.value = next;
    });

  return {
    frame,
    endpointKeys,
    endpoint: (key) => rows.get(key),
    endpointsChanged,
    decisions,
    clock,
    news,
    paused,
    waiting,
    take: (next) => {
      const fresh = next.decisions.filter(isOfTheFleet);
      if (!paused.peek()) return apply(next, fresh);
      held = next;
      // Newest first here, and a frame has the newest last.
      heldDecisions = withDecisions(heldDecisions, fresh);
      waiting.value = heldDecisions.length;
    },
    setPaused: (pause) => {
      paused.value = pause;
      if (pause || held === null) return;
      apply(held, heldDecisions.toReversed());
      held = null;
      heldDecisions = [];
      waiting.value = 0;
    },
  };
}

/** A page that asks whether it has a session, and has none, decides nothing. Who failed to sign in is in the audit. */
const isOfTheFleet = ({ route }: ShownRequest): boolean => route !== "/dashboard";

/** Whether any row shows something else now. */
function applyRows(rows: Map<string, Signal<EndpointRow>>, after: readonly EndpointRow[]): boolean {
  const keys = new Set(after.map(({ key }) => key));
  let changed = false;
  for (const key of rows.keys()) {
    if (keys.has(key)) continue;
    rows.delete(key);
    changed = true;
  }
  for (const row of after) {
    const known = rows.get(row.key);
    if (known !== undefined && isSameRow(known.peek(), row)) continue;
    changed = true;
    if (known === undefined) rows.set(row.key, signal(row));
    else known.value = row;
  }
  return changed;
}

/** Two pictures: rows of 200 endpoints and fifty new decisions in one would be seen as a jerk each second. */
const DECISIONS_AFTER_MS = 32;

/** Of this page. */
export const store = createPageStore((work) => void setTimeout(work, DECISIONS_AFTER_MS));
