/**
 * A state as shape and word: the shape alone tells it, in one colour and in none. Shapes are drawn in a square of 16.
 */
import type { EndpointState } from "../store/endpoint-rows.ts";

/** Full: takes traffic. Hollow: could. Crossed or barred: does not. */
const SHAPES: Readonly<Record<EndpointState, string>> = {
  up: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z",
  full: "M2.5 2.5h11v11h-11Z",
  suspect: "M8 1.5 15 14H1Z",
  down: "M3.6 1.5 8 5.9l4.4-4.4 2.1 2.1L10.1 8l4.4 4.4-2.1 2.1L8 10.1l-4.4 4.4-2.1-2.1L5.9 8 1.5 3.6Z",
  ejected: "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13ZM4 6.8v2.4h8V6.8Z",
  draining: "M2 2h12v2.5H2Zm2 4.5h8L8 14Z",
  warming: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 2v8a4 4 0 0 0 0-8Z",
  cold: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z",
  unknown: "M6.5 11h3v3h-3ZM3.5 6a4.5 4.5 0 1 1 6 4.2H6.7C6.7 7.5 10 8 10 6a2 2 0 0 0-3.9 0Z",
};

export const shapeOf = (state: EndpointState): string => SHAPES[state];

export function StateMark({ state, note = "" }: { readonly state: EndpointState; readonly note?: string }) {
  return (
    <span class={`state state-${state}`}>
      <svg class="state-shape" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
        <path d={SHAPES[state]} fill-rule="evenodd" />
      </svg>
      <span class="state-word">{state}</span>
      {note === "" ? null : <span class="state-note">{note}</span>}
    </span>
  );
}
