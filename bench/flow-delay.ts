/**
 * Holds answers for a fixed time, measured from their arrival: never shorter, and about a millisecond longer at most.
 *
 * Model. Every answer is held equally long, so they leave in the order in which they came: one queue and one timer, set
 * for the head. The timers of Node count whole milliseconds from the turn's beginning, and so may fire up to one early;
 * then the timer is set again. Rejected: a timer per answer, which answers early, and turning in a circle for the last
 * fraction of a millisecond, which takes the core from the gateway under test.
 */

/** Told how long the answer was really held, ms. */
type Held = (heldMs: number) => void;

export type DelayLine = { hold(held: Held): void };

type Waiting = { readonly arrivedAtMs: number; readonly held: Held; next: Waiting | null };

export function createDelayLine(delayMs: number): DelayLine {
  let head: Waiting | null = null;
  let tail: Waiting | null = null;
  const arm = ({ arrivedAtMs }: Waiting): void => {
    setTimeout(release, Math.max(1, Math.ceil(arrivedAtMs + delayMs - performance.now())));
  };
  const release = (): void => {
    while (head !== null) {
      const heldMs = performance.now() - head.arrivedAtMs;
      if (heldMs < delayMs) {
        arm(head);
        return;
      }
      head.held(heldMs);
      head = head.next;
    }
    tail = null;
  };
  return {
    hold(held) {
      const waiting: Waiting = { arrivedAtMs: performance.now(), held, next: null };
      if (tail === null) {
        head = waiting;
        arm(waiting);
      } else tail.next = waiting;
      tail = waiting;
    },
  };
}
