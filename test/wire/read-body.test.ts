import { describe, expect, test } from "vitest";
import { readPieces, readStart, readWhole } from "../../src/wire/read-body.ts";

const MAX = 10;

type Source = {
  readonly body: ReadableStream<Uint8Array>;
  readonly pulled: () => number;
  readonly cancelled: () => boolean;
};

/** Pieces of these lengths, each of its own number; then the end, a cut, or nothing for ever. */
function source(lengths: readonly number[], ending: "end" | "cut" | "silence" = "end"): Source {
  let pulled = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const length = lengths[pulled];
        pulled += 1;
        if (length !== undefined) return controller.enqueue(new Uint8Array(length).fill(pulled));
        if (ending === "end") return controller.close();
        if (ending === "cut") return controller.error(new Error("cut"));
        return new Promise(() => {});
      },
      cancel() {
        cancelled = true;
      },
    },
    // Nothing is pulled before it is read: what was pulled is what was asked for.
    { highWaterMark: 0 },
  );
  return { body, pulled: () => pulled, cancelled: () => cancelled };
}

const lengths = [
  { name: "nothing", pieces: [], total: 0 },
  { name: "less than the bound", pieces: [4, 5], total: 9 },
  { name: "the bound", pieces: [4, 6], total: 10 },
  { name: "the bound, and an empty piece", pieces: [10, 0], total: 10 },
  { name: "one byte more", pieces: [4, 7], total: 11 },
  { name: "one byte more in a piece of its own", pieces: [10, 1], total: 11 },
  { name: "far more", pieces: [4, 600, 600], total: 1_204 },
];

describe("a whole body", () => {
  test.each(lengths)("of $name is read if it is within the bound, or else cancelled", async ({ pieces, total }) => {
    const { body, cancelled } = source(pieces);
    const bytes = await readWhole(body, MAX);
    expect([bytes?.byteLength ?? null, cancelled()]).toEqual(total <= MAX ? [total, false] : [null, true]);
  });

  test("has every byte in its order", async () => {
    expect([...((await readWhole(source([1, 2, 3]).body, MAX)) ?? [])]).toEqual([1, 2, 2, 3, 3, 3]);
  });

  test("that is none is empty", async () => {
    expect(await readWhole(null, MAX)).toHaveLength(0);
  });

  test("beyond the bound is not read on", async () => {
    const { body, pulled } = source([4, 7, 1], "silence");
    expect([await readWhole(body, MAX), pulled()]).toEqual([null, 2]);
  });

  test("that breaks off is none", async () => {
    await expect(readWhole(source([4], "cut").body, MAX)).rejects.toThrow("cut");
  });
});

describe("the start of a body", () => {
  test.each(lengths)("of $name is at most the bound", async ({ pieces, total }) => {
    const { body, cancelled } = source(pieces);
    expect(await readStart(body, MAX)).toHaveLength(Math.min(total, MAX));
    expect(cancelled()).toBe(total >= MAX);
  });

  test("is there when the bound is reached, whatever comes after it", async () => {
    for (const ending of ["cut", "silence"] as const) {
      const { body, cancelled } = source([4, 6], ending);
      expect([...(await readStart(body, MAX))]).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
      expect(cancelled()).toBe(true);
    }
  });

  test("of none is empty", async () => {
    expect(await readStart(null, MAX)).toHaveLength(0);
  });
});

test("beyond the bound the rest is the caller's, who may read on", async () => {
  const { body, cancelled } = source([4, 7, 2]);
  const reader = body.getReader();
  const totals: number[] = [];
  const { pieces, isWhole } = await readPieces(reader, MAX, (total) => totals.push(total));
  expect([pieces.map(({ length }) => length), isWhole, totals, cancelled()]).toEqual([[4, 7], false, [4, 11], false]);
  expect((await reader.read()).value).toHaveLength(2);
});
