/** Engines for tests: requests, runs to the end, and random arrivals that are checked at every change. */
import * as fc from "fast-check";
import { expect } from "vitest";
import { advance, cancel, load, nextEventMs, submit } from "../../backends/gpu-engine/engine-model.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import type { Engine, EngineEvent, EngineParams, EngineRequest } from "../../backends/gpu-engine/engine-types.ts";
import { BLOCK_TOKENS } from "../../backends/gpu-engine/kv-memory.ts";

export const params = (changes: Partial<EngineParams> = {}): EngineParams => ({
  ...ENGINE_PRESETS.default,
  ...changes,
});

export const request = (id: string, promptTokens: number, outputTokens: number): EngineRequest => ({
  id,
  promptTokens,
  outputTokens,
});

export function drain(engine: Engine): EngineEvent[] {
  const events: EngineEvent[] = [];
  for (let atMs = nextEventMs(engine); atMs !== null; atMs = nextEventMs(engine)) events.push(...advance(engine, atMs));
  return events;
}

export const timesOf = (events: readonly EngineEvent[], kind: EngineEvent["kind"], id: string): number[] =>
  events.filter((event) => event.kind === kind && event.id === id).map((event) => event.atMs);

export type Op = {
  readonly gapMs: number;
  readonly prompt: number;
  readonly output: number;
  readonly cancelAt: number;
};

export const opArb: fc.Arbitrary<Op> = fc.record({
  gapMs: fc.integer({ min: 0, max: 60 }),
  prompt: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 1_800 })),
  output: fc.integer({ min: 1, max: 30 }),
  cancelAt: fc.integer({ min: -20, max: 20 }),
});

export const smallArb = fc.record({
  maxNumSeqs: fc.integer({ min: 1, max: 5 }),
  maxWaitingQueueLength: fc.integer({ min: 0, max: 8 }),
  kvTokensMax: fc.constantFrom(null, 300, 800, 2_000, 4_000),
  prefillChunkTokens: fc.constantFrom(50, 300, 2048),
});

export type Run = {
  readonly events: EngineEvent[];
  readonly answers: Map<string, string>;
  readonly cancelled: Set<string>;
  readonly slots: string[];
};

/**
 * Nobody holds what is not counted, nothing is counted twice, and all of it fits. One `expect`: this runs at every
 * change.
 */
function checkMemory({ kv, running, waiting, preempted }: Engine): void {
  const own = running.reduce((sum, { kv: hold }) => sum + hold.ownTokens, 0);
  const holders = new Map<number, number>();
  for (const { kv: hold } of running) for (const id of hold.shared) holders.set(id, (holders.get(id) ?? 0) + 1);
  // A step that goes on has taken the tokens that it will yield.
  const isShort = running.some(({ isReading, promptTokens, emitted, kv: hold }) => {
    const held = hold.ownTokens + hold.shared.length * BLOCK_TOKENS;
    return isReading ? held !== promptTokens + emitted + 1 : held <= promptTokens + emitted;
  });
  const wrong = {
    "counted twice or not at all": kv.usedTokens !== own + kv.held.size * BLOCK_TOKENS,
    "more than there is": kv.usedTokens + kv.idle.size * BLOCK_TOKENS > kv.tokensMax,
    "held by another number": [...kv.held.keys(), ...holders.keys()].some((id) => kv.held.get(id) !== holders.get(id)),
    "idle and held": [...kv.idle.keys()].some((id) => kv.held.has(id)),
    "holds other than its tokens": isShort,
    "holds while it waits": [...waiting.values(), ...preempted].some(({ kv: hold }) => hold.ownTokens !== 0),
  };
  expect(Object.entries(wrong).filter(([, is]) => is)).toEqual([]);
}

/**
 * Plays the operations in order, checking the bounds after each change. Request i is cancelled by operation i +
 * cancelAt.
 */
export function play(engine: Engine, ops: readonly Op[]): Run {
  const run: Run = { events: [], answers: new Map(), cancelled: new Set(), slots: [] };
  const { maxNumSeqs, maxWaitingQueueLength } = engine.params;
  const settle = (untilMs: number): void => {
    for (let atMs = nextEventMs(engine); atMs !== null && atMs <= untilMs; atMs = nextEventMs(engine)) {
      run.events.push(...advance(engine, atMs));
      check();
    }
  };
  const check = (): void => {
    const { running, waiting, kvUsage } = load(engine);
    expect(running).toBeLessThanOrEqual(maxNumSeqs);
    expect(waiting - engine.preempted.length).toBeLessThanOrEqual(maxWaitingQueueLength);
    checkMemory(engine);
    expect(kvUsage).toBeGreaterThanOrEqual(0);
    expect(kvUsage).toBeLessThanOrEqual(1);
    if (running + waiting > 0) expect(nextEventMs(engine)).not.toBeNull();
    for (const { id } of engine.running) if (!run.slots.includes(id)) run.slots.push(id);
  };
  checkMemory(engine);
  let nowMs = 0;
  for (const [index, op] of ops.entries()) {
    // Beyond the same instant, a gap has a fraction that no sum of step times has: an arrival that ties with the end of
    // a step falls on either side of it by rounding.
    if (op.gapMs > 0) nowMs += op.gapMs + 0.001234567 * (index + 1);
    settle(nowMs);
    // Two families of prompts that begin alike.
    const blocks = Array.from({ length: Math.ceil(op.prompt / BLOCK_TOKENS) }, (_, at) => 10 * at + (op.output % 2));
    const asked = { ...request(`r${index}`, op.prompt, op.output), blocks };
    run.answers.set(`r${index}`, submit(engine, asked, nowMs));
    check();
    for (const [other, { cancelAt }] of ops.slice(0, index + 1).entries()) {
      if (other + Math.max(0, cancelAt) !== index || cancelAt < 0) continue;
      if (cancel(engine, `r${other}`, nowMs)) run.cancelled.add(`r${other}`);
      check();
    }
  }
  settle(Infinity);
  return run;
}
