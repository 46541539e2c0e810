import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTarget, readUrl, TARGET_CHARS_MAX } from "../../src/wire/request-target.ts";

const spelling = (text: string) => {
  const read = readTarget(text);
  return read.ok ? read.value.path + read.value.query : read.error;
};

describe("a request target has one spelling", () => {
  test.each([
    ["/v1/chat/completions", "/v1/chat/completions"],
    ["/", "/"],
    ["//v1//chat/completions/", "/v1/chat/completions/"],
    ["/v1/ch%61t/%63ompletions", "/v1/chat/completions"],
    ["/a%20b/%c3%a9", "/a%20b/%C3%A9"],
    ["/a;b=c/d,e/@f:g/!$&'()*+=~", "/a;b=c/d,e/@f:g/!$&'()*+=~"],
    ["/x?y=/../z&%2e%2e\\&q=%00", "/x?y=/../z&%2e%2e\\&q=%00"],
    ["/v1/models/org%2Fname", "/v1/models/org/name"],
    ["/models/org%2Fname", "/models/org/name"],
    ["/p/main/v1/models/org%2fname:free", "/p/main/v1/models/org/name:free"],
    ["/a...b/.../.c", "/a...b/.../.c"],
    ["/100%25", "/100%25"],
  ])("%s is %s", (sent, spelt) => {
    expect(spelling(sent)).toBe(spelt);
  });

  test.each([
    ["/a/../b", "dot_segment"],
    ["/..", "dot_segment"],
    ["/./a", "dot_segment"],
    ["/a/.", "dot_segment"],
    ["/a/%2e%2e/b", "dot_segment"],
    ["/a/%2E./b", "dot_segment"],
    ["/a/..;x/b", "dot_segment"],
    ["/a/..%3bx/b", "dot_segment"],
    ["/v1/models/..%2f..%2fshutdown", "dot_segment"],
    ["/a\\..\\b", "character"],
    ["/a b", "character"],
    ["/a#b", "character"],
    ["/a?b#c", "character"],
    ["/a\u0000", "character"],
    ["/é", "character"],
    ["/a?é", "character"],
    ["/a?b c", "character"],
    ["/a%5cb", "encoded_slash"],
    ["/a%2fb", "encoded_slash"],
    ["/a%2f/v1/models/b", "encoded_slash"],
    ["/a/models/b%2fc", "encoded_slash"],
    ["/a%00", "control"],
    ["/a%0d%0ab", "control"],
    ["/a%7f", "control"],
    ["/a%", "encoding"],
    ["/a%z0", "encoding"],
    ["/a%ff", "encoding"],
    ["/a%c0%ae", "encoding"],
    ["/a/%252e%252e/b", "encoding"],
    ["/a%255cb", "encoding"],
    // Found by the fuzz: dot segments for who decodes twice and drops what follows a semicolon, and for who decodes and
    // then reads a URL.
    ["/a/..%253b./b", "encoding"],
    ["/a/..%23./b", "dot_segment"],
    ["/a/..%3fb", "dot_segment"],
    ["/a/..%20/b", "dot_segment"],
    ["/a%2541", "encoding"],
    ["/%25%62e/", "encoding"],
    ["/%25%32%65%25%32%65/x", "encoding"],
    ["/%25%32e%25%32e/x", "encoding"],
    ["", "form"],
    ["a/b", "form"],
    ["*", "form"],
    ["?a", "form"],
    ["https://a.example/b", "form"],
    ["@a.example/b", "form"],
  ])("%j has none: %s", (sent, problem) => {
    expect(spelling(sent)).toBe(problem);
  });

  test("has at most TARGET_CHARS_MAX characters", () => {
    const longest = `/${"a".repeat(TARGET_CHARS_MAX - 1)}`;
    expect(spelling(longest)).toBe(longest);
    expect(spelling(`${longest}a`)).toBe("too_long");
  });
});

describe("the target of a URL", () => {
  test.each([
    ["http://127.0.0.1:8787/a?b", "/a?b"],
    ["https://gpu_router.internal/a", "/a"],
    ["http://[::1]:8787/a", "/a"],
    ["http://h.example", "/"],
    ["http://h.example//a", "/a"],
  ])("%s is %s", (url, target) => {
    expect(readUrl(url)).toMatchObject({ ok: true });
    const read = readUrl(url);
    expect(read.ok && read.value.path + read.value.query).toBe(target);
  });

  test.each([
    ["http://h.example*", "host"],
    ["http://a@b/x", "host"],
    ["http://a, b/x", "host"],
    ["http:///x", "host"],
    ["http://h:1:2/x", "host"],
    ["http://h?x/y", "form"],
    ["http://h\\x/y", "form"],
    ["http://h/a/../b", "dot_segment"],
  ])("%s has none: %s", (url, problem) => {
    expect(readUrl(url)).toEqual({ ok: false, error: problem });
  });
});

const piece = fc.constantFrom(
  ..."/ // . .. ... %2e %2E %2f %5c \\ ; ..; @ : # ? & % %25 %252e %00 %0a v1 models p é %c3%a9 evil.example a".split(
    " ",
  ),
);

describe("of any target that passes", () => {
  const targets = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join("")}`);

  test("a second reading changes nothing", () => {
    fc.assert(
      fc.property(targets, (text) => {
        const spelt = spelling(text);
        return !spelt.startsWith("/") || spelling(spelt) === spelt;
      }),
      { numRuns: 5_000 },
    );
  });

  test("a URL parser finds the same path behind a base, and the base's origin", () => {
    fc.assert(
      fc.property(targets, (text) => {
        const read = readTarget(text);
        if (!read.ok) return true;
        const url = new URL(`https://gpu.example/base${read.value.path}${read.value.query}`);
        return url.origin === "https://gpu.example" && url.pathname === `/base${read.value.path}` && url.hash === "";
      }),
      { numRuns: 5_000 },
    );
  });
});
