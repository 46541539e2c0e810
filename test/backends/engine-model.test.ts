import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  advance,
  cancel,
  createEngine,
  JITTER_SHARE_MAX,
  load,
  nextEventMs,
  setSlowdown,
  submit,
} from "../../backends/gpu-engine/engine-model.ts";
import { ENGINE_PRESET_NAMES, ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import type { Engine, EngineDetail, EngineParams } from "../../backends/gpu-engine/engine-types.ts";
import { seededRng } from "../../src/lib/rng.ts";
import { drain, opArb, params, play, request, smallArb, timesOf, type Op, type Run } from "./engine-play.ts";

describe("closed forms", () => {
  test.each([
    { prompt: 1, firstTokenMs: 12 + 0.06 },
    { prompt: 2048, firstTokenMs: 12 + 2048 * 0.06 },
    { prompt: 2049, firstTokenMs: 2 * 12 + 2049 * 0.06 },
    { prompt: 5000, firstTokenMs: 3 * 12 + 5000 * 0.06 },
  ])("a lone prompt of $prompt tokens is read in chunks, each paying the fixed cost", ({ prompt, firstTokenMs }) => {
    const engine = createEngine(params());
    expect(submit(engine, request("a", prompt, 3), 100)).toBe("admitted");
    const events = drain(engine);
    expect(timesOf(events, "first_token", "a")[0]).toBeCloseTo(100 + firstTokenMs, 9);
    expect(timesOf(events, "token", "a")[0]).toBeCloseTo(100 + firstTokenMs + 12.4, 9);
    expect(timesOf(events, "done", "a")[0]).toBeCloseTo(100 + firstTokenMs + 2 * 12.4, 9);
    expect(events.map((event) => event.tokenIndex)).toEqual([0, 1, 2, 2]);
  });

  test("blocks that were read before take no prefill, except the last token", () => {
    const engine = createEngine(params());
    const blocks = [7, 8];
    submit(engine, { ...request("a", 1024, 1), blocks }, 0);
    expect(timesOf(drain(engine), "done", "a")[0]).toBeCloseTo(12 + 1024 * 0.06, 9);
    submit(engine, { ...request("b", 1024, 1), blocks }, 500);
    const [first] = drain(engine);
    expect(first).toMatchObject({ atMs: expect.closeTo(500 + 12 + 0.06, 9), cachedTokens: 1024 });
  });

  test("a prompt is known to others when it was read, and not while it waits to be", () => {
    const engine = createEngine(params({ prefillChunkTokens: 512 }));
    const blocks = [7, 8];
    submit(engine, { ...request("a", 1024, 1), blocks }, 0);
    submit(engine, { ...request("sibling", 1024, 1), blocks }, 1);
    const firstChunkMs = 12 + 512 * 0.06;
    advance(engine, firstChunkMs);
    submit(engine, { ...request("later", 1024, 1), blocks }, firstChunkMs);
    const cached = drain(engine).filter(({ kind }) => kind === "done");
    expect(cached.map(({ id, cachedTokens }) => [id, cachedTokens])).toEqual([
      ["a", 0],
      ["sibling", 0],
      ["later", 512],
    ]);
  });

  test("what waited is looked up when it is admitted, not when it came", () => {
    const engine = createEngine(params({ maxNumSeqs: 1 }));
    submit(engine, { ...request("a", 1024, 1), blocks: [7, 8] }, 0);
    submit(engine, { ...request("b", 1024, 1), blocks: [7, 8] }, 0);
    expect(drain(engine).at(-1)).toMatchObject({ id: "b", cachedTokens: 1024 });
  });

  test("requests of one instant share a step, and decode together", () => {
    const engine = createEngine(params());
    for (const id of ["a", "b", "c"]) submit(engine, request(id, 100, 2), 0);
    const firstMs = 12 + 300 * 0.06;
    expect(nextEventMs(engine)).toBeCloseTo(firstMs, 9);
    expect(timesOf(drain(engine), "done", "c")[0]).toBeCloseTo(firstMs + 12 + 3 * 0.4, 9);
  });

  test("a request that comes during a step joins the next one", () => {
    const engine = createEngine(params());
    submit(engine, request("a", 100, 10), 0);
    submit(engine, request("b", 100, 1), 1);
    expect(nextEventMs(engine)).toBeCloseTo(18, 9);
    expect(timesOf(drain(engine), "first_token", "b")[0]).toBeCloseTo(18 + 12 + 0.4 + 6, 9);
  });

  test("the prefill budget of a step goes to the earliest prompts", () => {
    const engine = createEngine(params({ prefillChunkTokens: 100 }));
    submit(engine, request("a", 150, 1), 0);
    submit(engine, request("b", 100, 1), 0);
    const events = drain(engine);
    expect(timesOf(events, "done", "a")[0]).toBeCloseTo(2 * 18, 9);
    expect(timesOf(events, "done", "b")[0]).toBeCloseTo(2 * 18 + 12 + 50 * 0.06, 9);
  });

  test("a slowdown stretches the steps that begin after it", () => {
    const engine = createEngine(params());
    submit(engine, request("a", 100, 3), 0);
    setSlowdown(engine, 3, 5);
    const events = drain(engine);
    expect(timesOf(events, "first_token", "a")[0]).toBeCloseTo(18, 9);
    expect(timesOf(events, "done", "a")[0]).toBeCloseTo(18 + 2 * 3 * 12.4, 9);
  });

  test("the load factor is 1 for one sequence and whole when every slot is taken", () => {
    const loaded = { stepBaseMs: 10, stepPerDecodingMs: 0, stepPerPrefillTokenMs: 0, maxNumSeqs: 3 };
    const firstStepMs = [1, 2, 3].map((count) => {
      const engine = createEngine(params({ ...loaded, timeFactorUnderLoad: 2 }));
      for (let index = 0; index < count; index += 1) submit(engine, request(`r${index}`, 1, 1), 0);
      return nextEventMs(engine);
    });
    expect(firstStepMs).toEqual([10, 15, 20]);
  });

  test("a fixed first-token time ignores the prompt, and later tokens follow step by step", () => {
    const engine = createEngine(params({ firstTokenMs: 250, stepBaseMs: 20, stepPerDecodingMs: 0 }));
    submit(engine, request("a", 30_000, 3), 0);
    const events = drain(engine);
    expect(events.map((event) => event.atMs)).toEqual([250, 270, 290, 290]);
  });

  test("with a fixed first-token time, a first token of a busy engine waits at most for the step that runs", () => {
    const engine = createEngine(params({ firstTokenMs: 25, stepBaseMs: 20, stepPerDecodingMs: 0 }));
    submit(engine, request("a", 1, 10), 0);
    advance(engine, 25);
    submit(engine, request("b", 1, 1), 30);
    expect(timesOf(drain(engine), "first_token", "b")).toEqual([65]);
  });
});

describe("admission", () => {
  test.each([
    { waiting: 0, answers: ["admitted", "rejected", "rejected"] },
    { waiting: 1, answers: ["admitted", "queued", "rejected"] },
    { waiting: 2, answers: ["admitted", "queued", "queued"] },
  ])("one slot and a queue of $waiting answer $answers", ({ waiting, answers }) => {
    const engine = createEngine(params({ maxNumSeqs: 1, maxWaitingQueueLength: waiting }));
    expect(["a", "b", "c"].map((id) => submit(engine, request(id, 10, 5), 0))).toEqual(answers);
  });

  test.each([
    { output: 90, answer: "admitted" },
    { output: 91, answer: "rejected" },
  ])("a request of 10 + $output tokens is $answer by an empty engine of 100 KV tokens", ({ output, answer }) => {
    expect(submit(createEngine(params({ kvTokensMax: 100 })), request("a", 10, output), 0)).toBe(answer);
  });

  test("a request waits for KV and does not let a smaller one pass", () => {
    const engine = createEngine(params({ kvTokensMax: 100 }));
    expect(submit(engine, request("big", 69, 1), 0)).toBe("admitted");
    expect(submit(engine, request("next", 30, 10), 0)).toBe("queued");
    expect(submit(engine, request("small", 5, 5), 0)).toBe("queued");
    expect(load(engine)).toEqual({ running: 1, waiting: 2, kvUsage: 0.7 });
    const done = drain(engine).filter((event) => event.kind === "done");
    expect(done.map((event) => event.id)).toEqual(["big", "small", "next"]);
    expect(engine.preemptions).toBe(0);
    expect(load(engine)).toEqual({ running: 0, waiting: 0, kvUsage: 0 });
  });

  test("without a KV limit usage is zero and nothing is too large", () => {
    const engine = createEngine(params({ kvTokensMax: null }));
    expect(submit(engine, request("a", 10_000_000, 1), 0)).toBe("admitted");
    expect(load(engine).kvUsage).toBe(0);
  });

  test("events tell when the request got its slot", () => {
    const engine = createEngine(params({ maxNumSeqs: 1 }));
    submit(engine, request("a", 100, 1), 0);
    submit(engine, request("b", 100, 1), 3);
    expect(drain(engine).map((event) => [event.id, event.admittedAtMs])).toEqual([
      ["a", 0],
      ["a", 0],
      ["b", 18],
      ["b", 18],
    ]);
  });
});

describe("cancel", () => {
  test("frees the slot at once for the next in the queue", () => {
    const engine = createEngine(params({ maxNumSeqs: 1 }));
    submit(engine, request("a", 100, 50), 0);
    submit(engine, request("b", 100, 1), 0);
    expect(cancel(engine, "a", 4)).toBe(true);
    expect(load(engine)).toMatchObject({ running: 1, waiting: 0 });
    const events = drain(engine);
    expect(events[0]?.admittedAtMs).toBe(4);
    expect(events.map((event) => event.id)).toEqual(["b", "b"]);
    // The step that ran when "a" left is not undone: "b" is read in the one after it.
    expect(events[0]?.atMs).toBeCloseTo(18 + 18, 9);
  });

  test("of the queue's head lets the others in", () => {
    const engine = createEngine(params({ kvTokensMax: 100 }));
    submit(engine, request("a", 50, 10), 0);
    submit(engine, request("large", 50, 10), 0);
    submit(engine, request("small", 5, 5), 0);
    expect(load(engine)).toMatchObject({ running: 1, waiting: 2 });
    expect(cancel(engine, "large", 1)).toBe(true);
    expect(load(engine)).toMatchObject({ running: 2, waiting: 0 });
  });

  test("leaves an idle engine behind, and an unknown id is no error", () => {
    const engine = createEngine(params());
    submit(engine, request("a", 100, 50), 0);
    cancel(engine, "a", 1);
    expect(drain(engine)).toEqual([]);
    expect(nextEventMs(engine)).toBeNull();
    expect(cancel(engine, "a", 50)).toBe(false);
  });
});

test("an engine that was not advanced refuses to be changed", () => {
  const engine = createEngine(params());
  submit(engine, request("a", 100, 50), 0);
  expect(() => submit(engine, request("b", 1, 1), 1000)).toThrow("advance the engine");
});

test("jitter needs an rng, and stays within its share of the mean", () => {
  const jittery = params({ stepBaseMs: 10, stepPerDecodingMs: 0, stepPerPrefillTokenMs: 0, stepStdDevMs: 3 });
  expect(() => createEngine(jittery)).toThrow("needs an rng");
  const engine = createEngine(jittery, { rng: seededRng(7) });
  submit(engine, request("a", 1, 2000), 0);
  const times = [0, ...drain(engine).map((event) => event.atMs)].slice(0, 2000);
  const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
  // Slack for rounding: a gap is a difference of sums.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10 * (1 - JITTER_SHARE_MAX) - 1e-6);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(10 * (1 + JITTER_SHARE_MAX) + 1e-6);
  expect(new Set(gaps).size).toBeGreaterThan(1000);
});

test.each(ENGINE_PRESET_NAMES)("preset %s serves a chat to its end", (name) => {
  const engine = createEngine(ENGINE_PRESETS[name]);
  submit(engine, request("a", 1155, 211), 0);
  expect(drain(engine).filter((event) => event.kind !== "done")).toHaveLength(211);
});

describe("for any arrivals and cancels", () => {
  const playNew = (detail: EngineDetail, small: Partial<EngineParams>, ops: readonly Op[]): Run =>
    play(createEngine(params(small), { detail }), ops);

  test("work is conserved: each accepted request gets exactly its tokens, unless it was cancelled", () => {
    fc.assert(
      fc.property(smallArb, fc.array(opArb, { maxLength: 25 }), (small, ops) => {
        const run = playNew("every_token", small, ops);
        for (const [index, op] of ops.entries()) {
          const id = `r${index}`;
          const own = run.events.filter((event) => event.id === id);
          const tokens = own.filter((event) => event.kind !== "done");
          expect(tokens.map((event) => event.tokenIndex)).toEqual(tokens.map((_, at) => at));
          if (run.answers.get(id) === "rejected") expect(own).toEqual([]);
          else if (run.cancelled.has(id)) expect(tokens.length).toBeLessThan(op.output);
          else expect(own.map((event) => event.kind).at(-1)).toBe("done");
          if (own.at(-1)?.kind === "done") expect(tokens).toHaveLength(op.output);
        }
        const times = run.events.map((event) => event.atMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
    );
  });

  test("slots are given in order of arrival", () => {
    fc.assert(
      fc.property(smallArb, fc.array(opArb, { maxLength: 25 }), (small, ops) => {
        const { slots } = playNew("every_token", small, ops);
        const order = slots.map((id) => Number(id.slice(1)));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }),
    );
  });

  test("the same input gives the same trace, jitter included", () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(opArb, { maxLength: 15 }), (seed, ops) => {
        const jittery = (): Engine =>
          createEngine(params({ stepStdDevMs: 2, maxNumSeqs: 3 }), { rng: seededRng(seed) });
        expect(play(jittery(), ops).events).toEqual(play(jittery(), ops).events);
      }),
    );
  });

  test("jumping over equal steps changes no first token and no end", () => {
    fc.assert(
      fc.property(smallArb, fc.array(opArb, { maxLength: 25 }), (small, ops) => {
        const slow = playNew("every_token", small, ops);
        const jumping = playNew("edges", small, ops);
        const edges = slow.events.filter((event) => event.kind !== "token");
        expect(jumping.events.map(({ kind, id, tokenIndex }) => ({ kind, id, tokenIndex }))).toEqual(
          edges.map(({ kind, id, tokenIndex }) => ({ kind, id, tokenIndex })),
        );
        for (const [index, { atMs }] of jumping.events.entries())
          expect(atMs).toBeCloseTo(edges[index]?.atMs ?? NaN, 6);
      }),
    );
  });
});

test("with detail edges a long answer takes two jumps, however many tokens it has", () => {
  const engine = createEngine(params(), { detail: "edges" });
  submit(engine, request("a", 10, 20_000), 0);
  const wakes: number[] = [];
  for (let atMs = nextEventMs(engine); atMs !== null; atMs = nextEventMs(engine)) {
    wakes.push(atMs);
    advance(engine, atMs);
  }
  expect(wakes).toHaveLength(2);
});
