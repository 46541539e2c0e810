import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createSseDecoder,
  encodeSse,
  lastEventBoundary,
  push,
  SSE_BOUNDARY_START,
  SSE_EVENT_BYTES_MAX,
} from "../../src/lib/sse.ts";
import type { SseDecoder, SseEvent } from "../../src/lib/sse.ts";

/** Pushes every piece and fails on an overflow. */
function decodeInto(decoder: SseDecoder, pieces: readonly string[]): SseEvent[] {
  return pieces.flatMap((piece) => {
    const pushed = push(decoder, piece);
    if (!pushed.ok) throw new Error("unexpected overflow");
    return pushed.value;
  });
}

const decode = (pieces: readonly string[]): SseEvent[] => decodeInto(createSseDecoder(), pieces);

const message = (data: string, more: Partial<SseEvent> = {}): SseEvent => ({ event: null, id: null, data, ...more });

/** Cuts `text` at the given share of its length, several times. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

/** Streams made of the pieces that matter to the format, and of arbitrary text. */
const streamText = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n") },
      {
        weight: 4,
        arbitrary: fc.constantFrom("data", "data:", "data: ", "data:  x", 'data: {"a":1}', "event: e", "event:"),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom("id: 7", "id", "id: a\0b", "retry: 10", "retry: x", ": ping", "\u2028", "é😀"),
      },
      { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

const places = fc.array(fc.nat(10_000), { maxLength: 8 });

describe("the decoder", () => {
  /** After the "format-*" cases of web-platform-tests/eventsource and the examples of the HTML standard. */
  const cases: readonly { name: string; text: string; events: readonly SseEvent[] }[] = [
    { name: "an event per blank line", text: "data: a\n\ndata: b\n\n", events: [message("a"), message("b")] },
    { name: "CR as the end of a line", text: "data: a\rdata: b\r\r", events: [message("a\nb")] },
    { name: "CRLF as the end of a line", text: "data: a\r\ndata: b\r\n\r\n", events: [message("a\nb")] },
    {
      name: "mixed ends of lines",
      text: "data: a\n\r\ndata: b\r\ndata: c\r\r",
      events: [message("a"), message("b\nc")],
    },
    { name: "no event without its blank line", text: "data: a\n\ndata: b\n", events: [message("a")] },
    { name: "no event from an unfinished line", text: "data: a", events: [] },
    { name: "a byte order mark before the first field", text: "\ufeffdata: a\n\n", events: [message("a")] },
    {
      name: "a second byte order mark as part of a name",
      text: "\ufeff\ufeffdata: a\n\ndata: b\n\n",
      events: [message("b")],
    },
    { name: "a byte order mark later as part of a name", text: "data: a\n\n\ufeffdata: b\n\n", events: [message("a")] },
    { name: "comments as nothing", text: ":\n: x\n:data: y\ndata: a\n:z\n\n", events: [message("a")] },
    {
      name: "one space after the colon as no data",
      text: "data: a\ndata:b\ndata:  c\ndata:\td\n\n",
      events: [message("a\nb\n c\n\td")],
    },
    {
      name: "a field without a colon as empty",
      text: "data\n\ndata\ndata\n\ndata:\n\n",
      events: [message(""), message("\n"), message("")],
    },
    { name: "a colon in the value", text: "data:a:b\n\n", events: [message("a:b")] },
    { name: "no data as no event", text: "event: x\n\nid: 1\n\n\n\n", events: [] },
    {
      name: "names in the wrong case or with a space as unknown",
      text: "Data: x\nDATA: y\ndata : z\n data: w\nfoo\ndata: a\n\n",
      events: [message("a")],
    },
    {
      name: "the last event name",
      text: "event: x\nevent: y\ndata: a\n\ndata: b\n\n",
      events: [message("a", { event: "y" }), message("b")],
    },
    {
      name: "an empty event name as none",
      text: "event: x\nevent\ndata: a\n\nevent:\ndata: b\n\n",
      events: [message("a"), message("b")],
    },
    {
      name: "an id, also an empty one",
      text: "id: 1\ndata: a\n\nid\ndata: b\n\n",
      events: [message("a", { id: "1" }), message("b", { id: "" })],
    },
    {
      name: "an id with NUL as none",
      text: "id: 1\nid: 2\0\ndata: a\n\nid: \0\ndata: b\n\n",
      events: [message("a", { id: "1" }), message("b")],
    },
    { name: "NUL in data as data", text: "data: \0\n\n", events: [message("\0")] },
    {
      name: "U+2028, U+0085 and form feed as data",
      text: "data: \u2028\u0085\f\n\n",
      events: [message("\u2028\u0085\f")],
    },
    {
      name: "JSON with escaped line breaks as one line",
      text: 'data: {"t":"\\n\\ndata: x"}\n\n',
      events: [message('{"t":"\\n\\ndata: x"}')],
    },
  ];

  test.each(cases)("reads $name", ({ text, events }) => {
    expect(decode([text])).toEqual(events);
  });

  test.each(cases)("reads $name one character at a time", ({ text, events }) => {
    expect(decode([...text])).toEqual(events);
    expect(decode(text.split(""))).toEqual(events);
  });

  test("gives the same events however the stream is cut", () => {
    fc.assert(
      fc.property(streamText, places, (text, at) => {
        expect(decode(cut(text, at))).toEqual(decode([text]));
      }),
      { numRuns: 2_000 },
    );
  });

  test("gives the events that eventsource-parser gives", () => {
    fc.assert(
      fc.property(streamText, places, (text, at) => {
        // The oracle drops a byte order mark as Latin-1 only, and sees a final CR only when another line follows.
        fc.pre(!text.startsWith("\ufeff") && !text.startsWith("\u00ef\u00bb\u00bf"));
        const expected: SseEvent[] = [];
        const oracle = createParser({
          onEvent: ({ data, event = null, id = null }) => expected.push({ event, data, id }),
        });
        const pieces = [...cut(text, at), ":\n"];
        for (const piece of pieces) oracle.feed(piece);
        expect(decode(pieces)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test("knows an event at the CR that completes it", () => {
    expect(decode(["data: a\r\n\r"])).toEqual([message("a")]);
    expect(decode(["data: a\r\n\r", "\ndata: b\r\n\r\n"])).toEqual([message("a"), message("b")]);
  });

  test.each([
    { name: "keeps the last id over events without one", text: "id: 1\ndata: a\n\ndata: b\n\n", id: "1" },
    { name: "takes an id from a block without data", text: "id: 1\ndata: a\n\nid: 2\n\n", id: "2" },
    { name: "does not take an id from an unfinished block", text: "id: 1\n\nid: 2\n", id: "1" },
    { name: "lets an empty id reset it", text: "id: 1\n\nid\n\n", id: "" },
  ])("$name", ({ text, id }) => {
    const decoder = createSseDecoder();
    decodeInto(decoder, [text]);
    expect(decoder.lastEventId).toBe(id);
  });

  test.each([
    { text: "retry: 1500\n", retryMs: 1_500 },
    { text: "retry: 10\nretry: -1\nretry: 1e3\nretry: \nretry: 5 \n", retryMs: 10 },
    { text: `retry: ${"9".repeat(400)}\n`, retryMs: null },
  ])("reads the reconnection time of $text", ({ text, retryMs }) => {
    const decoder = createSseDecoder();
    decodeInto(decoder, [text]);
    expect(decoder.retryMs).toBe(retryMs);
  });
});

describe("the bound of a buffered event", () => {
  const bounded = (pieces: readonly string[], eventBytesMax = 10) => {
    const decoder = createSseDecoder({ eventBytesMax });
    return pieces.map((piece) => push(decoder, piece));
  };
  const accepted = (pieces: readonly string[]) => bounded(pieces).every((pushed) => pushed.ok);

  test.each([
    { name: "one line", at: "data:12345\n\n", beyond: "data:123456\n\n" },
    { name: "one unfinished line", at: "data:12345", beyond: "data:123456" },
    { name: "lines together", at: "data\ndata:1\n\n", beyond: "data\ndata:12\n\n" },
    { name: "event and id lines", at: "event:1\nid:\n\n", beyond: "event:1\nid:1\n\n" },
    { name: "two-byte characters", at: "data:éé1\n\n", beyond: "data:ééé\n\n" },
    { name: "four-byte characters", at: "data:😀1\n\n", beyond: "data:😀12\n\n" },
    { name: "a comment", at: ":234567890\n", beyond: ":2345678901\n" },
  ])("takes ten bytes and refuses eleven in $name", ({ at, beyond }) => {
    expect(accepted([at])).toBe(true);
    expect(accepted([...at])).toBe(true);
    expect(accepted([beyond])).toBe(false);
    expect(accepted([...beyond])).toBe(false);
  });

  test("does not add up comments, unknown fields or finished events", () => {
    expect(accepted([": ping\n".repeat(100), "unknown:1\n".repeat(100), "data:12345\n\n".repeat(100)])).toBe(true);
  });

  test("hands over the events before the large one, once, and stays failed", () => {
    const [first, second] = bounded(["data:1\n\ndata:123456\n\ndata:2\n\n", "data:3\n\n"]);
    const error = { reason: "event_too_large", eventBytesMax: 10 };
    expect(first).toEqual({ ok: false, error: { ...error, events: [message("1")] } });
    expect(second).toEqual({ ok: false, error: { ...error, events: [] } });
  });

  test("is one mebibyte unless told otherwise", () => {
    const fits = `data:${"x".repeat(SSE_EVENT_BYTES_MAX - 5)}`;
    expect(push(createSseDecoder(), fits).ok).toBe(true);
    expect(push(createSseDecoder(), `${fits}x`).ok).toBe(false);
  });
});

describe("the encoder", () => {
  const encoded = (input: Parameters<typeof encodeSse>[0]): string => {
    const text = encodeSse(input);
    if (!text.ok) throw new Error(text.error.reason);
    return text.value;
  };

  test.each([
    { input: { data: "[DONE]" }, text: "data: [DONE]\n\n" },
    { input: { event: "error", data: "{}" }, text: "event: error\ndata: {}\n\n" },
    { input: { data: "a\nb\r\nc\rd", id: "7" }, text: "id: 7\ndata: a\ndata: b\ndata: c\ndata: d\n\n" },
    { input: { data: "" }, text: "data: \n\n" },
    { input: { data: "x\n\nevent: evil\n\n" }, text: "data: x\ndata: \ndata: event: evil\ndata: \ndata: \n\n" },
  ])("writes $input", ({ input, text }) => {
    expect(encoded(input)).toBe(text);
  });

  test.each([
    { input: { event: "a\nb", data: "" }, reason: "event_has_line_break" },
    { input: { event: "a\rb", data: "" }, reason: "event_has_line_break" },
    { input: { id: "1\n", data: "" }, reason: "id_has_line_break_or_nul" },
    { input: { id: "1\r", data: "" }, reason: "id_has_line_break_or_nul" },
    { input: { id: "\0", data: "" }, reason: "id_has_line_break_or_nul" },
  ])("refuses $input", ({ input, reason }) => {
    expect(encodeSse(input)).toEqual({ ok: false, error: { reason } });
  });

  test("is read back as exactly one event with the same data, whatever the data is", () => {
    const nasty = fc.oneof(streamText, fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(nasty, fc.constantFrom("", "error", "ping"), places, (data, event, at) => {
        const events = decode([...cut(encoded({ event, data }), at), ...cut(encoded({ data: "next" }), at)]);
        const lines = data.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
        expect(events).toEqual([message(lines, { event: event === "" ? null : event }), message("next")]);
      }),
    );
  });
});

describe("the byte boundary", () => {
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

  /** Absolute position of the last boundary after each chunk. */
  function boundaries(chunks: readonly Uint8Array[]): number[] {
    let state = SSE_BOUNDARY_START;
    let before = 0;
    let last = 0;
    return chunks.map((chunk) => {
      const found = lastEventBoundary(chunk, state);
      state = found.state;
      if (found.boundary > 0) last = before + found.boundary;
      before += chunk.length;
      return last;
    });
  }

  test.each([
    { text: "data: a\n\n", boundary: 9 },
    { text: "data: a\n\ndata: b", boundary: 9 },
    { text: "data: a\r\r", boundary: 9 },
    { text: "data: a\r\n\r\n", boundary: 11 },
    { text: "data: a\r\n\r", boundary: 10 },
    { text: "data: a\n", boundary: 0 },
    { text: "data: a\r\n", boundary: 0 },
    { text: "data: a", boundary: 0 },
    { text: "\n", boundary: 1 },
    { text: "", boundary: 0 },
    { text: "data: é\n\r\n:", boundary: 11 },
  ])("of $text is at $boundary", ({ text, boundary }) => {
    expect(boundaries([bytesOf(text)])).toEqual([boundary]);
  });

  test("is found when the terminator is split over chunks", () => {
    const chunks = ["data: a\r", "\n\r", "\ndata: b\n", "\n", "data: c"].map(bytesOf);
    expect(boundaries(chunks)).toEqual([0, 10, 11, 20, 20]);
  });

  test("is the same however the bytes are cut, and has every complete event before it", () => {
    fc.assert(
      fc.property(streamText, places, (text, at) => {
        fc.pre(!text.startsWith("\ufeff"));
        const bytes = bytesOf(text);
        const ends = [...at.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        const boundary = boundaries(chunks).at(-1) ?? 0;
        expect(boundary).toBe(boundaries([bytes])[0]);
        const decoder = createSseDecoder();
        const forwarded = decodeInto(decoder, [new TextDecoder().decode(bytes.subarray(0, boundary))]);
        expect(forwarded).toEqual(decode([new TextDecoder().decode(bytes)]));
        expect([decoder.line, decoder.data, decoder.event, decoder.id]).toEqual(["", null, "", null]);
      }),
      { numRuns: 2_000 },
    );
  });

  test("of a stream with a byte order mark is that of the stream without it, shifted", () => {
    expect(boundaries([bytesOf("\ufeffdata: a\n\nx")])).toEqual([12]);
  });
});
