/** What happened, newest first: alerts, and changes of state. A frame brings those since the one before. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Frame } from "../frame.ts";
import { Section } from "../parts/section.tsx";
import { formatClock, inWords } from "../store/format.ts";
import { store } from "../store/page-store.ts";
import { withEvents } from "./event-list.ts";

const events = signal<Frame["events"]>([]);

export function Events() {
  const frame = store.frame.value;
  useEffect(() => {
    if (frame !== null) events.value = withEvents(events.peek(), frame.events);
  }, [frame]);
  return (
    <Section id="events" title="Alerts and events">
      {events.value.length === 0 ? (
        <p class="empty">Nothing has happened since this page was opened.</p>
      ) : (
        <ol class="events" tabIndex={0} aria-label="Alerts and events, newest first">
          {events.value.map(({ atMs, kind, text }) => (
            <li key={`${atMs}/${kind}/${text}`} class={/alert/.test(kind) ? "event event-alert" : "event"}>
              <time dateTime={new Date(atMs).toISOString()}>{formatClock(atMs)}</time>
              <span class="event-kind">{inWords(kind)}</span>
              <span class="event-text">{text}</span>
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}
