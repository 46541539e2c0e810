import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IntQueue } from "../../../tools/sim/engines/int-queue.ts";
import { EventQueue } from "../../../tools/sim/events.ts";
import { TraceHash } from "../../../tools/sim/trace-hash.ts";

describe("the event queue", () => {
  test("gives events by time, and equal times in the order they were pushed", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 300 }), (times) => {
        const queue = new EventQueue(2);
        for (const [index, time] of times.entries()) queue.push(time, 7, index, index + 1);
        const taken: [number, number][] = [];
        while (queue.take()) {
          expect([queue.kind, queue.b]).toEqual([7, queue.a + 1]);
          taken.push([queue.atMs, queue.a]);
        }
        const expected = times.map((time, index): [number, number] => [time, index]);
        expect(taken).toEqual(expected.sort((one, other) => one[0] - other[0] || one[1] - other[1]));
      }),
    );
  });

  test("keeps its order when pushes and takes alternate", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 9 }), { nil: null }), { maxLength: 200 }), (steps) => {
        const queue = new EventQueue(1);
        const model: { time: number; index: number }[] = [];
        for (const [index, time] of steps.entries()) {
          if (time !== null) {
            queue.push(time, 1, index);
            model.push({ time, index });
            model.sort((one, other) => one.time - other.time || one.index - other.index);
          } else {
            const first = model.shift();
            expect(queue.take()).toBe(first !== undefined);
            if (first !== undefined) expect([queue.atMs, queue.a]).toEqual([first.time, first.index]);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.nextMs).toBe(model[0]?.time ?? Infinity);
        }
      }),
    );
  });
});

test("the integer queue is first in, first out, through growth and wrapping", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(), { nil: null }), { maxLength: 400 }), (steps) => {
      const queue = new IntQueue();
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) expect(queue.shift()).toBe(model.shift() ?? -1);
        else {
          queue.push(step);
          model.push(step);
        }
        expect(queue.peek()).toBe(model[0] ?? -1);
        expect(queue.length).toBe(model.length);
      }
    }),
  );
});

describe("the trace hash", () => {
  const hashOf = (...events: readonly (readonly [number, number, number, number])[]): string => {
    const hash = new TraceHash();
    for (const event of events) hash.add(...event);
    return hash.read();
  };

  test("is the same for the same events", () => {
    expect(hashOf([1.5, 2, 3, 4], [2, 0, 0, 0])).toBe(hashOf([1.5, 2, 3, 4], [2, 0, 0, 0]));
  });

  test.each([
    ["a time", [1.5 + Number.EPSILON, 2, 3, 4]],
    ["a kind", [1.5, 3, 3, 4]],
    ["the first number", [1.5, 2, 4, 4]],
    ["the second number", [1.5, 2, 3, 5]],
  ] as const)("changes with %s", (_, event) => {
    expect(hashOf(event)).not.toBe(hashOf([1.5, 2, 3, 4]));
  });

  test("changes with the order", () => {
    expect(hashOf([1, 1, 1, 1], [1, 2, 2, 2])).not.toBe(hashOf([1, 2, 2, 2], [1, 1, 1, 1]));
  });
});
