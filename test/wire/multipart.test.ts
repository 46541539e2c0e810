import { expect, test } from "vitest";
import fc from "fast-check";
import {
  BOUNDARY_CHARS_MAX,
  boundaryOf,
  createMultipartReader,
  PART_HEADERS_BYTES_MAX,
  PARTS_MAX,
} from "../../src/wire/multipart.ts";
import type { MultipartEvent } from "../../src/wire/multipart.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** What came of a body, with each part's data in one. */
function read(body: Uint8Array, boundary: string, cuts: readonly number[] = []) {
  const reader = createMultipartReader(boundary);
  const events: MultipartEvent[] = [];
  const places = [0, ...cuts.map((cut) => cut % (body.byteLength + 1)), body.byteLength].toSorted((a, b) => a - b);
  for (let at = 1; at < places.length; at += 1) events.push(...reader.push(body.slice(places[at - 1], places[at])));
  const told: unknown[] = [];
  let data: number[] = [];
  for (const event of events) {
    if (event.kind === "data") for (const byte of event.bytes) data.push(byte);
    else if (event.kind === "part_end") {
      told.push(Buffer.from(data).toString("base64"));
      data = [];
    } else told.push(event);
  }
  return { told, isEnded: reader.isEnded };
}

const field = (name: string, value: string, boundary = "b") =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

test("what comes out does not depend on how the bytes were cut", () => {
  const anyBody = fc.array(
    fc.oneof(fc.constantFrom("\r\n--b", "\r\n--", "--b--", "\r", "\n", "\r\n\r\n", "--b"), fc.string()),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(anyBody, fc.array(fc.nat(), { maxLength: 20 }), (pieces, cuts) => {
      const body = bytes(`${field("purpose", "batch")}${pieces.join("")}\r\n--b--\r\n`);
      expect(read(body, "b", cuts)).toEqual(read(body, "b"));
      expect(read(body, "b", [...body.keys()])).toEqual(read(body, "b"));
    }),
  );
});

test("a form that the platform wrote is read as it was, whatever bytes its file has", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.string({ minLength: 1 }), async (content, filename) => {
      const form = new FormData();
      form.set("file", new File([content.slice()], filename.toWellFormed(), { type: "application/jsonl" }));
      form.set("purpose", "batch");
      const sent = new Response(form);
      const boundary = boundaryOf(sent.headers.get("content-type")) ?? "";
      const { told, isEnded } = read(new Uint8Array(await sent.arrayBuffer()), boundary, [7, 90, 91]);
      expect(isEnded).toBe(true);
      expect(told[1]).toBe(Buffer.from(content).toString("base64"));
      expect(told[0]).toMatchObject({ head: { name: "file", contentType: "application/jsonl" } });
      expect(told[2]).toMatchObject({ head: { name: "purpose", filename: null } });
    }),
    { numRuns: 50 },
  );
});

test.each([
  ["a name in quotes that are escaped", 'name="a\\"b"; filename="c%22d.txt"', { name: 'a"b', filename: 'c"d.txt' }],
  ["a name without quotes", "name=file; filename=a.jsonl", { name: "file", filename: "a.jsonl" }],
  ["a name in RFC 5987's form", "name=\"f\"; filename*=UTF-8''%C3%A4.txt", { name: "f", filename: "ä.txt" }],
  ["no file's name", 'name="purpose"', { name: "purpose", filename: null }],
])("%s is read", (_, parameters, head) => {
  const { told } = read(bytes(`--b\r\ncontent-disposition: form-data; ${parameters}\r\n\r\nx\r\n--b--`), "b");
  expect(told[0]).toMatchObject({ kind: "part", head });
});

test.each([
  ["no name", "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", "no_name"],
  ["something else behind a delimiter", "--bx\r\n", "no_delimiter"],
  [
    "headers beyond their bound",
    `--b\r\nContent-Disposition: form-data; name="${"n".repeat(PART_HEADERS_BYTES_MAX)}`,
    "headers_too_large",
  ],
  ["too many parts", `${field("f", "").repeat(PARTS_MAX + 1)}--b--`, "too_many_parts"],
])("a body with %s is broken, and nothing more is read", (_, body, problem) => {
  const { told, isEnded } = read(bytes(body), "b");
  expect(told.at(-1)).toEqual({ kind: "broken", problem });
  expect(isEnded).toBe(false);
});

test("as many parts as may be are read, and what follows the last delimiter is nothing", () => {
  const { told, isEnded } = read(bytes(`${field("f", "v").repeat(PARTS_MAX)}--b--\r\n--b\r\nmore`), "b");
  expect(told.filter((one) => typeof one === "string")).toHaveLength(PARTS_MAX);
  expect(isEnded).toBe(true);
});

test("a body that ends before its last delimiter has not ended", () => {
  expect(read(bytes(field("f", "v")), "b").isEnded).toBe(false);
});

test("a boundary is read from a form's type alone, and within its bound", () => {
  expect(boundaryOf("multipart/form-data; boundary=abc")).toBe("abc");
  expect(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"')).toBe("a b");
  expect(boundaryOf("multipart/mixed; boundary=abc")).toBe(null);
  expect(boundaryOf("application/json")).toBe(null);
  expect(boundaryOf(null)).toBe(null);
  expect(boundaryOf(`multipart/form-data; boundary=${"x".repeat(BOUNDARY_CHARS_MAX)}`)).not.toBe(null);
  expect(boundaryOf(`multipart/form-data; boundary=${"x".repeat(BOUNDARY_CHARS_MAX + 1)}`)).toBe(null);
});
