/** A stream whose attempt breaks off: readers of both forms, and an object that dies with it. */
import { describe, expect, test } from "vitest";
import { DRAIN_SEQ } from "../../src/jobs/core/messages.ts";
import { answerWith, ended, isIn, latch, passMs, queue, submit, TENANT, until, useQueue } from "./job-queue-support.ts";

useQueue();

const work = { kind: "http", path: "/v1/chat/completions", body: "{}", stream: true } as const;
const piece = (text: string): string =>
  text === END ? "data: [DONE]\n\n" : `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`;
const END = "[DONE]";

/** The first attempt sends two pieces and breaks off when the latch is open; the others send three to their end. */
function breaking() {
  const breaks = latch();
  let attempts = 0;
  answerWith(() => {
    attempts += 1;
    const encoder = new TextEncoder();
    const isFirst = attempts === 1;
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (const text of isFirst ? ["a1", "a2"] : ["b1", "b2", END]) controller.enqueue(encoder.encode(piece(text)));
        if (!isFirst) return controller.close();
        while (!breaks.isOpen) await scheduler.wait(1);
        controller.error(new Error("the endpoint died"));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  return breaks;
}

const restart = async (): Promise<void> =>
  queue()
    .restart()
    .catch(() => undefined);
const data = (page: { readonly chunks: readonly { readonly data: string }[] } | null): string[] =>
  (page?.chunks ?? []).map((chunk) => chunk.data);

describe("a reader with a cursor", () => {
  test("is told that what it read is void, with the attempt that begins, and then reads that one", async () => {
    const breaks = breaking();
    const { id } = await submit({ work });
    await until(async () => data(await queue().stream(TENANT, id, 0, 5_000)).length === 2);
    const first = await queue().stream(TENANT, id, 0, 0);
    const reading = queue().stream(TENANT, id, first?.nextSeq ?? 0, 10_000);
    breaks.isOpen = true;
    const told = await reading;
    expect(told).toMatchObject({ chunks: [], reset: { attempt: 2 } });
    await passMs(1_000);
    await ended(id);
    const rest = await queue().stream(TENANT, id, told?.nextSeq ?? 0, 0);
    expect(data(rest)).toEqual(["b1", "b2", END].map(piece));
    expect(rest?.reset).toBeUndefined();
  });

  test("that comes back after all that is told before the new pieces", async () => {
    const breaks = breaking();
    const { id } = await submit({ work });
    await until(async () => data(await queue().stream(TENANT, id, 0, 5_000)).length === 2);
    const first = await queue().stream(TENANT, id, 0, 0);
    breaks.isOpen = true;
    await isIn(id, "retrying");
    await passMs(1_000);
    await ended(id);
    const page = await queue().stream(TENANT, id, first?.nextSeq ?? 0, 0);
    expect(page).toMatchObject({ isEnd: true, reset: { attempt: 2 } });
    expect(data(page)).toEqual(["b1", "b2", END].map(piece));
  });

  test("that read nothing is told of no reset", async () => {
    const breaks = breaking();
    breaks.isOpen = true;
    const { id } = await submit({ work });
    await isIn(id, "retrying");
    await passMs(1_000);
    await ended(id);
    expect((await queue().stream(TENANT, id, 0, 0))?.reset).toBeUndefined();
  });
});

describe("a reader in Runpod's form, which has no word for a reset", () => {
  test("reads the pieces of the last attempt only", async () => {
    const breaks = breaking();
    breaks.isOpen = true;
    const { id } = await submit({ work });
    await isIn(id, "retrying");
    await passMs(1_000);
    await ended(id);
    expect(data(await queue().stream(TENANT, id, DRAIN_SEQ, 0))).toEqual(["b1", "b2", END].map(piece));
  });

  test.each(["the endpoint dies", "the router restarts"])(
    "that has read pieces when %s binds the job to that attempt: no second one follows them",
    async (what) => {
      const breaks = breaking();
      const { id } = await submit({ work });
      await until(async () => data(await queue().stream(TENANT, id, 0, 5_000)).length === 2);
      expect(data(await queue().stream(TENANT, id, DRAIN_SEQ, 5_000))).toEqual(["a1", "a2"].map(piece));
      if (what === "the router restarts") await restart();
      breaks.isOpen = true;
      const view = await ended(id);
      expect(view).toMatchObject({ status: "failed", attempts: 1, error: expect.stringContaining("had been read") });
      expect(await queue().stream(TENANT, id, DRAIN_SEQ, 0)).toMatchObject({ chunks: [], isEnd: true });
      // Its owner may have it again, and reads the new pieces then.
      await queue().retry(TENANT, id);
      await ended(id);
      expect(data(await queue().stream(TENANT, id, DRAIN_SEQ, 0))).toEqual(["b1", "b2", END].map(piece));
    },
  );

  test("goes on where it was after a restart, while a GPU worker goes on as well", async () => {
    const taking = queue().take("w-1", 1, 10_000);
    const { id } = await submit();
    await taking;
    await queue().chunk("w-1", id, '"a"');
    expect(data(await queue().stream(TENANT, id, DRAIN_SEQ, 0))).toEqual(['"a"']);
    await restart();
    await queue().chunk("w-1", id, '"b"');
    expect(data(await queue().stream(TENANT, id, DRAIN_SEQ, 0))).toEqual(['"b"']);
  });
});
