/**
 * Is the endpoint cold, warming, warm or draining, and who waits for it?
 *
 * Cold goes to warming at the first need (a request, or a `/ping`, which on Runpod also wakes a worker), warming to
 * warm after the cold start, warm to cold after the idle time without work. Work that runs is never cut by a change of
 * state. Rejected: several simulated GPU workers behind one server; a pool of simulators is several processes, and one
 * process stays one GPU.
 */
export type LifecycleState = "cold" | "warming" | "warm" | "draining";

type WaitOutcome = "warm" | "draining" | "timed_out" | "gone";

export type Lifecycle = {
  state(): LifecycleState;
  /** Something needs the endpoint: a cold one starts. */
  wake(): void;
  set(state: LifecycleState): void;
  /** Wakes, then waits until warm, draining, the time-out or the client's leave. */
  whenWarm(options: { readonly timeoutMs: number; readonly gone: AbortSignal }): Promise<WaitOutcome>;
  /** Requests that wait for a warm endpoint. */
  waiting(): number;
  /** Work begins; call what is returned when it ends. While any runs, the endpoint is not idle. */
  enter(): () => void;
  close(): void;
};

export function createLifecycle(options: {
  readonly startState: LifecycleState;
  readonly coldStartMs: number;
  readonly idleTimeoutMs: number;
}): Lifecycle {
  let state: LifecycleState = "cold";
  let timer: NodeJS.Timeout | undefined;
  let inFlight = 0;
  const waiters = new Set<(outcome: WaitOutcome) => void>();

  const set = (next: LifecycleState): void => {
    clearTimeout(timer);
    state = next;
    if (next === "warming") timer = setTimeout(() => set("warm"), options.coldStartMs);
    if (next === "warm") armIdle();
    if (next === "warm" || next === "draining") for (const resolve of waiters) resolve(next);
    // Who waits is a need: going cold under them starts the next worker.
    if (next === "cold" && waiters.size > 0) set("warming");
  };
  const armIdle = (): void => {
    clearTimeout(timer);
    if (options.idleTimeoutMs > 0 && inFlight === 0) timer = setTimeout(() => set("cold"), options.idleTimeoutMs);
  };
  const wake = (): void => {
    if (state === "cold") set("warming");
  };
  set(options.startState);

  return {
    state: () => state,
    wake,
    set,
    async whenWarm({ timeoutMs, gone }) {
      wake();
      if (gone.aborted) return "gone";
      if (state === "warm" || state === "draining") return state;
      const { promise, resolve } = Promise.withResolvers<WaitOutcome>();
      const timeout = setTimeout(() => resolve("timed_out"), timeoutMs);
      const onGone = (): void => resolve("gone");
      gone.addEventListener("abort", onGone);
      waiters.add(resolve);
      const outcome = await promise;
      waiters.delete(resolve);
      gone.removeEventListener("abort", onGone);
      clearTimeout(timeout);
      return outcome;
    },
    waiting: () => waiters.size,
    enter() {
      inFlight += 1;
      if (state === "warm") clearTimeout(timer);
      let left = false;
      return () => {
        if (left) return;
        left = true;
        inFlight -= 1;
        if (state === "warm") armIdle();
      };
    },
    close() {
      clearTimeout(timer);
      for (const resolve of waiters) resolve("gone");
    },
  };
}
