/**
 * When would a GPU server with continuous batching emit each token? A state machine over virtual time.
 *
 * Model (docs/sources.md, Engines, as vLLM schedules): the engine works in steps. In one step every decoding sequence gets
 * one token, and prompts are read in admission order up to a chunk budget; a prompt read to its end yields its first
 * token at the end of that step. A step lasts `(a + b·decoding + c·prompt tokens read) · slowdown · load factor`.
 * A request holds one slot and reserves KV for its prompt and its whole output, so nothing is ever preempted; requests
 * that do not fit wait, first come first served. What joins or leaves during a step counts from the next one on.
 *
 * Cost: with detail `edges` (first token and done only) a run of equal steps is one jump, so a request costs a few
 * operations however long its answer is. Rejected: a queue of c servers with drawn service times, which cannot show
 * that an engine slows before it is full; and vLLM's preempt-and-recompute, which changes tails only past KV overload.
 */
import { invariant } from "../../src/lib/invariant.ts";
import type { Rng } from "../../src/lib/rng.ts";

export type EngineParams = {
  /** a: fixed part of a step, ms, >= 0. */
  readonly stepBaseMs: number;
  /** b: added to a step per decoding sequence, ms, >= 0. */
  readonly stepPerDecodingMs: number;
  /** c: added to a step per prompt token read in it, ms, >= 0. */
  readonly stepPerPrefillTokenMs: number;
  /** Slots: sequences in the batch, prefilling or decoding, >= 1. */
  readonly maxNumSeqs: number;
  /** Requests that may wait for a slot, >= 0; one more is rejected. */
  readonly maxWaitingQueueLength: number;
  /** KV tokens that all slots share; null is no limit. */
  readonly kvTokensMax: number | null;
  /** Prompt tokens read in one step, all sequences together, >= 1. */
  readonly prefillChunkTokens: number;
  /** Steps last this many times longer when every slot is taken, linearly less with fewer; >= 1. */
  readonly timeFactorUnderLoad: number;
  /** When set, a first token comes this long after its slot, whatever the prompt's length; c is then not used. */
  readonly firstTokenMs: number | null;
  /** Standard deviation of `firstTokenMs`, ms; needs an rng. */
  readonly firstTokenStdDevMs: number;
  /** Standard deviation of a step, ms; needs an rng. */
  readonly stepStdDevMs: number;
};

/** `every_token`: an event per token. `edges`: only first tokens and ends, which is what makes long answers cheap. */
export type EngineDetail = "every_token" | "edges";

export type EngineRequest = {
  readonly id: string;
  readonly promptTokens: number;
  /** Prompt tokens that a prefix cache already holds: they take KV but no prefill. Default 0. */
  readonly cachedPromptTokens?: number;
  /** Tokens the answer will have, >= 1. */
  readonly outputTokens: number;
};

export type Admission = "admitted" | "queued" | "rejected";

export type EngineEvent = {
  readonly kind: "first_token" | "token" | "done";
  readonly id: string;
  readonly atMs: number;
  /** Index of the token, from 0; for `done`, of the last one. */
  readonly tokenIndex: number;
  /** When the request got its slot, ms; what came before was the queue. */
  readonly admittedAtMs: number;
};

export type EngineLoad = { readonly running: number; readonly waiting: number; readonly kvUsage: number };

type Sequence = {
  readonly id: string;
  readonly outputTokens: number;
  readonly kvTokens: number;
  prefillLeft: number;
  /** Share of the step's prefill budget, planned anew for each step; 0 for a sequence that joined after the step began. */
  plannedTokens: number;
  emitted: number;
  admittedAtMs: number;
  /** End of a fixed-time prefill; unused when prefill goes by tokens. */
  readyAtMs: number;
};

type Step = { readonly startMs: number; readonly stepMs: number; readonly repeats: number; readonly endMs: number };

export type Engine = {
  readonly params: EngineParams;
  readonly detail: EngineDetail;
  readonly rng: Rng | null;
  /** In admission order. */
  readonly running: Sequence[];
  readonly byId: Map<string, Sequence>;
  /** A Map is a queue here: insertion order, and O(1) removal on cancel. */
  readonly waiting: Map<string, Sequence>;
  kvReserved: number;
  slowdown: number;
  step: Step | null;
};

/** A draw stays within this share of its mean, as in llm-d-inference-sim: no negative and no absurd times. */
export const JITTER_SHARE_MAX = 0.7;

