/** The list of events that the page keeps: newest first, each once, `EVENTS_MAX` at most. */
import type { Frame } from "../frame.ts";

type FrameEvent = Frame["events"][number];

/** A bad hour; what is older is in the log. */
export const EVENTS_MAX = 100;

/** A snapshot may bring again what an earlier one brought. */
export function withEvents(kept: readonly FrameEvent[], fresh: readonly FrameEvent[]): readonly FrameEvent[] {
  const known = new Set(kept.map(nameOf));
  const added = fresh.filter((event) => {
    const name = nameOf(event);
    if (known.has(name)) return false;
    known.add(name);
    return true;
  });
  if (added.length === 0) return kept;
  return [...added, ...kept].toSorted((one, other) => other.atMs - one.atMs).slice(0, EVENTS_MAX);
}

const nameOf = ({ atMs, kind, text }: FrameEvent): string => `${atMs}\n${kind}\n${text}`;
