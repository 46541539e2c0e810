import fc from "fast-check";
import { expect, test } from "vitest";
import { LineReader } from "../../src/files/line-reader.ts";

const LINE_MAX = 64;

function readerOf(bytes: Uint8Array, partBytes: number): LineReader {
  const part = async (at: number) => bytes.subarray(at * partBytes, (at + 1) * partBytes);
  return new LineReader({ bytes: bytes.byteLength, partBytes, part }, LINE_MAX);
}

/** Every line as text; null: too long. */
async function linesOf(bytes: Uint8Array, partBytes: number): Promise<readonly (string | null)[]> {
  const reader = readerOf(bytes, partBytes);
  const lines: (string | null)[] = [];
  for (let offset = 0; ;) {
    const found = await reader.lineAt(offset);
    if (found === null || found === "gone") return lines;
    lines.push(found.bytes === null ? null : Buffer.from(found.bytes).toString("latin1"));
    offset = found.next;
  }
}

test("lines are those of a plain split, however the file is cut into parts", async () => {
  const anyText = fc.array(fc.constantFrom("a", "\n", "\r\n", "\r", "é", "b".repeat(30)), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(anyText, fc.integer({ min: 1, max: 17 }), async (pieces, partBytes) => {
      const bytes = Buffer.from(pieces.join(""));
      const split = bytes.toString("latin1").split("\n");
      if (split.at(-1) === "") split.pop();
      const expected = split
        .map((line) => line.replace(/\r$/, ""))
        .map((line) => (line.length > LINE_MAX ? null : line));
      expect(await linesOf(bytes, partBytes)).toEqual(expected);
    }),
  );
});

test("a line may be read again from where it begins, in any order", async () => {
  const bytes = Buffer.from("one\ntwo\r\nthree");
  const reader = readerOf(bytes, 4);
  for (const [offset, text] of [
    [9, "three"],
    [0, "one"],
    [4, "two"],
  ] as const) {
    const found = await reader.lineAt(offset);
    expect(found !== null && found !== "gone" && Buffer.from(found.bytes ?? []).toString()).toBe(text);
  }
});

test("a byte order mark is taken off the first line alone", async () => {
  const mark = "\uFEFF";
  const bytes = Buffer.from(`${mark}a\n${mark}b`);
  expect((await linesOf(bytes, 5)).map((line) => Buffer.from(line ?? "", "latin1").toString())).toEqual([
    "a",
    `${mark}b`,
  ]);
});

test("a line at its bound is read, one byte more is passed over, and the next is read", async () => {
  const [most, more] = ["x".repeat(LINE_MAX), "y".repeat(LINE_MAX + 1)];
  expect(await linesOf(Buffer.from(`${most}\n${most}\r\n${more}\n${"z".repeat(1_000)}\nlast`), 10)).toEqual([
    most,
    most,
    null,
    null,
    "last",
  ]);
});

test("a file that goes while it is read is told from one that has ended", async () => {
  const reader = new LineReader({ bytes: 10, partBytes: 4, part: async () => null }, LINE_MAX);
  expect(await reader.lineAt(0)).toBe("gone");
  expect(await reader.lineAt(10)).toBe(null);
});
