/** A job's way through its queue, inside the Workers runtime: submitted, leased, dispatched, read. */
import { describe, expect, test } from "vitest";
import { DRAIN_SEQ } from "../../src/jobs/core/messages.ts";
import {
  answerWith,
  ended,
  latch,
  queue,
  request,
  sent,
  statuses,
  submit,
  TENANT,
  useQueue,
} from "./job-queue-support.ts";

useQueue();

const piece = (content: string): string => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`;
const events = [piece("1"), piece("2"), "data: [DONE]\n\n"];
const streamed = (): Response =>
  new Response(events.join(""), { headers: { "content-type": "text/event-stream", "x-no-length": "1" } });

describe("a streamed job", () => {
  const work = { kind: "http", path: "/v1/chat/completions", body: "{}", stream: true } as const;

  test("is read event by event, again from any of them, and drained once", async () => {
    answerWith(streamed);
    const { id } = await submit({ work });
    await ended(id);
    const all = await queue().stream(TENANT, id, 0, 0);
    expect(all?.chunks.map(({ data }) => data)).toEqual(events);
    expect(all).toMatchObject({ status: "completed", isEnd: true });
    const second = all?.chunks[1]?.seq ?? 0;
    expect((await queue().stream(TENANT, id, second, 0))?.chunks.map(({ data }) => data)).toEqual(events.slice(1));
    expect((await queue().stream(TENANT, id, DRAIN_SEQ, 0))?.chunks).toHaveLength(3);
    expect(await queue().stream(TENANT, id, DRAIN_SEQ, 0)).toMatchObject({ chunks: [], isEnd: true });
    expect((await ended(id))?.output).toBe(JSON.stringify(events.join("")));
  });

  test("wakes a reader with each chunk, and the last read tells the end", async () => {
    const more = latch();
    answerWith(() => {
      const encoder = new TextEncoder();
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(encoder.encode(events[0]));
          while (!more.isOpen) await scheduler.wait(1);
          controller.enqueue(encoder.encode(`${events[1]}${events[2]}`));
          controller.close();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const { id } = await submit({ work });
    const first = await queue().stream(TENANT, id, 0, 5_000);
    expect(first).toMatchObject({ status: "running", chunks: [{ data: events[0] }], isEnd: false });
    more.isOpen = true;
    let seq = first?.nextSeq ?? 0;
    const read: string[] = [];
    for (;;) {
      const page = await queue().stream(TENANT, id, seq, 5_000);
      read.push(...(page?.chunks ?? []).map(({ data }) => data));
      seq = page?.nextSeq ?? seq;
      if (page === null || page.isEnd) break;
    }
    expect(read).toEqual(events.slice(1));
  });
});

describe("a job on a warm pool", () => {
  test("is leased, dispatched, completed and can be read", async () => {
    const { id, status } = await submit();
    expect(status).toBe("queued");
    const view = await ended(id);
    expect(view).toMatchObject({ status: "completed", output: '"done"', attempts: 1, error: null });
    expect(statuses(view)).toEqual(["queued", "running", "completed"]);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).toMatch(/^http:\/\/127\.0\.0\.1:910[123]\/runsync$/);
    expect(["us-a", "us-b", "eu-a"]).toContain(view?.endpointId);
    expect(JSON.parse(sent[0]?.body ?? "")).toMatchObject({ id, input: {} });
  });

  test("is its tenant's alone", async () => {
    const { id } = await submit();
    expect(await queue().view("mallory", id, 0)).toBeNull();
    expect(await queue().cancel("mallory", id)).toBeNull();
    expect(await queue().stream("mallory", id, 0, 0)).toBeNull();
    expect((await ended(id))?.status).toBe("completed");
  });

  test("that is an HTTP request is sent as it came, and its answer is the output", async () => {
    const answer = { id: "chatcmpl-1", choices: [{ message: { role: "assistant", content: "hi" } }] };
    answerWith(() => Response.json(answer));
    const body = '{"model": "x"}';
    const { id } = await submit({ work: { kind: "http", path: "/v1/chat/completions", body } });
    expect(await ended(id)).toMatchObject({
      status: "completed",
      output: JSON.stringify(answer),
      answer: { status: 200, contentType: "application/json" },
    });
    expect(sent[0]?.body).toBe(body);
  });

  test("submitted twice is one job", async () => {
    const one = request();
    const first = await queue().submit(one);
    const second = await queue().submit(one);
    expect([first, second].map((outcome) => outcome.kind === "accepted" && outcome.isNew)).toEqual([true, false]);
    await ended(one.jobId);
    expect(sent).toHaveLength(1);
  });

  test("a handler's error fails it, without another attempt", async () => {
    answerWith(() => Response.json({ error: "out of memory" }));
    const { id } = await submit();
    expect(await ended(id)).toMatchObject({ status: "failed", error: "out of memory", attempts: 1 });
    expect((await queue().deadLetters(TENANT)).map((job) => job.id)).toEqual([id]);
  });
});
