/** What the lower half of the page makes of frames and answers. */
import { describe, expect, test } from "vitest";
import { EVENTS_MAX, withEvents } from "../../dashboard/events/event-list.ts";
import { readCounts } from "../../dashboard/jobs/ended-counts.ts";
import { endedText, orderedAll } from "../../dashboard/jobs/ended.ts";
import { readDeadWebhooks, readJob, readJobPage, readWorkers } from "../../dashboard/jobs/jobs-api.ts";
import { when } from "../../dashboard/jobs/when.ts";
import { railTimes } from "../../dashboard/rails/rail-times.ts";
import type { ShownRequest } from "../../dashboard/record.ts";
import { UNKNOWN } from "../../dashboard/store/format.ts";
import { sampleRecord } from "./sample-frames.ts";

describe("events", () => {
  const event = (atMs: number) => ({ atMs, kind: "alert", text: `at ${atMs}` });

  test("are the newest first, and each once", () => {
    const kept = withEvents([event(1)], [event(2), event(1), event(2)]);
    expect(kept.map(({ atMs }) => atMs)).toEqual([2, 1]);
  });

  test("that bring nothing new change nothing", () => {
    const kept = [event(1)];
    expect(withEvents(kept, [event(1)])).toBe(kept);
  });

  test.each([
    [EVENTS_MAX, 1],
    [EVENTS_MAX + 1, 2],
  ])("of %d the oldest that stays is %d", (count, oldest) => {
    const fresh = Array.from({ length: count }, (_, index) => event(index + 1));
    const kept = withEvents([], fresh);
    expect(kept).toHaveLength(Math.min(count, EVENTS_MAX));
    expect(kept.at(-1)?.atMs).toBe(oldest);
  });
});

describe("times of rails", () => {
  const record = (rails: ShownRequest["rails"]): ShownRequest => sampleRecord({ rails });
  const rail = (name: string, ms: number, status = "done") => ({
    rail: name,
    stage: "input" as const,
    status,
    action: "allow",
    ms,
    shadow: false,
    rules: [],
  });

  test("median, longest, and those that did not finish", () => {
    const records = [record([rail("a", 1), rail("b", 9)]), record([rail("a", 3)]), record([rail("a", 250, "timeout")])];
    expect(railTimes(records)).toEqual([
      { rail: "a", stage: "input", runs: 3, medianMs: 3, longestMs: 250, unfinished: 1 },
      { rail: "b", stage: "input", runs: 1, medianMs: 9, longestMs: 9, unfinished: 0 },
    ]);
  });
});

describe("orders for many", () => {
  const answer = (value: unknown) => ({ ok: true, status: 200, value }) as const;

  test("are given again while there are more", async () => {
    const answers = [
      answer({ redriven: ["a", "b"], refused: [], hasMore: true }),
      answer({ redriven: ["c"], refused: [{ id: "d", why: "not_retryable" }], hasMore: false }),
    ];
    const ended = await orderedAll(async () => answers.shift() ?? answer({}), "redriven");
    expect(ended).toEqual({ done: 3, refused: 1, why: "not retryable." });
    expect(answers).toEqual([]);
  });

  test("end where nothing works any more, and after a bound", async () => {
    let asked = 0;
    const stuck = await orderedAll(async () => {
      asked += 1;
      return answer({ redriven: [], refused: [], hasMore: true });
    }, "redriven");
    expect([asked, stuck.done]).toEqual([1, 0]);
    const endless = await orderedAll(async () => answer({ redriven: ["a"], hasMore: true }), "redriven");
    expect(endless.done).toBe(20);
  });

  test("that the router does not take are told in its words", async () => {
    const refused = { ok: false, status: 503, message: "Try again." } as const;
    expect(await orderedAll(async () => refused, "replayed")).toEqual({ done: 0, refused: 1, why: "Try again." });
  });

  test.each([
    [{ done: 1, refused: 0, why: null }, "1 job queued again."],
    [{ done: 12, refused: 1, why: "It has ended." }, "12 jobs queued again. 1 job not: It has ended."],
    [{ done: 0, refused: 2, why: null }, "2 jobs not: the router refused."],
    [{ done: 0, refused: 0, why: null }, "Nothing was there to be queued again."],
  ])("%j is told in one sentence", (ended, text) => {
    expect(endedText(ended, "job", "queued again")).toBe(text);
  });
});

describe("answers of a queue", () => {
  test("counts are those of the pools that answered, and only numbers", () => {
    const data = [{ pool: "a", queue: { byState: { failed: 2, completed: "x" } } }, { pool: "b", queue: null }, null];
    expect([...readCounts({ data })]).toEqual([["a", { failed: 2 }]]);
    for (const value of [null, {}, { data: 1 }]) expect(readCounts(value).size).toBe(0);
  });

  test.each([null, 7, "x", {}, { data: {} }, { data: [null, {}, { id: 7 }] }])("of %j nothing is read", (value) => {
    expect(readJobPage(value)).toEqual({ jobs: [], hasMore: false });
    expect(readDeadWebhooks(value)).toEqual([]);
    expect(readWorkers(value)).toEqual([]);
  });

  test("what a job lacks is not known", () => {
    const [job] = readJob({ id: "j", status: 7, tags: null, history: [null], attempts: Number.NaN });
    expect(job).toMatchObject({ id: "j", status: "unknown", tags: [], attempts: null });
    expect(job?.history).toEqual([{ status: "unknown", at: null, why: "" }]);
  });

  test.each([null, "", "yesterday"])("%j is no instant", (text) => {
    expect(when(text)).toBe(UNKNOWN);
  });
});
