import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { PII_ENTITIES, PII_ENTITIES_DEFAULT, findPii, piiRail } from "../../../../src/rails/detectors/pii/pii.ts";
import { CARD_DIGITS_MAX, isIssued, passesLuhn } from "../../../../src/rails/detectors/pii/pii-card.ts";
import { DOMAIN_CHARS_MAX, LOCAL_CHARS_MAX } from "../../../../src/rails/detectors/pii/pii-email.ts";
import { PII_SPANS_MAX } from "../../../../src/rails/detectors/pii/pii-scan.ts";
import { IBAN_CHARS_MAX, IBAN_CHARS_MIN, passesMod97 } from "../../../../src/rails/detectors/pii/pii-iban.ts";

/** "type=text" of each finding. */
function found(text: string, entities: readonly string[] = PII_ENTITIES): string[] {
  return findPii(text, { entities }).map(({ start, end, type }) => `${type}=${text.slice(start, end)}`);
}

describe("e-mail addresses are found where they begin and end", () => {
  test.each([
    ["write to ann@example.com.", "ann@example.com"],
    ["<ann.lee+tag@mail.example.co.uk>", "ann.lee+tag@mail.example.co.uk"],
    ["email=ann@example.com&x=1", "ann@example.com"],
    ["mailto:ann_lee%x@example.com", "ann_lee%x@example.com"],
    ["'ann@example.com'", "ann@example.com"],
    ["o'hara@example.com", "o'hara@example.com"],
    ["jörg@müller.example", "jörg@müller.example"],
    ["ann@example.com-Office", "ann@example.com"],
    ["ann@xn--mller-kva.xn--p1ai", "ann@xn--mller-kva.xn--p1ai"],
    ["请联系ann@example.com谢谢", "ann@example.com"],
    ["5551234567@example.com", "5551234567@example.com"],
  ])("%s", (text, email) => {
    expect(found(text)).toEqual([`email=${email}`]);
  });

  test.each([
    "@ann",
    "ann@localhost",
    "ann@",
    "a @ b.com",
    "ann.@example.com",
    "ann@.com",
    "ann@example..com",
    "ann@example.c",
    "react@18.2.0",
    "icon@2x.png",
    "git@github.com:ann/tool.git",
    "ann@-x.com",
  ])("%s is none", (text) => {
    expect(found(text)).toEqual([]);
  });

  test("both parts are bounded as in RFC 5321", () => {
    const local = "a".repeat(LOCAL_CHARS_MAX);
    expect(found(`${local}@example.com`)).toHaveLength(1);
    expect(found(`${local}a@example.com`)).toEqual([]);
    const domain = `${"b.".repeat((DOMAIN_CHARS_MAX - 3) / 2)}com`;
    expect(domain).toHaveLength(DOMAIN_CHARS_MAX);
    expect(found(`a@${domain}`)).toHaveLength(1);
    expect(found(`a@b${domain}`)).toEqual([]);
  });
});

