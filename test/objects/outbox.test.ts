import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Report, ReportReply } from "../../src/sight/core/report.ts";
import { keyOf } from "../../src/sight/core/tally.ts";
import { requestRecord as record } from "../support/request-record.ts";

/** Anew for each test: an isolate of its own. */
let outbox: typeof import("../../src/sight/outbox.ts");

beforeEach(async () => {
  vi.resetModules();
  outbox = await import("../../src/sight/outbox.ts");
});

/** A feed that answers what it is told to, and what came to it. */
function feedThat(...answers: readonly (ReportReply | "fails")[]) {
  const came: Report[] = [];
  const report = async (one: Report): Promise<ReportReply> => {
    const answer = answers[came.length] ?? { watched: false };
    came.push(one);
    if (answer === "fails") throw new Error("away");
    return answer;
  };
  return { came, env: { FLEET_FEED: { getByName: () => ({ report }) } } };
}

/** Background work of a request, to be awaited by the test. */
function context() {
  const work: Promise<unknown>[] = [];
  return { work, waitUntil: (one: Promise<unknown>): void => void work.push(one) };
}

const REQUESTS = keyOf("requests", "llama", "/v1/chat/completions", "served", "");
const requestsIn = ({ deltas }: Report): number => new Map(deltas).get(REQUESTS)?.[0] ?? 0;

describe("an isolate's counts", () => {
  test("go out in one report for many requests, carried by one of them", async () => {
    const { came, env } = feedThat();
    const ctx = context();
    for (let count = 0; count < 1_000; count++) outbox.noteRecord({ env, ctx }, record());
    expect(ctx.work.length).toBe(1);
    await Promise.all(ctx.work);
    expect(came.map(({ seq, deltas }) => [seq, requestsIn({ seq, deltas } as Report)])).toEqual([[1, 1_000]]);
    outbox.noteRecord({ env, ctx }, record());
    await Promise.all(ctx.work);
    expect(came.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(new Set(came.map(({ source }) => source)).size).toBe(1);
  });

  test("are sent again under the same number until they are answered, what came since in the next report", async () => {
    const { came, env } = feedThat("fails");
    const ctx = context();
    outbox.noteRecord({ env, ctx }, record());
    await vi.waitFor(() => expect(came.length).toBe(1), { timeout: 30_000 });
    outbox.noteRecord({ env, ctx }, record());
    await Promise.all(ctx.work);
    expect(came.map((one) => [one.seq, requestsIn(one)])).toEqual([
      [1, 1],
      [1, 1],
      [2, 1],
    ]);
  });

  test("are sent at once when the isolate ends, and given up where nobody answers", async () => {
    const answering = feedThat();
    outbox.noteRecord({ env: answering.env, ctx: context() }, record());
    await outbox.flushOutbox(answering.env);
    expect(answering.came.map(requestsIn)).toEqual([1]);
    const away = feedThat("fails", "fails");
    outbox.noteRecord({ env: away.env, ctx: context() }, record());
    await outbox.flushOutbox(away.env);
    expect(away.came.length).toBe(1);
  });

  test("bring a few of the last records, and more of them while somebody watches", async () => {
    const { came, env } = feedThat({ watched: true });
    const note = (): void => {
      for (let count = 0; count < 120; count++) {
        const outcome = count % 2 === 0 ? "served" : "shed";
        outbox.noteRecord({ env, ctx: context() }, record({ id: String(count), atMs: count, outcome }));
      }
    };
    note();
    await outbox.flushOutbox(env);
    note();
    await outbox.flushOutbox(env);
    const [before, watched] = came.map(({ records }) => records.map(({ id }) => Number(id)));
    expect(before).toEqual([110, 111, 112, 113, 114, 115, 116, 117, 118, 119]);
    const kept = 2 * outbox.RECORDS_MAX;
    expect(watched).toEqual(Array.from({ length: kept }, (_, index) => index + 120 - kept));
  });

  test("are not kept where no feed is bound", async () => {
    const ctx = context();
    outbox.noteRecord({ env: {}, ctx }, record());
    expect(ctx.work).toEqual([]);
    const { came, env } = feedThat();
    await outbox.flushOutbox(env);
    expect(came).toEqual([]);
  });
});
