/**
 * What reached which endpoint, and when: told by the endpoints' processes (`demo-tap.ts`), so that the demo waits for
 * an event and not for a time, and can count how often a job was started without asking the router.
 */

/** Requests that are remembered, the oldest forgotten first: the demo serves until Ctrl-C, and a show has some 200. */
export const ARRIVALS_MAX = 10_000;

type Arrival<Where> = {
  readonly where: Where;
  /** Of `performance.now()`. */
  readonly atMs: number;
};

export type Arrivals<Where> = {
  note(where: Where, requestId: string): void;
  /** Oldest first. */
  of(requestId: string): readonly Arrival<Where>[];
  /** Resolves when there are so many; with those that there are when `limitMs` is over. */
  wait(requestId: string, count: number, limitMs: number): Promise<readonly Arrival<Where>[]>;
};

export function createArrivals<Where>(): Arrivals<Where> {
  const known = new Map<string, Arrival<Where>[]>();
  const looks = new Set<() => void>();
  const of = (requestId: string): readonly Arrival<Where>[] => known.get(requestId) ?? [];
  return {
    note(where, requestId) {
      const arrivals = known.get(requestId) ?? [];
      known.set(requestId, [...arrivals, { where, atMs: performance.now() }]);
      const [oldest] = known.keys();
      if (known.size > ARRIVALS_MAX && oldest !== undefined) known.delete(oldest);
      for (const look of looks) look();
    },
    of,
    async wait(requestId, count, limitMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (of(requestId).length >= count) resolve();
      };
      looks.add(look);
      const timer = setTimeout(resolve, limitMs);
      look();
      await promise;
      clearTimeout(timer);
      looks.delete(look);
      return of(requestId);
    },
  };
}