describe("addresses of machines are told from versions, times and code", () => {
  test.each([
    ["ping 192.168.0.1 now", "ip=192.168.0.1"],
    ["http://10.0.0.1:8080/x", "ip=10.0.0.1"],
    ["10.0.0.0/8", "ip=10.0.0.0"],
    ["from 2001:db8:85a3:0:0:8a2e:370:7334.", "ip=2001:db8:85a3:0:0:8a2e:370:7334"],
    ["[2001:db8::1]:443", "ip=2001:db8::1"],
    ["fe80::1%eth0 up", "ip=fe80::1%eth0"],
    ["::ffff:192.0.2.128", "ip=::ffff:192.0.2.128"],
    ["bind ::1", "ip=::1"],
    ["00:1a:2B:3c:4D:5e", "mac=00:1a:2B:3c:4D:5e"],
  ])("%s", (text, expected) => {
    expect(found(text)).toEqual([expected]);
  });

  test.each([
    "256.1.1.1",
    "1.2.3",
    "1.2.3.4.5",
    "01.02.03.04",
    "version 10.4.2.1",
    "v1.2.3.4",
    "Chrome/120.0.0.0",
    "12:30:45",
    "std::vector",
    "a::b",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "::",
    "00:1a:2b:3c:4d",
    "key: 12, other:34",
  ])("%s is none", (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe("payment cards have an issuer, its length and a check digit", () => {
  test.each([
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "3782 822463 10005",
    "30569309025904",
    "6011111111111117",
    "3530111333300000",
    "4222222222222",
    "6304000000000000",
    "501800000009",
    "0604000000000000009",
    "6212345678901232",
  ])("%s", (card) => {
    expect(found(`my card ${card}, please`)).toEqual([`card=${card}`]);
  });

  test.each([
    ["the check digit is wrong", "4111111111111112"],
    ["no issuer begins so", "1111111111111117"],
    ["the issuer has other lengths", "37828224631000"],
    ["it is a part of a longer number", "41111111111111111111"],
    ["it is a decimal", "0.4111111111111111"],
    ["it is a part of a word", "x4111111111111111"],
    ["it ends in a word", "4111111111111111b"],
    ["the groups are not a card's", "41 1111 1111 1111 11"],
    ["it is on goods", "EAN 4069475376894"],
  ])("none if %s", (_, text) => {
    expect(found(text)).toEqual([]);
  });

  test("a code behind the card stays", () => {
    expect(found("4111 1111 1111 1111 123")).toEqual(["card=4111 1111 1111 1111"]);
  });

  test("one changed digit always breaks the check", () => {
    const digit = fc.integer({ min: 0, max: 9 });
    fc.assert(
      fc.property(
        fc.array(digit, { minLength: 12, maxLength: CARD_DIGITS_MAX }),
        fc.nat(),
        digit,
        (digits, at, other) => {
          const changed = digits.with(at % digits.length, other);
          const isSame = changed.every((value, index) => value === digits[index]);
          fc.pre(!isSame);
          expect(passesLuhn(digits, digits.length) && passesLuhn(changed, changed.length)).toBe(false);
        },
      ),
    );
  });

  test("lengths of an issuer are kept", () => {
    expect([12, 13, 14, 15, 16, 17, 18, 19].filter((length) => isIssued(4111, length))).toEqual([13, 16, 19]);
    expect(isIssued(6759, 12)).toBe(true);
    expect(isIssued(6759, 20)).toBe(false);
  });
});

describe("bank accounts have their country's length and a checksum", () => {
  test.each([
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "GB29 NWBK 6016 1331 9268 19",
    "gb29nwbk60161331926819",
    "NO9386011117947",
    "FR14 2004 1010 0505 0001 3M02 606",
    "MT84MALT011000012345MTLCAST001S",
    "MA64 0115 1900 0001 2050 0053 4921",
  ])("%s", (iban) => {
    expect(found(`account ${iban}.`)).toEqual([`iban=${iban}`]);
  });

  test.each([
    "DE89370400440532013001",
    "DE8937040044053201300",
    "XDE89370400440532013000",
    "DE89370400440532013000X",
    "De89370400440532013000",
    "AT12 is where we went last",
    "de277c77f26da4aa47eeb2a09a701ed6",
    "DE277C77F26DA4AA47EEB2A09A701ED6",
  ])("%s is none", (text) => {
    expect(found(text)).toEqual([]);
  });

  test("countries outside the registry count in one piece, within the standard's lengths", () => {
    expect(found("IR580540105180021273113007")).toHaveLength(1);
    expect(found("AR52HBNG58087609044457186703 ")).toHaveLength(1);
    for (const length of [IBAN_CHARS_MIN - 1, IBAN_CHARS_MIN, IBAN_CHARS_MAX, IBAN_CHARS_MAX + 1]) {
      const isIban = length >= IBAN_CHARS_MIN && length <= IBAN_CHARS_MAX;
      expect(found(withCheck("ZZ", "7".repeat(length - 4)))).toHaveLength(isIban ? 1 : 0);
    }
  });
});

/** The IBAN of this country and account. */
function withCheck(country: string, account: string): string {
  for (let check = 2; check < 99; check += 1) {
    const iban = `${country}${String(check).padStart(2, "0")}${account}`;
    if (passesMod97(iban)) return iban;
  }
  return "";
}

describe("national numbers follow the rules of who issues them", () => {
  test.each([
    ["SSN 123-45-6789", "ssn=123-45-6789"],
    ["my ssn is 123456789", "ssn=123456789"],
    ["social security: 123 45 6789", "ssn=123 45 6789"],
    ["ITIN 912-71-1234", "itin=912-71-1234"],
    ["NI AB 12 34 56 C", "nino=AB 12 34 56 C"],
    ["AB123456C", "nino=AB123456C"],
  ])("%s", (text, expected) => {
    expect(found(text)).toEqual([expected]);
  });

  test.each([
    "000-12-3456",
    "666-12-3456",
    "900-12-3456",
    "123-00-4567",
    "123-45-0000",
    "1-123-45-6789",
    "123-45-6789-1",
    "123-45-67890",
    "Suite 680 36 4022 Oakridge Lane",
    "order 123456789",
    "GB 12 34 56 C",
    "AB 12 34 56 E",
  ])("%s is none", (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe("wallets are found by checksum or by shape", () => {
  test.each([
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "0x52908400098527886E0F7030069857D2E4169EE7",
  ])("%s", (leaseCache) => {
    expect(found(`send to ${leaseCache}`)).toEqual([`wallet=${leaseCache}`]);
  });

  test.each([
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp",
    "1234567891234567891234567891234",
    "0x52908400098527886E0F7030069857D2E4169EE",
    "0x52908400098527886E0F7030069857D2E4169EE71",
    "1f3870be274f6c49b3e31a1c6728957f",
  ])("%s is none", (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe("the rail", () => {
  const parts = [
    { path: "a", role: "user", text: "ann@example.com, 4111111111111111" },
    { path: "b", role: "user", text: "nothing here in 2021" },
  ];

  test("reports spans by part and reasons without the text", () => {
    const findings = piiRail({ parts, messageCount: 1, unseen: [] }, {});
    expect([...findings.spans.keys()]).toEqual(["a"]);
    expect(findings.reasons).toEqual(["pii:card", "pii:email"]);
  });

  test("looks only for the entities asked for, and what is another entity is still none of these", () => {
    expect(found("ann@example.com 10.0.0.1", ["ip"])).toEqual(["ip=10.0.0.1"]);
    expect(found("call 4111 1111 1111 1111", ["phone"])).toEqual([]);
    expect(found("ann@example.com", [])).toEqual([]);
    expect(found("00:1a:2b:3c:4d:5e", PII_ENTITIES_DEFAULT)).toEqual([]);
  });

  test.each([
    ["full-width digits", "card ４１１１１１１１１１１１１１１１", "card=４１１１１１１１１１１１１１１１"],
    ["zero-width characters", "a\u200bnn@exam\u200bple.com", "email=a\u200bnn@exam\u200bple.com"],
    ["no-break spaces", "4111\u00a01111\u00a01111\u00a01111", "card=4111\u00a01111\u00a01111\u00a01111"],
    ["Arabic digits", "هاتف ٠٥٠٤٧٧٩٩٤٦", "phone=٠٥٠٤٧٧٩٩٤٦"],
    ["long dashes", "SSN 123–45–6789", "ssn=123–45–6789"],
  ])("sees through %s and gives offsets of the original", (_, text, expected) => {
    expect(found(text)).toEqual([expected]);
  });

  test("finds nothing in prose and code", () => {
    const text =
      "In 2021, 12,345,678 people paid $1,200.50 (3.5 %) on 2021-05-06 at 12:30:45. See RFC 5321 4.5.3.1.1, ISBN " +
      "978-3-16-148410-0, v1.22.333, 550e8400-e29b-41d4-a716-446655440000, order 123-4567890-1234567, 1920x1080, " +
      "lat 48.858370, lon 2.294481; id=1234567890; 1700000000000 ms; a[0] = b::c; x @ y; 10 000 000 rows; 1/2 + 3/4.";
    expect(found(text)).toEqual([]);
  });

  test("spans are in order and do not overlap, whatever the text", () => {
    const piece = fc.constantFrom(
      ..."ann@example.com|4111 1111 1111 1111|+1 212-555-0199|10.0.0.1|123-45-6789|DE89370400440532013000|fe80::1".split(
        "|",
      ),
      ..." |,|-|.|/|(|)|+|x|call |12|0|é|\u200b|１|:|@".split("|"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        let from = 0;
        for (const { start, end } of findPii(text, { entities: PII_ENTITIES })) {
          expect(start).toBeGreaterThanOrEqual(from);
          expect(end).toBeGreaterThan(start);
          from = end;
        }
        expect(from).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});

describe("the work is linear in the text", () => {
  /** The work at one place is bounded: per character no text takes more steps than this. */
  const STEPS_PER_CHAR_MAX = 24;
  const pumps =
    "a@|@|a.|@a.|a@b.c-|1 |12 |123-|4111 |4111111111111112 |1|:|a:|1::|ab:01:|1.1.1.1.|GB29|GB29 NWBK 6016 1331 9268 18 |" +
    "call 12 34 56 78 |(12) |+1 |(+1(|12 345678 |123-45-|123 45 6789 |1aB2|bc1q|0x1|3aB|123456789 |1234567 x|[1|0201 234 56 |" +
    "12 345 |ssn 123456789 |phone |9 (1) |é1 |电话";

  test.each(pumps.split("|"))("for %s over and over", (pump) => {
    const text = pump.repeat(Math.ceil(20_000 / pump.length));
    const once = stepsOf(text);
    expect(once).toBeLessThanOrEqual(STEPS_PER_CHAR_MAX * text.length);
    expect(stepsOf(text + text)).toBeLessThanOrEqual(2.1 * once);
  });

  function stepsOf(text: string): number {
    const meter = { steps: 0 };
    findPii(text, { entities: PII_ENTITIES }, undefined, meter);
    return meter.steps;
  }
});

test.each([
  { name: "addresses", piece: "ab@example.com " },
  { name: "IP addresses", piece: "10.0.0.1, " },
  { name: "cards", piece: "4111 1111 1111 1111, " },
  { name: "numbers", piece: "123-45-6789 " },
])("beyond the bound of findings the rest of a text full of $name is one", ({ piece }) => {
  expect(findPii(piece.repeat(PII_SPANS_MAX)).at(-1)?.end).toBeLessThan(piece.length * PII_SPANS_MAX);
  const text = piece.repeat(PII_SPANS_MAX + 5);
  const spans = findPii(text);
  expect(spans).toHaveLength(PII_SPANS_MAX + 1);
  expect(spans.at(-1)).toMatchObject({ start: piece.length * PII_SPANS_MAX, end: text.length });
});
