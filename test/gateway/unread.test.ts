import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/wire/body.ts";
import { unreadOf } from "../../src/gateway/unread.ts";

const text = '{"prompt":"a"}';
const bytesOf = (body: string | Uint8Array): ArrayBuffer => Uint8Array.from(Buffer.from(body)).buffer;
const utf16 = Buffer.from(text, "utf16le");

function unread(body: string | Uint8Array, contentType: string | null = null) {
  const bytes = bytesOf(body);
  return unreadOf(bytes, parseJson(bytes), contentType);
}

describe("what no rail can read of a body", () => {
  test.each([
    ["JSON", text, "application/json"],
    ["JSON with a byte order mark", `\u{feff}${text}`, null],
    ["JSON that is called text", text, "text/plain; charset=UTF-8"],
    ["JSON in ASCII", text, 'application/json; charset="us-ascii"'],
    ["JSON of a strange type", text, "application/x-ndjson"],
    ["nothing", "", "multipart/form-data; boundary=B"],
  ])("is nothing of %s", (_, body, contentType) => {
    expect(unread(body, contentType)).toEqual({ reasons: [], bytes: 0 });
  });

  test.each([
    ["UTF-16", utf16, "application/json"],
    ["UTF-16 with a byte order mark", Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), "text/json"],
    ["one invalid byte", Buffer.concat([Buffer.from(text.slice(0, -2)), Buffer.from([0xff, 0x22, 0x7d])]), "text/xml"],
    ["NaN, which Python reads", '{"prompt":"a","x":NaN}', "application/json"],
    ["lines of JSON", `${text}\n${text}`, "application/x-ndjson"],
    ["a form", "prompt=a", "application/x-www-form-urlencoded"],
    ["a text", "a", "text/plain"],
  ])("is %s, whose bytes may all be text", (_, body, contentType) => {
    expect(unread(body, contentType)).toEqual({ reasons: ["not_json"], bytes: Buffer.from(body).byteLength });
  });

  test.each([
    ["something without a type", null],
    ["an upload", "multipart/form-data; boundary=B"],
    ["a sound", "audio/wav"],
    ["anything", "application/octet-stream"],
  ])("is %s, whose bytes are mostly no text", (_, contentType) => {
    expect(unread("--B\r\n", contentType)).toEqual({ reasons: ["not_json"], bytes: 0 });
  });

  test.each([
    ["application/json; charset=utf-7"],
    ["application/json;charset='UTF-16'"],
    ["application/json; charset=utf-8, text/plain; charset=utf-32"],
    ["application/x-www-form-urlencoded"],
    ["multipart/form-data; boundary=B"],
  ])("is JSON that is called %s, because a server may decode it first", (contentType) => {
    expect(unread(text, contentType)).toEqual({ reasons: ["not_json"], bytes: 0 });
  });

  test("is JSON in which a name stands twice", () => {
    const twice = '{"prompt":"a","prompt":"b"}';
    expect(unread(twice)).toEqual({ reasons: ["repeated_members"], bytes: twice.length });
  });
});
