/** What is kept of streams beside their clients: their ends, and no more than the client has taken. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AnswerProtocol } from "../../src/dispatch/core/answer-protocol.ts";
import {
  AHEAD_BYTES_MAX,
  createTail,
  keep,
  lookOn,
  pauseAfter,
  PAUSE_MS_MAX,
  PULLED_BYTES,
  stateOf,
  TAIL_BYTES_MAX,
  textOf,
} from "../../src/dispatch/stream-tail.ts";

const LONG = "x".repeat(2 * TAIL_BYTES_MAX);
const response = (type: string, text = LONG) => `event: ${type}\ndata: ${JSON.stringify({ type, text })}\n\n`;
const output = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: LONG } }] })}\n\n`;

const ends: readonly (readonly [name: string, protocol: AnswerProtocol, text: string, state: string])[] = [
  ["a long output", "chat", output, "open"],
  ["a long output that was cut", "chat", output.slice(0, -9), "open"],
  ["a long output and the marker", "chat", `${output}data: [DONE]\n\n`, "done"],
  ["a long event", "anthropic", output, "open"],
  ["a long completion", "responses", `\n\n${response("response.completed")}`, "done"],
  ["a long completion that has data alone", "responses", response("response.incomplete").replace(/^.*\n/, ""), "done"],
  ["a long completion that was cut", "responses", `\n\n${response("response.completed").slice(0, -9)}`, "open"],
  ["a long event that completes a part", "responses", `\n\n${response("response.output_text.done")}`, "open"],
  ["a long text that quotes an end", "responses", response("x", `\nevent: response.completed\n${LONG}`), "open"],
];

describe("a stream that ends with", () => {
  test.each(ends)("%s (%s)", (_, protocol, text, state) => {
    const bytes = new TextEncoder().encode(text);
    for (const size of [1_000, 16_384, bytes.byteLength]) {
      const tail = createTail(protocol);
      for (let at = 0; at < bytes.byteLength; at += size) {
        keep(tail, bytes.slice(at, at + size));
        expect(tail.bytes).toBeLessThan(2 * TAIL_BYTES_MAX);
      }
      expect([size, stateOf(tail)]).toEqual([size, state]);
    }
  });
});

/** What the tee fetches at once. */
const PIECE = new Uint8Array(PULLED_BYTES).fill(0x61);

