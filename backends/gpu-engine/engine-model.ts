/**
 * When would a GPU server with continuous batching emit each token? A state machine over virtual time.
 *
 * Model (docs/reference/sources.md, Engines, as vLLM schedules): the engine works in steps. In one step every decoding sequence
 * gets one token, and prompts are read in admission order up to a chunk budget; a prompt read to its end yields its
 * first token at the end of that step. A step lasts `(a + b·decoding + c·prompt tokens read) · slowdown · load factor`.
 * A request holds one slot, and KV (`kv-memory.ts`) for its prompt and for each token as it comes. One whose prompt
 * does not fit waits, first come, first served; which of its blocks are known is looked at when it is admitted, and
 * blocks are known to others once they are read. When a step finds no room for its tokens, the request admitted last is
 * preempted: it gives up its slot and its KV, waits before all others, and reads its prompt and its own tokens again.
 * What joins or leaves during a step counts from the next one on.
 *
 * Cost: with detail `edges` (first token and done only) a run of equal steps is one jump, so a request costs a few
 * operations however long its answer is. Rejected: a queue of c servers with drawn service times, which cannot show
 * that an engine slows before it is full; and KV reserved for the whole answer, which no engine can know.
 * Not modelled: decoding tokens in the chunk budget, a prompt's KV taken chunk by chunk, answers in the prefix cache.
 */
import { invariant } from "../../src/lib/invariant.ts";
import type { Rng } from "../../src/lib/rng.ts";
import {
  BLOCK_TOKENS,
  copyKvMemory,
  createKvMemory,
  hasRoom,
  matchedBlocks,
  rememberBlock,
  release,
  takePrompt,
  takeTokens,
} from "./kv-memory.ts";
import type { BlockIds } from "./kv-memory.ts";
import type {
  Admission,
  Engine,
  EngineDetail,
  EngineEvent,
  EngineLoad,
  EngineParams,
  EngineRequest,
  Sequence,
  Step,
} from "./engine-types.ts";

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
    preempted: [],
    kv: createKvMemory(params.kvTokensMax ?? Infinity),
    preemptions: 0,
    slowdown: 1,
    step: null,
  };
}

/** A copy that can be advanced and asked without changing the engine. It draws from the same rng. */
export function copyEngine(engine: Engine): Engine {
  const copied = (sequence: Sequence): Sequence => {
    const { ownTokens, shared } = sequence.kv;
    return { ...sequence, kv: { ownTokens, shared: [...shared] } };
  };
  const running = engine.running.map(copied);
  return {
    ...engine,
    running,
    byId: new Map(running.map((sequence) => [sequence.id, sequence])),
    waiting: new Map([...engine.waiting].map(([id, sequence]) => [id, copied(sequence)])),
    preempted: engine.preempted.map(copied),
    kv: copyKvMemory(engine.kv),
  };
}

/**
 * Asks for a slot at `nowMs`. The caller has advanced the engine to `nowMs`, and reads `nextEventMs` again afterwards.
 * Rejected: the queue is full, or the request could not fit into an empty engine. The id must not be in use.
 */
export function submit(engine: Engine, request: EngineRequest, nowMs: number): Admission {
  assertAdvanced(engine, nowMs);
  invariant(!isKnown(engine, request.id), `request id in use: ${request.id}`);
  invariant(request.promptTokens >= 0 && request.outputTokens >= 1, "a request has a prompt and at least one token");
  if (request.promptTokens + request.outputTokens > engine.kv.tokensMax) return "rejected";
  const sequence = sequenceOf(request);
  if (engine.waiting.size === 0 && engine.preempted.length === 0) {
    cutShort(engine, nowMs);
    if (admit(engine, sequence, nowMs)) {
      planAgain(engine, nowMs);
      return "admitted";
    }
  }
  if (engine.waiting.size >= engine.params.maxWaitingQueueLength) return "rejected";
  engine.waiting.set(sequence.id, sequence);
  return "queued";
}

/** Forgets a request at once, waiting or running, and gives its slot to the next. False when the id is unknown. */
export function cancel(engine: Engine, id: string, nowMs: number): boolean {
  assertAdvanced(engine, nowMs);
  if (!isKnown(engine, id)) return false;
  cutShort(engine, nowMs);
  const sequence = engine.byId.get(id);
  if (sequence !== undefined) {
    engine.byId.delete(id);
    engine.running.splice(engine.running.indexOf(sequence), 1);
    release(engine.kv, sequence.kv);
  } else if (!engine.waiting.delete(id)) {
    engine.preempted.splice(
      engine.preempted.findIndex((one) => one.id === id),
      1,
    );
  }
  // A waiting head too large for the free KV may have blocked others: look again in all cases.
  admitWaiting(engine, nowMs);
  planAgain(engine, nowMs);
  return true;
}

