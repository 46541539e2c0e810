/**
 * Long polls: a call waits here by a promise until something happens, or until its time is up. Nothing spins: a waiter
 * is woken by the event it waits for, looks again, and waits on if that was not it.
 */
import { WAIT_MS_MAX, WAITERS_MAX } from "./bounds.ts";

/** One call's patience. `over` is true once its time is up; whoever made it ends it. */
export class Patience {
  over: boolean;
  isGivenUp = false;
  #wake: (() => void) | null = null;
  readonly #timer: ReturnType<typeof setTimeout> | null = null;

  /** `waitMs` <= 0: no waiting at all. */
  constructor(waitMs: number) {
    this.over = !(waitMs > 0);
    if (this.over) return;
    this.#timer = setTimeout(
      () => {
        this.over = true;
        this.#wake?.();
      },
      Math.min(waitMs, WAIT_MS_MAX),
    );
  }

  /** Nobody waits for the answer any more. */
  giveUp(): void {
    this.isGivenUp = true;
    this.over = true;
    this.#wake?.();
  }

  onEnd(wake: (() => void) | null): void {
    this.#wake = wake;
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

export class Waiters {
  readonly #byKey = new Map<string, Set<() => void>>();
  #count = 0;

  /** Resolves when `key` is woken or `patience` is over; at once when too many wait already. */
  async until(key: string, patience: Patience): Promise<void> {
    if (patience.over) return;
    if (this.#count >= WAITERS_MAX) {
      patience.over = true;
      return;
    }
    const waiting = this.#byKey.get(key) ?? new Set<() => void>();
    this.#byKey.set(key, waiting);
    this.#count += 1;
    let leave: (() => void) | null = null;
    try {
      await new Promise<void>((resolve) => {
        leave = resolve;
        waiting.add(resolve);
        patience.onEnd(resolve);
      });
    } finally {
      this.#count -= 1;
      patience.onEnd(null);
      if (leave !== null) waiting.delete(leave);
      if (waiting.size === 0 && this.#byKey.get(key) === waiting) this.#byKey.delete(key);
    }
  }

  wake(key: string): void {
    const waiting = this.#byKey.get(key);
    if (waiting === undefined) return;
    this.#byKey.delete(key);
    for (const resolve of waiting) resolve();
  }

  /** Wakes the one that waits longest. False when nobody waits. */
  wakeOne(key: string): boolean {
    const waiting = this.#byKey.get(key);
    const next = waiting?.values().next();
    if (waiting === undefined || next === undefined || next.done === true) return false;
    waiting.delete(next.value);
    next.value();
    return true;
  }

  has(key: string): boolean {
    return (this.#byKey.get(key)?.size ?? 0) > 0;
  }
}
