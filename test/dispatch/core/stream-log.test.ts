import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  append,
  createStreamLog,
  entryAt,
  keptFrom,
  numbered,
  numberOf,
  parseEventId,
  placeAfter,
} from "../../../src/dispatch/core/stream-log.ts";
import type { StreamLog } from "../../../src/dispatch/core/stream-log.ts";
import { createSseDecoder, createSseSplitter, push, splitEvents } from "../../../src/lib/sse.ts";

const NAME = "rs_0";
const entry = (id: number, length: number) => ({ id, bytes: new Uint8Array(length) });

function logOf(bytesMax: number, lengths: readonly number[]): StreamLog {
  const log = createStreamLog(bytesMax);
  for (const [at, length] of lengths.entries()) append(log, entry(at + 1, length));
  return log;
}

describe("what is kept of a stream", () => {
  test("is all of it at the bound, and the newest one byte beyond", () => {
    const atBound = logOf(100, [40, 30, 30]);
    expect([atBound.bytes, atBound.dropped]).toEqual([100, 0]);
    const beyond = logOf(100, [40, 30, 31]);
    expect([beyond.bytes, beyond.dropped, beyond.droppedId]).toEqual([61, 1, 1]);
  });

  test.each([
    [0, 0],
    [1, 1],
    [40, 1],
    [41, 2],
    [70, 2],
    [71, 3],
    [9_999, 3],
  ])("says what has to be read before %i bytes more come", (more, index) => {
    const log = logOf(100, [40, 30, 30]);
    expect(keptFrom(log, more)).toBe(index);
    if (more > 0) append(log, entry(4, more));
    expect(log.dropped).toBe(index);
  });

  test("is the newest event whatever its length", () => {
    const log = logOf(100, [40, 500]);
    expect(log.entries.map(({ id }) => id)).toEqual([2]);
  });

  test("tells a reader where it goes on, that what follows is gone, or that nobody was given its number", () => {
    const log = logOf(100, [40, 40, 40, 20]);
    expect(placeAfter(log, 0)).toEqual({ kind: "dropped" });
    expect(placeAfter(log, 1)).toEqual({ kind: "at", index: 1 });
    expect(placeAfter(log, 4)).toEqual({ kind: "at", index: 4 });
    expect(placeAfter(log, 5)).toEqual({ kind: "ahead" });
    expect([entryAt(log, 0), entryAt(log, 1)?.valueOf(), entryAt(log, 4)]).toEqual(["dropped", log.entries[0], null]);
  });

  test("gives each reader every event behind its own, once, in whatever order events and comments came", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), fc.nat(40), (areEvents, after) => {
        const log = createStreamLog(1_000_000);
        for (const isEvent of areEvents) {
          const { id, text } = numbered(NAME, log.lastId, isEvent ? "data: x\n\n" : ": alive\n\n");
          append(log, { id, bytes: new TextEncoder().encode(text) });
        }
        const place = placeAfter(log, after);
        expect(place.kind).toBe(after > log.lastId ? "ahead" : "at");
        if (place.kind !== "at") return;
        let told = "";
        for (let at = place.index; ; at += 1) {
          const next = entryAt(log, at);
          if (next === null || next === "dropped") break;
          told += new TextDecoder().decode(next.bytes);
        }
        const events = push(createSseDecoder(), told);
        const ids = events.ok ? events.value.map(({ id }) => id) : [];
        expect(ids).toEqual(Array.from({ length: log.lastId - after }, (_, at) => `${NAME}:${after + at + 1}`));
      }),
    );
  });
});

describe("the number of an event", () => {
  test.each([
    ["an event", "data: a\n\n", { id: 8, text: `id: ${NAME}:8\ndata: a\n\n` }],
    ["one with a name", "event: x\r\ndata: a\r\n\r\n", { id: 8, text: `id: ${NAME}:8\nevent: x\r\ndata: a\r\n\r\n` }],
    ["one with a number of its own", "id: 3\ndata: a\n\n", { id: 8, text: `id: ${NAME}:8\ndata: a\n\n` }],
    ["the first, behind a mark of its byte order", "\ufeffdata: a\n\n", { id: 8, text: `id: ${NAME}:8\ndata: a\n\n` }],
    ["a comment", ": alive\n\n", { id: 7, text: ": alive\n\n" }],
    ["a blank line", "\n", { id: 7, text: "\n" }],
  ])("of %s", (_, part, expected) => {
    const given = numbered(NAME, 7, part);
    expect(given).toEqual(expected);
    expect(numberOf(7, given.text)).toBe(given.id);
  });

  test("is read again from what was written, however it was cut", () => {
    const text = ["data: a\n\n", ": c\n\n", "data: b\n\n"].reduce(
      ({ id, text: before }, part) => {
        const next = numbered(NAME, id, part);
        return { id: next.id, text: before + next.text };
      },
      { id: 0, text: "" },
    ).text;
    const parts = splitEvents(createSseSplitter(), text);
    let last = 0;
    const ids = (parts.ok ? parts.value : []).map((part) => (last = numberOf(last, part)));
    expect(ids).toEqual([1, 1, 2]);
  });

  test.each([
    ["rs_ab:12", { name: "rs_ab", after: 12 }],
    ["12", { name: null, after: 12 }],
    ["", null],
    ["rs_ab:", null],
    ["rs_ab:1234567890", null],
    ["rs ab:1", null],
    ["-1", null],
  ])("is read from %j as %j", (text, expected) => {
    expect(parseEventId(text)).toEqual(expected);
  });
});
