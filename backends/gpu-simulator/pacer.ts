/**
 * Runs the engine model in real time: one timer to the end of the current step, and each request gets the tokens of a
 * wake-up as one call, so that they leave as one write.
 *
 * The engine's clock is the monotonic clock; steps that ended since the last wake-up are all delivered at once, so a
 * late timer delays tokens but never slows the engine. Rejected: a timer per token, which at 256 sequences is
 * thousands of timers a second that drift apart.
 */
import { advance, cancel, createEngine, load, nextEventMs, setSlowdown, submit } from "../gpu-engine/engine-model.ts";
import type { Engine, EngineEvent, EngineLoad, EngineParams } from "../gpu-engine/engine-types.ts";
import { seededRng } from "../../src/lib/rng.ts";
import { observeMs } from "./metrics.ts";
import type { FinishReason, Metrics } from "./metrics.ts";

type PacedRequest = {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly finishReason: "stop" | "length";
  /** Tokens that became ready together. */
  readonly onTokens: (count: number) => void;
  readonly onDone: () => void;
};

export type Pacer = {
  readonly engine: Engine;
  load(): EngineLoad;
  /** The engine's id of the request, or null when its queue is full. */
  submit(request: PacedRequest): string | null;
  /** Takes a request out at once; nothing when it has ended. */
  cancel(id: string): boolean;
  setSlowdown(factor: number): void;
  close(): void;
};

type Entry = PacedRequest & { readonly submittedAtMs: number; lastTokenAtMs: number };

export function createPacer(options: {
  readonly params: EngineParams;
  readonly seed: number;
  readonly metrics: Metrics;
}): Pacer {
  const { metrics } = options;
  const engine = createEngine(options.params, { rng: seededRng(options.seed) });
  const entries = new Map<string, Entry>();
  /** Events that a submit or a cancel uncovered; the next wake-up delivers them. */
  let undelivered: EngineEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  let lastId = 0;

  const catchUp = (): number => {
    const nowMs = performance.now();
    undelivered.push(...advance(engine, nowMs));
    return nowMs;
  };
  const arm = (): void => {
    clearTimeout(timer);
    const endMs = nextEventMs(engine);
    if (undelivered.length > 0) timer = setTimeout(wake, 0);
    else if (endMs !== null) timer = setTimeout(wake, Math.max(0, Math.ceil(endMs - performance.now())));
  };
  const wake = (): void => {
    catchUp();
    const events = undelivered;
    undelivered = [];
    const batches = groupEvents(events, entries, metrics);
    for (const [id, { tokens, done }] of batches) {
      const entry = entries.get(id);
      if (entry === undefined) continue;
      if (done) finish(id, entry.finishReason);
      if (tokens > 0) entry.onTokens(tokens);
      if (done) entry.onDone();
    }
    arm();
  };
  const finish = (id: string, reason: FinishReason): void => {
    entries.delete(id);
    metrics.finished[reason] += 1;
  };

  return {
    engine,
    load: () => load(engine),
    submit(request) {
      const nowMs = catchUp();
      lastId += 1;
      const id = `${lastId}`;
      const answer = submit(
        engine,
        { id, promptTokens: request.promptTokens, outputTokens: request.outputTokens },
        nowMs,
      );
      if (answer !== "rejected") entries.set(id, { ...request, submittedAtMs: nowMs, lastTokenAtMs: nowMs });
      arm();
      return answer === "rejected" ? null : id;
    },
    cancel(id) {
      if (!entries.has(id)) return false;
      cancel(engine, id, catchUp());
      finish(id, "abort");
      arm();
      return true;
    },
    setSlowdown(factor) {
      setSlowdown(engine, factor, catchUp());
      arm();
    },
    close() {
      clearTimeout(timer);
      entries.clear();
    },
  };
}

/** What each request gets from these events. Events of a request that was cancelled meanwhile are dropped. */
function groupEvents(
  events: readonly EngineEvent[],
  entries: ReadonlyMap<string, Entry>,
  metrics: Metrics,
): Map<string, { tokens: number; done: boolean }> {
  const batches = new Map<string, { tokens: number; done: boolean }>();
  for (const event of events) {
    const entry = entries.get(event.id);
    if (entry === undefined) continue;
    measure(metrics, entry, event);
    const batch = batches.get(event.id) ?? { tokens: 0, done: false };
    if (event.kind === "done") batch.done = true;
    else batch.tokens += 1;
    batches.set(event.id, batch);
  }
  return batches;
}

function measure(metrics: Metrics, entry: Entry, event: EngineEvent): void {
  const { submittedAtMs, lastTokenAtMs } = entry;
  switch (event.kind) {
    case "first_token":
      observeMs(metrics.queueTime, event.admittedAtMs - submittedAtMs);
      observeMs(metrics.timeToFirstToken, event.atMs - submittedAtMs);
      metrics.promptTokens += entry.promptTokens;
      metrics.generationTokens += 1;
      break;
    case "token":
      observeMs(metrics.interTokenLatency, event.atMs - lastTokenAtMs);
      metrics.generationTokens += 1;
      break;
    case "done":
      observeMs(metrics.endToEnd, event.atMs - submittedAtMs);
      break;
  }
  entry.lastTokenAtMs = event.atMs;
}