export function createEngine(
  params: EngineParams,
  { detail = "every_token", rng = null }: { detail?: EngineDetail; rng?: Rng | null } = {},
): Engine {
  invariant(params.maxNumSeqs >= 1 && params.prefillChunkTokens >= 1, "an engine needs a slot and a prefill budget");
  invariant(params.timeFactorUnderLoad >= 1, "load never makes an engine faster");
  invariant(
    rng !== null || (params.stepStdDevMs === 0 && params.firstTokenStdDevMs === 0),
    "a standard deviation needs an rng",
  );
  return {
    params,
    detail,
    rng,
    running: [],
    byId: new Map(),
    waiting: new Map(),
    kvReserved: 0,
    slowdown: 1,
    step: null,
  };
}

/**
 * Asks for a slot at `nowMs`. The caller has advanced the engine to `nowMs`, and reads `nextEventMs` again afterwards.
 * Rejected: the queue is full, or the request could not fit into an empty engine. The id must not be in use.
 */
export function submit(engine: Engine, request: EngineRequest, nowMs: number): Admission {
  assertAdvanced(engine, nowMs);
  invariant(!engine.byId.has(request.id) && !engine.waiting.has(request.id), `request id in use: ${request.id}`);
  invariant(request.promptTokens >= 0 && request.outputTokens >= 1, "a request has a prompt and at least one token");
  const kvTokens = request.promptTokens + request.outputTokens;
  if (kvTokens > (engine.params.kvTokensMax ?? Infinity)) return "rejected";
  const sequence: Sequence = {
    id: request.id,
    outputTokens: request.outputTokens,
    kvTokens,
    // The last prompt token is always computed: its logits are the first token.
    prefillLeft: Math.max(1, request.promptTokens - (request.cachedPromptTokens ?? 0)),
    plannedTokens: 0,
    emitted: 0,
    admittedAtMs: nowMs,
    readyAtMs: 0,
  };
  if (engine.waiting.size === 0 && fits(engine, sequence)) {
    admit(engine, sequence, nowMs);
    interrupt(engine, nowMs);
    return "admitted";
  }
  if (engine.waiting.size >= engine.params.maxWaitingQueueLength) return "rejected";
  engine.waiting.set(sequence.id, sequence);
  return "queued";
}

/** Forgets a request at once, waiting or running, and gives its slot to the next. False when the id is unknown. */
export function cancel(engine: Engine, id: string, nowMs: number): boolean {
  assertAdvanced(engine, nowMs);
  const sequence = engine.byId.get(id);
  if (sequence === undefined && !engine.waiting.delete(id)) return false;
  if (sequence !== undefined) {
    engine.byId.delete(id);
    engine.running.splice(engine.running.indexOf(sequence), 1);
    engine.kvReserved -= sequence.kvTokens;
  }
  // A waiting head too large for the free KV may have blocked others: look again in both cases.
  admitWaiting(engine, nowMs);
  interrupt(engine, nowMs);
  return true;
}

/** Steps that begin from `nowMs` on last `factor` times as long (> 0). */
export function setSlowdown(engine: Engine, factor: number, nowMs: number): void {
  assertAdvanced(engine, nowMs);
  invariant(factor > 0, "a slowdown is positive");
  engine.slowdown = factor;
  interrupt(engine, nowMs);
}

/** When `advance` will next have something to do, ms; null when idle. */
export function nextEventMs(engine: Engine): number | null {
  return engine.step === null ? null : engine.step.endMs;
}

/** Runs every step that ends by `nowMs`; events are in time order, and by admission within a step. */
export function advance(engine: Engine, nowMs: number): EngineEvent[] {
  const events: EngineEvent[] = [];
  while (engine.step !== null && engine.step.endMs <= nowMs) finishStep(engine, engine.step, events);
  return events;
}

/** `kvUsage` is the reserved share of the KV budget, 0..1: it is what admission looks at. */
export function load(engine: Engine): EngineLoad {
  const { kvTokensMax } = engine.params;
  return {
    running: engine.running.length,
    waiting: engine.waiting.size,
    kvUsage: kvTokensMax === null ? 0 : engine.kvReserved / kvTokensMax,
  };
}

function fits(engine: Engine, sequence: Sequence): boolean {
  const { maxNumSeqs, kvTokensMax } = engine.params;
  return (
    engine.running.length < maxNumSeqs && (kvTokensMax === null || engine.kvReserved + sequence.kvTokens <= kvTokensMax)
  );
}

function admit(engine: Engine, sequence: Sequence, nowMs: number): void {
  const { firstTokenMs, firstTokenStdDevMs } = engine.params;
  engine.running.push(sequence);
  engine.byId.set(sequence.id, sequence);
  engine.kvReserved += sequence.kvTokens;
  sequence.admittedAtMs = nowMs;
  if (firstTokenMs !== null) {
    sequence.readyAtMs = nowMs + drawMs(engine, firstTokenMs, firstTokenStdDevMs) * timeFactor(engine);
  }
}