/** Prompt tokens of such a request that the engine would not read now. */
export function matchedTokens(engine: Engine, blocks: BlockIds): number {
  return matchedBlocks(engine.kv, blocks) * BLOCK_TOKENS;
}

/** Steps that begin from `nowMs` on last `factor` times as long (> 0). */
export function setSlowdown(engine: Engine, factor: number, nowMs: number): void {
  assertAdvanced(engine, nowMs);
  invariant(factor > 0, "a slowdown is positive");
  engine.slowdown = factor;
  cutShort(engine, nowMs);
  planAgain(engine, nowMs);
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

/** `kvUsage` is the held share of the KV memory, 0..1; what is only remembered makes room when it is needed. */
export function load({ running, waiting, preempted, kv }: Engine): EngineLoad {
  return {
    running: running.length,
    waiting: waiting.size + preempted.length,
    kvUsage: kv.usedTokens / kv.tokensMax,
  };
}

function isKnown({ byId, waiting, preempted }: Engine, id: string): boolean {
  return byId.has(id) || waiting.has(id) || preempted.some((sequence) => sequence.id === id);
}

function sequenceOf({ id, promptTokens, outputTokens, blocks = [] }: EngineRequest): Sequence {
  const whole = Math.min(blocks.length, Math.floor(promptTokens / BLOCK_TOKENS));
  return {
    id,
    promptTokens,
    outputTokens,
    blocks: whole === blocks.length ? blocks : Array.from({ length: whole }, (_, at) => blocks[at] ?? -1),
    kv: { ownTokens: 0, shared: [] },
    isReading: true,
    prefillLeft: 0,
    blocksRead: 0,
    plannedTokens: 0,
    emitted: 0,
    admittedAtMs: NaN,
    cachedTokens: 0,
    readyAtMs: 0,
  };
}

/** Takes a slot, and KV for all that is to be read and the token that follows; false when there is no room. */
function admit(engine: Engine, sequence: Sequence, nowMs: number): boolean {
  const { params, kv } = engine;
  const { blocks, promptTokens, emitted } = sequence;
  if (engine.running.length >= params.maxNumSeqs) return false;
  const tokens = promptTokens + emitted;
  const matched = matchedBlocks(kv, blocks);
  if (!hasRoom(kv, tokens + 1, blocks, matched)) return false;
  sequence.kv = takePrompt(kv, tokens + 1, blocks, matched);
  sequence.isReading = true;
  sequence.plannedTokens = 0;
  sequence.blocksRead = matched;
  // The last token is always computed: its logits are the next one.
  sequence.prefillLeft = Math.max(1, tokens - matched * BLOCK_TOKENS);
  if (Number.isNaN(sequence.admittedAtMs)) {
    sequence.admittedAtMs = nowMs;
    sequence.cachedTokens = matched * BLOCK_TOKENS;
  }
  if (params.firstTokenMs !== null) {
    sequence.readyAtMs = nowMs + drawMs(engine, params.firstTokenMs, params.firstTokenStdDevMs) * timeFactor(engine, 1);
  }
  engine.running.push(sequence);
  engine.byId.set(sequence.id, sequence);
  return true;
}

function admitWaiting(engine: Engine, nowMs: number): void {
  const { waiting, preempted } = engine;
  for (let next = preempted.at(-1); next !== undefined; next = preempted.at(-1)) {
    if (!admit(engine, next, nowMs)) return;
    preempted.pop();
  }
  for (const sequence of waiting.values()) {
    if (!admit(engine, sequence, nowMs)) return;
    waiting.delete(sequence.id);
  }
}

/**
 * The batch changes: what the current step would have repeated is planned anew, and gives back its KV. Nothing is
 * undone.
 */
function cutShort(engine: Engine, nowMs: number): void {
  const { step } = engine;
  if (step === null || step.repeats === 1) return;
  const repeats = Math.max(1, Math.min(step.repeats, Math.ceil((nowMs - step.startMs) / step.stepMs)));
  for (const sequence of engine.running) takeTokens(engine.kv, sequence.kv, repeats - step.repeats);
  // max: rounding must not put the end of the step before now.
  engine.step = { ...step, repeats, endMs: Math.max(nowMs, step.startMs + repeats * step.stepMs) };
}

/** A step that begins now takes in who came; one that runs goes on. */
function planAgain(engine: Engine, nowMs: number): void {
  if (engine.step === null || engine.step.startMs === nowMs) planStep(engine, nowMs);
}

/** First the running get room for their next tokens; others are admitted only when nobody had to leave for that. */
function beginStep(engine: Engine, nowMs: number): void {
  const { running, kv } = engine;
  const decoding = running.reduce((count, { isReading }) => count + (isReading ? 0 : 1), 0);
  let needed = decoding;
  let isShort = false;
  while (kv.usedTokens + needed > kv.tokensMax) {
    const last = running.pop();
    invariant(last !== undefined, "an empty engine has room");
    isShort = true;
    if (!last.isReading) needed -= 1;
    release(kv, last.kv);
    engine.byId.delete(last.id);
    engine.preempted.push(last);
    engine.preemptions += 1;
  }
  for (const { isReading, kv: hold } of running) if (!isReading) takeTokens(kv, hold, 1);
  if (!isShort) admitWaiting(engine, nowMs);
  planStep(engine, nowMs);
}

/** How long the step lasts; the KV of its tokens is taken. */
function planStep(engine: Engine, startMs: number): void {
  const { params, running, kv } = engine;
  const timed = params.firstTokenMs !== null;
  let decoding = 0;
  let budgetTokens = params.prefillChunkTokens;
  let tokensToNextEnd = Infinity;
  let readyAtMs = Infinity;
  for (const sequence of running) {
    if (!sequence.isReading) {
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
    const stepMs = drawMs(engine, meanMs, params.stepStdDevMs) * timeFactor(engine, 0);
    const jumps = engine.detail === "edges" && decoding === running.length && params.stepStdDevMs === 0;
    const fitting = 1 + Math.floor((kv.tokensMax - kv.usedTokens) / decoding);
    const repeats = jumps ? Math.min(tokensToNextEnd, fitting) : 1;
    if (repeats > 1) for (const sequence of running) takeTokens(kv, sequence.kv, repeats - 1);
    engine.step = { startMs, stepMs, repeats, endMs: startMs + repeats * stepMs };
  }
}

function finishStep(engine: Engine, { endMs, repeats }: Step, events: EngineEvent[]): void {
  const { running, kv, detail } = engine;
  let kept = 0;
  for (const sequence of running) {
    const { id, admittedAtMs, cachedTokens } = sequence;
    if (!sequence.isReading) sequence.emitted += repeats;
    else if (readingEnded(engine, sequence, endMs)) sequence.emitted += 1;
    const tokenIndex = sequence.emitted - 1;
    const told = { id, atMs: endMs, tokenIndex, admittedAtMs, cachedTokens };
    if (!sequence.isReading && tokenIndex === 0) events.push({ kind: "first_token", ...told });
    else if (!sequence.isReading && detail === "every_token") events.push({ kind: "token", ...told });
    if (sequence.emitted >= sequence.outputTokens) {
      events.push({ kind: "done", ...told });
      engine.byId.delete(id);
      release(kv, sequence.kv);
    } else {
      running[kept] = sequence;
      kept += 1;
    }
  }
  running.length = kept;
  beginStep(engine, endMs);
}

/** Reads what the step had planned; true when the next token follows. */
function readingEnded({ params, kv }: Engine, sequence: Sequence, endMs: number): boolean {
  const timed = params.firstTokenMs !== null;
  if (timed && sequence.readyAtMs > endMs) return false;
  sequence.prefillLeft = timed ? 0 : sequence.prefillLeft - sequence.plannedTokens;
  const read = sequence.promptTokens + sequence.emitted - sequence.prefillLeft;
  const { blocks } = sequence;
  for (; sequence.blocksRead < blocks.length && (sequence.blocksRead + 1) * BLOCK_TOKENS <= read;) {
    rememberBlock(kv, sequence.kv, blocks[sequence.blocksRead] ?? -1);
    sequence.blocksRead += 1;
  }
  if (sequence.prefillLeft > 0) return false;
  sequence.isReading = false;
  return true;
}

/** `coming`: who is about to join the batch. */
function timeFactor({ params, running, slowdown }: Engine, coming: number): number {
  const { maxNumSeqs, timeFactorUnderLoad } = params;
  if (timeFactorUnderLoad === 1 || maxNumSeqs === 1) return slowdown;
  return slowdown * (1 + ((timeFactorUnderLoad - 1) * (running.length + coming - 1)) / (maxNumSeqs - 1));
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
