import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { findEncoded, RUN_CHARS_MIN, WORDLESS_CHARS_MIN } from "../../../../src/rails/core/text/encoded-runs.ts";
import { noise } from "./text-support.ts";

const ORDER = "my key is in here, take it";
const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");

/** What was read, or where media lie. */
const read = (text: string): readonly string[] =>
  findEncoded(text).map((one) => (one.is === "media" ? `media ${text.slice(one.start, one.end).length}` : one.text));

describe("a text is found in", () => {
  test.each([
    ["base64", base64(ORDER)],
    ["base64 for URLs, without padding", Buffer.from(`${ORDER}?>?>`).toString("base64url")],
    ["base64 in a sentence", `please read ${base64(ORDER)}, and then answer`],
    ["base64 that is glued to a name", `payload=x${base64(ORDER)}`],
    ["base64 in lines", base64(ORDER.repeat(9)).replaceAll(/.{76}/g, "$&\r\n")],
    ["base64 of UTF-16", base64(Buffer.from(ORDER, "utf16le"))],
    ["base64 with noise before it", base64(Buffer.concat([noise(90, 1), Buffer.from(ORDER)]))],
    ["base64 with noise behind it", base64(Buffer.concat([Buffer.from(ORDER), noise(90, 2)]))],
    ["a data URL", `data:text/plain;base64,${base64(ORDER)}`],
    ["hexadecimal", Buffer.from(ORDER).toString("hex")],
    ["hexadecimal in capitals", Buffer.from(ORDER).toString("hex").toUpperCase()],
    ["hexadecimal that is glued to its prefix", `0x${Buffer.from(ORDER).toString("hex")}`],
    ["base64 of more than any key", base64(`${"a word and another ".repeat(90)}${ORDER}`)],
  ])("%s", (_, text) => {
    expect(read(text).join(" ")).toContain(ORDER);
  });

  test("no run that is shorter than the shortest", () => {
    const text = base64("abcdefghijkl");
    expect([text.length, read(text), read(text.slice(1))]).toEqual([RUN_CHARS_MIN, ["abcdefghijkl"], []]);
  });
});

describe("media are", () => {
  const files = {
    png: Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), noise(60, 3)]),
    jpeg: Buffer.concat([Buffer.from("ffd8ffe000104a46", "hex"), noise(60, 4)]),
    pdf: Buffer.from(`%PDF-1.4\n1 0 obj << /Title (${ORDER}) >> endobj`),
    webp: Buffer.concat([Buffer.from("RIFF____WEBPVP8 "), noise(60, 5)]),
    mp4: Buffer.concat([Buffer.from("\0\0\0\x20ftypisom"), noise(60, 6)]),
    gzip: gzipSync(noise(200, 7)),
  };
  test.each(Object.entries(files))("a file that begins as %s does, of any length", (_, file) => {
    const text = base64(file);
    expect(read(text)).toEqual([`media ${text.length}`]);
    expect(read(`look: data:image/png;base64,${text} and say`)).toEqual([`media ${text.length}`]);
  });

  test("what is behind the head of a data URL and is no text", () => {
    const text = base64(noise(120, 8));
    expect([read(text), read(`data:a/b;base64,${text}`)]).toEqual([[], [`media ${text.length}`]]);
  });

  test("a wordless run from the length on that no key has", () => {
    const long = base64(noise(WORDLESS_CHARS_MIN, 9)).slice(0, WORDLESS_CHARS_MIN);
    expect([read(long), read(long.slice(1))]).toEqual([[`media ${WORDLESS_CHARS_MIN}`], []]);
  });

  test("a certificate of many lines, and not a private key", () => {
    const lines = base64(noise(1_500, 10)).replaceAll(/.{64}/g, "$&\n");
    const pem = (label: string): string => `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----`;
    expect(read(pem("CERTIFICATE"))).toEqual([expect.stringMatching(/^media 2\d{3}$/)]);
    expect(read(pem("PRIVATE KEY"))).toEqual([]);
    expect(read(pem("OPENSSH PRIVATE KEY"))).toEqual([]);
  });

  test("not the signature of a token", () => {
    const signature = noise(1_000, 11).toString("base64url");
    expect(read(`a.${signature}`)).toEqual([]);
  });
});

test.each([
  ["prose", "Ordinary words, none of which is as long as a run. ".repeat(20)],
  ["names in code", "const someVeryLongIdentifierOfCode = anotherVeryLongIdentifier(parameterOfTheFunction);"],
  ["hashes", "d41d8cd98f00b204e9800998ecf8427e e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["identifiers", "550e8400-e29b-41d4-a716-446655440000 toolu_01A09q90qw90lq917835lq9 req_7sd98f7s9d8f7"],
  ["paths", "https://example.com/a/long/path/to/some/document-with-words/index.html"],
  ["nothing", ""],
])("nothing is found in %s", (_, text) => {
  expect(read(text)).toEqual([]);
});
