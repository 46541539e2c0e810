/** The KV memory of the engine model: who holds it, what is remembered, and who gives way when it runs out. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { advance, cancel, createEngine, load, submit } from "../../backends/gpu-engine/engine-model.ts";
import { drain, opArb, params, play, request, smallArb, timesOf } from "./engine-play.ts";

describe("when KV runs out", () => {
  // Each step reads or yields in 10 ms, whoever takes part.
  const even = { stepBaseMs: 10, stepPerDecodingMs: 0, stepPerPrefillTokenMs: 0 };

  test("the request admitted last gives way, and reads again what it had", () => {
    const engine = createEngine(params({ ...even, kvTokensMax: 100 }));
    submit(engine, request("old", 40, 20), 0);
    submit(engine, request("young", 40, 20), 0);
    // 41 each after reading, 50 each after 10 tokens: the eleventh of both has no room.
    advance(engine, 100);
    expect(load(engine)).toEqual({ running: 1, waiting: 1, kvUsage: 0.51 });
    expect(engine.preempted.map(({ id }) => id)).toEqual(["young"]);
    const events = drain(engine);
    // old: its 20th token at 200. Only then are 51 tokens free for young: it reads 50 in one step and goes on at 210.
    expect(timesOf(events, "done", "old")).toEqual([200]);
    expect(timesOf(events, "token", "young")[0]).toBe(210);
    expect(timesOf(events, "done", "young")).toEqual([300]);
    expect(engine.preemptions).toBe(1);
  });

  test("nobody new is let in before who was preempted", () => {
    const engine = createEngine(params({ ...even, kvTokensMax: 100 }));
    submit(engine, request("old", 40, 20), 0);
    submit(engine, request("young", 40, 20), 0);
    advance(engine, 100);
    expect(submit(engine, request("new", 1, 1), 105)).toBe("queued");
    const firsts = drain(engine).filter(({ kind }) => kind !== "done");
    const [young, fresh] = ["young", "new"].map((id) => firsts.findIndex((event) => event.id === id));
    expect(young).toBeLessThan(fresh ?? 0);
  });

  test("one that is preempted can be cancelled", () => {
    const engine = createEngine(params({ ...even, kvTokensMax: 100 }));
    submit(engine, request("old", 40, 20), 0);
    submit(engine, request("young", 40, 20), 0);
    advance(engine, 100);
    expect(cancel(engine, "young", 101)).toBe(true);
    expect(drain(engine).every(({ id }) => id === "old")).toBe(true);
    expect(engine.kv.usedTokens).toBe(0);
  });

  test("blocks that two share are held once, and leave room for more", () => {
    const blocks = [1, 2];
    const engine = createEngine(params({ ...even, kvTokensMax: 2_000 }));
    submit(engine, { ...request("a", 1_024, 50), blocks }, 0);
    advance(engine, 10);
    expect(submit(engine, { ...request("b", 1_024, 50), blocks }, 10)).toBe("admitted");
    expect(engine.kv.usedTokens).toBe(1_024 + 2 + 1);
  });

  test("what nobody holds makes room, what was used longest ago first", () => {
    const engine = createEngine(params({ ...even, kvTokensMax: 2_000 }));
    for (const [index, id] of [1, 2, 3].entries()) {
      submit(engine, { ...request(`r${index}`, 512, 1), blocks: [id] }, index * 1_000);
      advance(engine, index * 1_000 + 500);
    }
    expect([...engine.kv.idle.keys()]).toEqual([1, 2, 3]);
    submit(engine, { ...request("again", 512, 1), blocks: [1] }, 3_000);
    advance(engine, 3_500);
    submit(engine, request("large", 900, 1), 4_000);
    expect([...engine.kv.idle.keys()]).toEqual([3, 1]);
    submit(engine, request("larger", 1_000, 1), 4_000);
    expect([...engine.kv.idle.keys()]).toEqual([]);
  });
});

describe("for any arrivals and cancels", () => {
  test("every preempted request comes back, before all that wait, and nothing is left behind", () => {
    let preemptions = 0;
    fc.assert(
      fc.property(fc.array(opArb, { minLength: 5, maxLength: 25 }), (drawn) => {
        const ops = drawn.map((op) => ({ ...op, prompt: op.prompt % 150, output: 10 * op.output }));
        const engine = createEngine(params({ kvTokensMax: 450, maxNumSeqs: 5, prefillChunkTokens: 300 }));
        const { answers, cancelled, events } = play(engine, ops);
        preemptions += engine.preemptions;
        const done = new Set(events.filter(({ kind }) => kind === "done").map(({ id }) => id));
        for (const [id, answer] of answers) {
          expect(done.has(id)).toBe(answer !== "rejected" && !cancelled.has(id));
        }
        const firsts = events.filter(({ kind }) => kind === "first_token").map(({ id }) => id);
        expect(new Set(firsts).size).toBe(firsts.length);
        expect([engine.preempted, engine.kv.usedTokens, engine.kv.held.size]).toEqual([[], 0, 0]);
      }),
    );
    expect(preemptions).toBeGreaterThan(10);
  });

  test("every token of a prompt is read once, unless it was known", () => {
    // A step lasts as long as it reads, and an answer is one token: the clock counts the tokens that were read.
    const counting = { stepBaseMs: 0, stepPerDecodingMs: 0, stepPerPrefillTokenMs: 1, maxWaitingQueueLength: 25 };
    fc.assert(
      fc.property(smallArb, fc.array(opArb, { maxLength: 25 }), (small, ops) => {
        const engine = createEngine(params({ ...small, ...counting }));
        const accepted = ops.filter(({ prompt }, index) => {
          const blocks = Array.from({ length: 4 }, (_, at) => at);
          return submit(engine, { ...request(`r${index}`, prompt, 1), blocks }, 0) !== "rejected";
        });
        const done = drain(engine).filter(({ kind }) => kind === "done");
        expect(done).toHaveLength(accepted.length);
        const toRead = done.map(({ id, cachedTokens }) =>
          Math.max(1, (ops[Number(id.slice(1))]?.prompt ?? 0) - cachedTokens),
        );
        expect(done.at(-1)?.atMs ?? 0).toBe(toRead.reduce((sum, tokens) => sum + tokens, 0));
      }),
    );
  });
});
