/**
 * That a disk was full a moment ago: kept by the isolate, because the queue that met it does not live to remember.
 *
 * Model. A write that finds no room is noticed when it is committed, and the platform then resets the object that made
 * it, with all that it had in memory. So whoever is told of it marks it here. For FULL_PAUSE_MS the queues of this
 * isolate then write nothing of their own: what they have can be read, and what would write is refused. One try after
 * each pause tells whether there is room again.
 * Rejected: asking the disk before each write, which nothing here can.
 */

/** How long nothing is tried, ms: longer than most reads wait, and soon enough for a disk that was made room on. */
const FULL_PAUSE_MS = 10_000;

let untilMs = 0;

export function markStorageFull(now: number): void {
  untilMs = now + FULL_PAUSE_MS;
}

/** Until when nothing is to be written that need not be, ms. */
export const storageFullUntilMs = (): number => untilMs;

export const mayStore = (now: number): boolean => now >= untilMs;
