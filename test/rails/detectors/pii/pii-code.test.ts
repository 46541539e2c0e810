import { describe, expect, test } from "vitest";
import { findPii } from "../../../../src/rails/detectors/pii/pii.ts";

const found = (text: string) => findPii(text).map(({ start, end, type }) => `${type}=${text.slice(start, end)}`);

describe("numbers of code are no phone numbers", () => {
  test.each([
    { name: "a divisor", text: "the phone rings at time.Now().UnixNano()/1000000 ms" },
    {
      name: "decimals in a row",
      text: "\t0.038578995, 0.037377283, 0.026012046, 0.02818895, 0.027094385, 0.024942026",
    },
    { name: "decimals without a zero", text: "oklch(95% .052 163.051) oklch(93.2% .032 255.585)" },
    { name: "a version in three parts", text: "call it from Windows 10.0.16299." },
    { name: "all digits", text: 'strings.Repeat("0123456789", 100)' },
    { name: "the largest integer", text: "int32: [-2147483648, Number.MAX_SAFE_INTEGER]" },
    { name: "a date behind a number", text: "// ---- 0/0   0 2014-05-13 09:53" },
    { name: "a date in one piece", text: "contact: 19990622: Made -u work" },
    { name: "an id with a time in it", text: '"id": "to-describe-a-contact-plan-1630365360005"' },
    { name: "pages", text: "Journal of Computing, Vol. 7, No 4, 101-134, 2013" },
    { name: "pages after p.", text: "Vol. 25 (2), p. 219-229" },
    { name: "a slice", text: "bz2f.read(), self.text[500-150:]" },
    { name: "a bug", text: "it should not be called again [Bug 1355942]" },
    { name: "a constant behind an index", text: "this.call(); state[0]=1779033703" },
    { name: "a large bound", text: "call with an integer between -1000000 and 1000000" },
    { name: "binary digits", text: "number 01100100 - 1 = 01100011" },
    { name: "bytes", text: "// Prints: <Buffer a0 8b 28 3f 01 00 00 00 50 32>" },
    { name: "a clause", text: "as defined in Clause 252.227-7013 (c) (1)" },
    { name: "a CVE", text: "call it CVE-2022-39253" },
    { name: "a resource of a cloud", text: "arn:aws:ssm-contacts:*:111122223333:contact/akuam" },
    { name: "a class of a page", text: '<span class="hljs-number">1094160</span>' },
    { name: "an abbreviated commit", text: "call it (merge 0573831950 jk/build-with-asan)" },
    { name: "a polynomial", text: "call it 481*x**6/720 + 71*x**7/105 - 20159*x**8" },
    { name: "characters by number", text: "NO-BREAK SPACE; [*02AC.0020.0002.1163] 0020 0002 0042" },
    { name: "an issue in a path", text: "call it done (b/269805885)" },
    { name: "a default of a type", text: "@param {number|boolean} [options.limitInputPixels=268402689]" },
    { name: "an octal constant", text: "#define CALL\t0000040" },
  ])("$name", ({ text }) => {
    expect(found(text)).toEqual([]);
  });

  test.each([
    { text: "call (212) 555-0199", is: "phone=(212) 555-0199" },
    { text: "reach me. 020 7946 0958", is: "phone=020 7946 0958" },
    { text: "tel:+14155550123", is: "phone=+14155550123" },
    { text: '"phone_number": "5550199"', is: "phone=5550199" },
    { text: "Nr. 555 0199, ask for Ann", is: "phone=555 0199" },
  ])("and these are: $text", ({ text, is }) => {
    expect(found(text)).toEqual([is]);
  });
});

describe("integers are no payment cards", () => {
  test.each([
    "\t\t-3804580617188639299, 7163298419643543757, 3039549993168386526,",
    "\t7103445518877254909, 4390861237357459201,\n\t\t6011544915663598137, 5932255307352610768",
    "x = -4111111111111111",
  ])("%s", (text) => {
    expect(found(text)).toEqual([]);
  });

  test("but two cards in a list are", () => {
    const text = "4111111111111111, 5555555555554444";
    expect(found(text)).toEqual(["card=4111111111111111", "card=5555555555554444"]);
  });
});

describe("versions, sections and nobody's addresses are no addresses of a machine", () => {
  test.each([
    "foo-1.6.15.10.tar.gz",
    "from linux-2.6.35.5/include/asm",
    "v8: '11.3.244.8-node.9'",
    "Git 1.7.12.1 Release Notes",
    "Fixes since 1.6.0.5",
    "// 23.3.1.3 multimap operations",
    "see [22.2.5.2]. It says so",
    "11.5.9.0.sb00069315.r1",
    "const OID_EDDSA = '1.3.101.112';",
    "update V8 to 9.6.180.14 (semver-minor)",
    "c.87-.87 2.83-2.12 3.51.98.32 2.03.5 3.11.5",
    "listen on 127.0.0.1, not on 0.0.0.0",
    "mask 255.255.255.0",
    "multicast 224.0.0.251",
    "ff02::1",
    "niemeyer:x:500:500::/srv/niemeyer",
  ])("%s", (text) => {
    expect(found(text)).toEqual([]);
  });

  test.each([
    { text: "nameserver 8.8.8.8", is: "ip=8.8.8.8" },
    { text: "http://4.4.4.4/x", is: "ip=4.4.4.4" },
    { text: "dial 9.8.7.6:53", is: "ip=9.8.7.6" },
    { text: "route 9.8.7.0/24", is: "ip=9.8.7.0" },
    { text: "from 203.0.113.7 then", is: "ip=203.0.113.7" },
    { text: "10.0.0.1", is: "ip=10.0.0.1" },
  ])("and these are: $text", ({ text, is }) => {
    expect(found(text)).toEqual([is]);
  });
});
