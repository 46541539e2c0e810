/**
 * What is said to who listens: changes of state, and how an order ended. One polite region for the page; figures that
 * change every second are no news. What was ordered is shown as well, until the next.
 */
import { signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { store } from "../store/page-store.ts";

const notice = signal("");

/** What was said last of an order; "": nothing, or it was dismissed. */
export const lastOrder: ReadonlySignal<string> = notice;

/** Says how an order ended. */
export function announce(text: string): void {
  notice.value = text;
}

/** Once on the page. */
export function Announcements() {
  const text = notice.value;
  return (
    <>
      <p class="unseen" role="status" aria-label="Changes of state">
        {store.news.value}
      </p>
      <p class={text === "" ? "notice notice-empty" : "notice"} role="status" aria-label="Last order">
        <span>{text}</span>
        {text === "" ? null : (
          <button type="button" class="button button-small" onClick={() => announce("")}>
            Dismiss
          </button>
        )}
      </p>
    </>
  );
}