describe("a watcher", () => {
  test("fetches a piece a look for a client that takes nothing, and waits longer each time", async () => {
    const { readable, writable } = new IdentityTransformStream();
    const [unread, seen] = readable.tee();
    const writer = writable.getWriter();
    const tail = createTail("chat");
    const pauses: number[] = [];
    let taken = 0;
    const enoughSent = new AbortController();
    const sending = (async () => {
      while (!enoughSent.signal.aborted) {
        await writer.write(PIECE.slice());
        taken += 1;
      }
      await writer.close();
    })();
    const over = new AbortController();
    let looking: Promise<void> | null = null;
    await new Promise<void>((enough) => {
      looking = lookOn(tail, seen, over.signal, (_, pauseMs) => {
        pauses.push(pauseMs);
        if (pauses.length === 2) enough();
      });
    });
    expect(pauses).toEqual([2_000, 4_000]);
    expect(tail.total).toBe(2 * PIECE.byteLength);
    expect(taken).toBeLessThanOrEqual(2);
    enoughSent.abort();
    over.abort();
    await Promise.all([looking, sending, unread.cancel()]);
  });

  test("counts all that its client has taken, and keeps the end of it", async () => {
    const { readable, writable } = new IdentityTransformStream();
    const [passing, seen] = readable.tee();
    const writer = writable.getWriter();
    const tail = createTail("chat");
    const over = new AbortController();
    const looking = lookOn(tail, seen, over.signal, () => undefined);
    const taking = new Response(passing).arrayBuffer();
    for (let piece = 0; piece < 200; piece++) await writer.write(PIECE.slice());
    await writer.write(new TextEncoder().encode("\n\ndata: [DONE]\n\n"));
    await writer.close();
    const { byteLength } = await taking;
    over.abort();
    await looking;
    expect(tail.total).toBe(byteLength);
    expect(stateOf(tail)).toBe("done");
  });

  test.each([
    ["sees little pass", 50, 300, 300, 1_000],
    ["sees nothing but what it fetched", 50, 16_384, 16_384, 2_000],
    ["sees that again", 2_000, 16_384, 32_768, 4_000],
    ["sees that for long", PAUSE_MS_MAX, 16_384, 16_384, PAUSE_MS_MAX],
    ["sees its client take again", PAUSE_MS_MAX, 16_385, 0, 1_000],
    ["has seen as much as may be ahead", 1_000, 5_000, AHEAD_BYTES_MAX, 1_000],
    ["has seen more than may be ahead", 1_000, 5_000, AHEAD_BYTES_MAX + 1, 2_000],
    ["sees much pass", 1_000, 1_310_720, 0, 100],
    ["sees very much pass", 50, 100_000_000, 0, 10],
  ])("that %s looks again in due time", (_, pauseMs, bytes, ahead, next) => {
    expect(pauseAfter(pauseMs, bytes, ahead)).toBe(next);
  });

  test("changes no byte for a client that takes them in its own time, and has what came last", async () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 3 * PULLED_BYTES }), { minLength: 1, maxLength: 12 });
    const takes = fc.array(fc.integer({ min: 2_000, max: PULLED_BYTES }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(pieces, takes, async (sizes, taken) => {
        const { readable, writable } = new IdentityTransformStream();
        const [passing, seen] = readable.tee();
        const tail = createTail("chat");
        const over = new AbortController();
        const looking = lookOn(tail, seen, over.signal, () => undefined);
        const sent: number[] = [];
        const sending = (async () => {
          const writer = writable.getWriter();
          for (const size of sizes) {
            const piece = Uint8Array.from({ length: size }, (__, at) => (sent.length + at) % 251);
            for (const byte of piece) sent.push(byte);
            await writer.write(piece);
          }
          await writer.close();
        })();
        const reader = passing.getReader({ mode: "byob" });
        const got: number[] = [];
        for (let turn = 0; ; turn++) {
          const size = taken[turn % taken.length] ?? 1;
          const { done, value } = await reader.read(new Uint8Array(size));
          if (done) break;
          for (const byte of value) got.push(byte);
        }
        over.abort();
        await Promise.all([looking, sending]);
        expect(tail.total).toBe(sent.length);
        expect(Buffer.from(got).equals(Buffer.from(sent))).toBe(true);
        const kept = Buffer.from(tail.room.subarray(0, tail.bytes));
        expect(kept.equals(Buffer.from(sent.slice(-kept.length)))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

test("a piece as long as the tail stands alone in it, and what follows is behind it", () => {
  const tail = createTail("chat");
  const fill = (char: string) => new TextEncoder().encode(char.repeat(TAIL_BYTES_MAX));
  keep(tail, fill("a"));
  expect([tail.isCut, textOf(tail)?.text]).toEqual([false, "a".repeat(TAIL_BYTES_MAX)]);
  keep(tail, fill("b"));
  keep(tail, new TextEncoder().encode("end"));
  expect([tail.isCut, tail.total]).toEqual([true, 2 * TAIL_BYTES_MAX + 3]);
  expect(textOf(tail)?.text).toBe(`${"b".repeat(TAIL_BYTES_MAX - 3)}end`);
});

test("a tail is the last of what came, however it was cut, within its room", () => {
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(2 * TAIL_BYTES_MAX)), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const tail = createTail("chat");
      let all = "";
      for (const [at, length] of lengths.entries()) {
        const text = String.fromCharCode(97 + (at % 26)).repeat(length);
        all += text;
        keep(tail, new TextEncoder().encode(text));
      }
      const last = all.slice(-TAIL_BYTES_MAX);
      expect(textOf(tail)).toEqual({ protocol: "chat", text: last, isCut: last.length < all.length });
      expect(tail.room.byteLength).toBeLessThan(TAIL_BYTES_MAX + 2 * PULLED_BYTES);
    }),
    { numRuns: 200 },
  );
});
