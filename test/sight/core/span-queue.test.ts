import { describe, expect, test } from "vitest";
import type { RequestRecord } from "../../../src/sight/core/record.ts";
import {
  createSpanQueue,
  enqueue,
  EXPORT_EVERY_MS,
  EXPORT_EVERY_MS_MAX,
  EXPORT_MAX,
  exportAfterMs,
  noteExported,
  noteFailed,
  takeExport,
  WAITING_MAX,
} from "../../../src/sight/core/span-queue.ts";

const record = (id: number) => ({ id: String(id) }) as RequestRecord;
const filled = (records: number) => {
  const queue = createSpanQueue();
  for (let id = 0; id < records; id++) enqueue(queue, record(id));
  return queue;
};

describe("what waits for its export", () => {
  test("at the bound is all there, and one more costs the oldest, counted", () => {
    const queue = filled(WAITING_MAX);
    expect([queue.waiting.length, queue.dropped]).toEqual([WAITING_MAX, 0]);
    enqueue(queue, record(WAITING_MAX));
    expect([queue.waiting.length, queue.dropped, queue.waiting[0]?.id]).toEqual([WAITING_MAX, 1, "1"]);
  });

  test("goes out in order, so many at once", () => {
    const queue = filled(EXPORT_MAX + 1);
    expect(takeExport(queue).map(({ id }) => id)).toHaveLength(EXPORT_MAX);
    expect(takeExport(queue).map(({ id }) => id)).toEqual([String(EXPORT_MAX)]);
    expect(takeExport(queue)).toEqual([]);
  });

  test("comes back in order when its export failed, and is lost when it always will", () => {
    const queue = filled(3);
    noteFailed(queue, takeExport(queue), false);
    expect([queue.waiting.map(({ id }) => id), queue.dropped]).toEqual([["0", "1", "2"], 0]);
    noteFailed(queue, takeExport(queue), true);
    expect([queue.waiting, queue.dropped]).toEqual([[], 3]);
  });

  test("is asked for later after each failure, within a bound, and soon again after a success", () => {
    const queue = filled(0);
    const waits = Array.from({ length: 10 }, () => {
      const waitMs = exportAfterMs(queue);
      noteFailed(queue, [], false);
      return waitMs;
    });
    expect(waits.slice(0, 3)).toEqual([EXPORT_EVERY_MS, 2 * EXPORT_EVERY_MS, 4 * EXPORT_EVERY_MS]);
    expect(waits.at(-1)).toBe(EXPORT_EVERY_MS_MAX);
    noteExported(queue);
    expect(exportAfterMs(queue)).toBe(EXPORT_EVERY_MS);
  });
});