function admitWaiting(engine: Engine, nowMs: number): void {
  for (const sequence of engine.waiting.values()) {
    if (!fits(engine, sequence)) return;
    engine.waiting.delete(sequence.id);
    admit(engine, sequence, nowMs);
  }
}

/** The batch changed: nothing of the current step is undone, and what it would have repeated is planned anew. */
function interrupt(engine: Engine, nowMs: number): void {
  const { step } = engine;
  if (step === null || step.startMs === nowMs) {
    planStep(engine, nowMs);
  } else if (step.repeats > 1) {
    const repeats = Math.min(step.repeats, Math.ceil((nowMs - step.startMs) / step.stepMs));
    // max: rounding must not put the end of the step before now.
    engine.step = { ...step, repeats, endMs: Math.max(nowMs, step.startMs + repeats * step.stepMs) };
  }
}

function planStep(engine: Engine, startMs: number): void {
  const { params, running } = engine;
  const timed = params.firstTokenMs !== null;
  let decoding = 0;
  let budgetTokens = params.prefillChunkTokens;
  let tokensToNextEnd = Infinity;
  let readyAtMs = Infinity;
  for (const sequence of running) {
    if (sequence.emitted > 0) {
      decoding += 1;
      tokensToNextEnd = Math.min(tokensToNextEnd, sequence.outputTokens - sequence.emitted);
    } else if (timed) {
      readyAtMs = Math.min(readyAtMs, sequence.readyAtMs);
    } else {
      sequence.plannedTokens = Math.min(budgetTokens, sequence.prefillLeft);
      budgetTokens -= sequence.plannedTokens;
    }
  }
  if (running.length === 0) {
    engine.step = null;
  } else if (timed && decoding === 0) {
    const endMs = Math.max(startMs, readyAtMs);
    engine.step = { startMs, stepMs: endMs - startMs, repeats: 1, endMs };
  } else {
    const meanMs =
      params.stepBaseMs +
      params.stepPerDecodingMs * decoding +
      params.stepPerPrefillTokenMs * (params.prefillChunkTokens - budgetTokens);
    const stepMs = drawMs(engine, meanMs, params.stepStdDevMs) * timeFactor(engine);
    const jumps = engine.detail === "edges" && decoding === running.length && params.stepStdDevMs === 0;
    const repeats = jumps ? tokensToNextEnd : 1;
    engine.step = { startMs, stepMs, repeats, endMs: startMs + repeats * stepMs };
  }
}

function finishStep(engine: Engine, { endMs, repeats }: Step, events: EngineEvent[]): void {
  const { running, params, detail } = engine;
  let kept = 0;
  for (const sequence of running) {
    const { id, admittedAtMs } = sequence;
    if (sequence.emitted > 0) {
      sequence.emitted += repeats;
      if (detail === "every_token")
        events.push({ kind: "token", id, atMs: endMs, tokenIndex: sequence.emitted - 1, admittedAtMs });
    } else if (prefillEnded(sequence, params.firstTokenMs !== null, endMs)) {
      sequence.emitted = 1;
      events.push({ kind: "first_token", id, atMs: endMs, tokenIndex: 0, admittedAtMs });
    }
    if (sequence.emitted >= sequence.outputTokens) {
      events.push({ kind: "done", id, atMs: endMs, tokenIndex: sequence.emitted - 1, admittedAtMs });
      engine.byId.delete(id);
      engine.kvReserved -= sequence.kvTokens;
    } else {
      running[kept] = sequence;
      kept += 1;
    }
  }
  running.length = kept;
  admitWaiting(engine, endMs);
  planStep(engine, endMs);
}

function prefillEnded(sequence: Sequence, timed: boolean, endMs: number): boolean {
  if (timed) return sequence.readyAtMs <= endMs;
  sequence.prefillLeft -= sequence.plannedTokens;
  return sequence.prefillLeft === 0;
}

function timeFactor({ params, running, slowdown }: Engine): number {
  const { maxNumSeqs, timeFactorUnderLoad } = params;
  if (timeFactorUnderLoad === 1 || maxNumSeqs === 1) return slowdown;
  return slowdown * (1 + ((timeFactorUnderLoad - 1) * (running.length - 1)) / (maxNumSeqs - 1));
}

/** A normal draw (Box and Muller), kept within `JITTER_SHARE_MAX` of the mean. */
function drawMs({ rng }: Engine, meanMs: number, stdDevMs: number): number {
  if (rng === null || stdDevMs === 0) return meanMs;
  const standard = Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
  const offMs = Math.max(-JITTER_SHARE_MAX * meanMs, Math.min(JITTER_SHARE_MAX * meanMs, standard * stdDevMs));
  return meanMs + offMs;
}

function assertAdvanced({ step }: Engine, nowMs: number): void {
  invariant(step === null || (nowMs >= step.startMs && nowMs <= step.endMs), "advance the engine to now first");
}
