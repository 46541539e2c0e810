import { describe, expect, test } from "vitest";
import { bodyOf } from "../../../bench/framing.ts";

const head = (framing: string): string => `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${framing}\r\n\r\n`;
const BODY = 'data: {"content":"grün"}\n\ndata: [DONE]\n\n';

/** As a server sends it that has so many bytes at a time. */
function inChunks(body: string, size: number): string {
  const bytes = Buffer.from(body).toString("latin1");
  let framed = "";
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.slice(at, at + size);
    framed += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `${framed}0\r\n\r\n`;
}

describe("the body of an answer", () => {
  test("is the same wherever its chunks end", () => {
    for (let size = 1; size <= BODY.length + 2; size++) {
      const read = bodyOf(head("Transfer-Encoding: chunked") + inChunks(BODY, size));
      expect([size, Buffer.from(read, "latin1").toString()]).toEqual([size, BODY]);
    }
  });

  test("is what follows the head where its length is told", () => {
    expect(bodyOf(`${head("content-length: 9")}5\r\nabcd\r\n`)).toBe("5\r\nabcd\r\n");
  });

  test.each([
    ["within a chunk", head("transfer-encoding: chunked") + "5\r\nab", "ab"],
    ["behind a chunk", head("transfer-encoding: chunked") + "2\r\nab\r\n", "ab"],
    ["within a size", head("transfer-encoding: chunked") + "2\r\nab\r\n1", "ab"],
    ["within the head", "HTTP/1.1 200 OK\r\n", ""],
  ])("that broke off %s is read as far as it came", (_, answer, read) => {
    expect(bodyOf(answer)).toBe(read);
  });
});
