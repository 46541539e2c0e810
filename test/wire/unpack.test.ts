/** Compressed bodies; what the Workers runtime makes of them, and of a bomb, is in `test/e2e/limits.test.ts`. */
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { codingOf, readBytes } from "../../src/wire/body.ts";
import type { Coding } from "../../src/wire/unpack.ts";
import { unpack } from "../../src/wire/unpack.ts";

const TEXT = '{"prompt":"word word word"}';
const bytesOf = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer;

test.each([
  [null, null],
  ["", null],
  ["identity", null],
  ["gzip", "gzip"],
  ["X-GZip", "gzip"],
  [" deflate ", "deflate"],
  ["br", "unknown"],
  ["zstd", "unknown"],
  ["gzip, gzip", "unknown"],
])("Content-Encoding %j is %j", (header, coding) => {
  expect(codingOf(header)).toBe(coding);
});

describe.each<[Coding, (text: string | Buffer) => Buffer]>([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
])("a body by %s", (coding, pack) => {
  const unpacked = async (packed: Buffer, bytesMax = 1_000_000) => {
    const read = await unpack(bytesOf(packed), coding, bytesMax);
    return read.ok ? Buffer.from(read.value).toString() : read.error;
  };

  test("is what it was", async () => {
    expect(await unpacked(pack(TEXT))).toBe(TEXT);
    const long = Array.from({ length: 40_000 }, (_, at) => `word ${(at * 7_919) % 40_009}`).join(" ");
    expect(await unpacked(pack(long))).toBe(long);
  });

  test("may have as many bytes as any body, and not one more", async () => {
    const zeros = pack(Buffer.alloc(100_000));
    expect((await unpacked(zeros, 100_000)).length).toBe(100_000);
    expect(await unpacked(zeros, 99_999)).toBe("too_large");
  });

  test.each([
    ["that is cut", (packed: Buffer) => packed.subarray(0, -3)],
    ["that goes on after its end", (packed: Buffer) => Buffer.concat([packed, Buffer.from("more")])],
    ["that is none", () => Buffer.from(TEXT)],
    ["that is empty", () => Buffer.alloc(0)],
  ])("%s is refused", async (_, change) => {
    expect(await unpacked(change(pack(TEXT)))).toBe("broken_coding");
  });
});

test("is bounded in its packed form too", async () => {
  const body = gzipSync(TEXT);
  const request = () =>
    new Request("https://a.example/", { method: "POST", body, headers: { "content-encoding": "gzip" } });
  const size = async (bytesMax: number) => {
    const read = await readBytes(request(), { bytesMax, timeoutMs: 60_000 });
    return read.ok ? read.value.byteLength : read.error;
  };
  expect(await size(1_000)).toBe(TEXT.length);
  expect(await size(body.length - 1)).toBe("too_large");
  expect(await size(TEXT.length - 1)).toBe("too_large");
});
