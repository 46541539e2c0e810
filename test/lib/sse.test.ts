import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createSseDecoder,
  createSseSplitter,
  push,
  readEvent,
  readTail,
  restOf,
  splitEvents,
  SSE_EVENT_UNITS_MAX,
} from "../../src/lib/sse.ts";
import { withData, writeEvent } from "../../src/lib/sse-write.ts";
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
});

/** The parts that are complete, and what is left. */
function split(pieces: readonly string[]): { parts: string[]; rest: string } {
  const splitter = createSseSplitter();
  const parts = pieces.flatMap((piece) => {
    const done = splitEvents(splitter, piece);
    if (!done.ok) throw new Error("unexpected overflow");
    return done.value;
  });
  return { parts, rest: restOf(splitter) };
}

/** Parts that are more than the end of one, as far as it cannot be cut. */
const withLines = (parts: readonly string[]): string[] =>
  parts.map((part) => part.replace(/[\r\n]+$/, "")).filter((part) => part !== "");

describe("the splitter", () => {
  test.each([
    { text: "data: a\n\ndata: b\n\n", parts: ["data: a\n\n", "data: b\n\n"] },
    { text: "data: a\r\r: x\r\r", parts: ["data: a\r\r", ": x\r\r"] },
    { text: "data: a\r\n\r\ndata: b\r\n\r\n", parts: ["data: a\r\n\r\n", "data: b\r\n\r\n"] },
    { text: "data: a\n\r\ndata: b\r\n\ndata: c\r\n\r", parts: ["data: a\n\r\n", "data: b\r\n\n", "data: c\r\n\r"] },
    { text: "id: 7\nevent: e\n: c\ndata: é\n\n", parts: ["id: 7\nevent: e\n: c\ndata: é\n\n"] },
    { text: "\n\ndata: a\n\n", parts: ["\n", "\n", "data: a\n\n"] },
    { text: "\ufeffdata: a\n\n", parts: ["\ufeffdata: a\n\n"] },
    { text: "", parts: [] },
  ])("cuts $text behind each blank line", ({ text, parts }) => {
    expect(split([text])).toEqual({ parts, rest: "" });
  });

  test("gives the second half of a line break that was cut by itself", () => {
    expect(split(["data: a\r\n\r", "\ndata: b\r", "\n\r\n"])).toEqual({
      parts: ["data: a\r\n\r", "\n", "data: b\r\n\r\n"],
      rest: "",
    });
  });

  test("keeps every character, however the stream is cut, and its parts are the decoder's events", () => {
    fc.assert(
      fc.property(streamText, places, (text, at) => {
        fc.pre(!text.startsWith("\ufeff"));
        const { parts, rest } = split(cut(text, at));
        expect(parts.join("") + rest).toBe(text);
        expect(parts.flatMap((part) => readEvent(part) ?? [])).toEqual(decode([text]));
        expect(rest === "" || split([rest]).parts.length === 0).toBe(true);
        expect(withLines(parts)).toEqual(withLines(split([text]).parts));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a tail", () => {
  test.each([
    { name: "that is the whole stream", text: "data: a\n\ndata: b", isCut: false, data: ["a"], rest: "data: b" },
    { name: "that begins inside an event", text: "x\n\ndata: a\n\nda", isCut: true, data: ["a"], rest: "da" },
    { name: "that begins at the end of a line", text: "\ndata: a\n\ndata: b\n\n", isCut: true, data: ["b"], rest: "" },
    { name: "that begins at a blank line", text: "\n\ndata: b\n\n", isCut: true, data: ["b"], rest: "" },
    { name: "with mixed ends of lines", text: "x\n\r\ndata: a\r\n\n", isCut: true, data: ["a"], rest: "" },
    { name: "without a whole event", text: "x\nx", isCut: true, data: [], rest: "x\nx" },
  ])("$name gives its whole events and the rest", ({ text, isCut, data, rest }) => {
    const tail = readTail(text, isCut);
    expect(tail.events.map((event) => event.data)).toEqual(data);
    expect(tail.rest).toBe(rest);
  });
});

describe("the bound of an event", () => {
  const bounded = (pieces: readonly string[], eventUnitsMax = 12) => {
    const decoder = createSseDecoder({ eventUnitsMax });
    return pieces.map((piece) => push(decoder, piece));
  };
  const accepted = (pieces: readonly string[]) => bounded(pieces).every((pushed) => pushed.ok);

  test.each([
    { name: "one line", at: "data:12345\n\n", beyond: "data:123456\n\n" },
    { name: "one unfinished line", at: "data:1234567", beyond: "data:12345678" },
    { name: "lines together", at: "data\ndata:\n\n", beyond: "data\ndata:1\n\n" },
    { name: "event and id lines", at: "event:\nid:\n\n", beyond: "event:1\nid:\n\n" },
    { name: "characters of two units", at: "data:😀😀1\n\n", beyond: "data:😀😀12\n\n" },
    { name: "comments", at: ":23\n:67\n:01\n", beyond: ":23\n:67\n:01\n:" },
  ])("takes twelve units and refuses thirteen in $name", ({ at, beyond }) => {
    expect(accepted([at])).toBe(true);
    expect(accepted(at.split(""))).toBe(true);
    expect(accepted([beyond])).toBe(false);
    expect(accepted(beyond.split(""))).toBe(false);
  });

  test("is counted without reading again what is there: a long event of a line a piece comes through", () => {
    const decoder = createSseDecoder();
    const lines = 100_000;
    for (let line = 0; line < lines; line += 1) push(decoder, "data:x\r");
    const pushed = push(decoder, "\r");
    expect(pushed.ok && pushed.value[0]?.data.length).toBe(2 * lines - 1);
  });

  test("does not add up finished events", () => {
    expect(accepted([": ping\n\n".repeat(100), "data:12345\n\n".repeat(100)])).toBe(true);
  });

  test("hands over the events before the large one, once, and stays failed", () => {
    const [first, second] = bounded(["data:1\n\ndata:123456\n\ndata:2\n\n", "data:3\n\n"]);
    const error = { reason: "event_too_large", eventUnitsMax: 12 };
    expect(first).toEqual({ ok: false, error: { ...error, events: [message("1")] } });
    expect(second).toEqual({ ok: false, error: { ...error, events: [] } });
  });

  test("is a Mi of units unless told otherwise", () => {
    const fits = "x".repeat(SSE_EVENT_UNITS_MAX);
    expect(push(createSseDecoder(), fits).ok).toBe(true);
    expect(push(createSseDecoder(), `${fits}x`).ok).toBe(false);
  });
});

describe("an event is written", () => {
  test.each([
    { event: null, data: { a: 1 }, text: 'data: {"a":1}\n\n' },
    { event: "end", data: "a\r\n\nb", id: 0, text: 'id: 0\nevent: end\ndata: "a\\r\\n\\nb"\n\n' },
  ])("as $text", ({ text, ...written }) => {
    expect(writeEvent(written)).toBe(text);
  });

  test("so that it is read back as one event with the same data, whatever the data is", () => {
    const nasty = fc.oneof(streamText, fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(nasty, fc.constantFrom(null, "error", "ping"), places, (data, event, at) => {
        const events = decode([...cut(writeEvent({ event, data }), at), ...cut(writeEvent({ event, data: 1 }), at)]);
        expect(events).toEqual([message(JSON.stringify(data), { event }), message("1", { event })]);
      }),
    );
  });

  test.each([
    { part: "data: a\n\n", data: "b", text: "data: b\n\n" },
    {
      part: "id: 1\r\nevent: e\r\ndata: a\r\ndata: a\r\n: c\r\n\r\n",
      data: "b",
      text: "id: 1\nevent: e\ndata: b\n: c\n\n",
    },
    { part: "data\n\n", data: "b\nc\rd", text: "data: b\ndata: c\ndata: d\n\n" },
  ])("with other data in place of that of $part", ({ part, data, text }) => {
    expect(withData(part, data)).toBe(text);
  });
});
