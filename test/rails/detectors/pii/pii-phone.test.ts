import { describe, expect, test } from "vitest";
import { findPii } from "../../../../src/rails/detectors/pii/pii.ts";
import { CONTEXT_CHARS } from "../../../../src/rails/detectors/pii/pii-context.ts";
import { EXTENSION_DIGITS_MAX } from "../../../../src/rails/detectors/pii/pii-phone.ts";
import { PHONE_DIGITS_MAX, PHONE_DIGITS_MIN } from "../../../../src/rails/detectors/pii/pii-phone-shape.ts";

function phones(text: string): string[] {
  return findPii(text, { entities: ["phone"] }).map(({ start, end }) => text.slice(start, end));
}

describe("numbers that stand by themselves", () => {
  test.each([
    "+1 212-555-0199",
    "+12125550199",
    "+44 (0)20 7946 0958",
    "(+44) 20 7946 0958",
    "+(44) 20 7946 0958",
    "+33 (0)1 23 45 67 89",
    "+49 30 123456-78",
    "+7 (495) 123-45-67",
    "+55 11 98765-4321",
    "0044 20 7946 0958",
    "001-212-555-0199x1234",
    "(212) 555-0199",
    "(212)555-0199x12345",
    "212-555-0199 ext. 12",
    "212.555.0199",
    "1-800-555-0199",
    "020 7946 0958",
    "01.23.45.67.89",
    "01 23 45 67 89",
    "030/1234567",
    "06164/80156208",
    "(06)89/001-7842",
    "0910-5877671",
    "(22) 154-300",
    "(85) 5986-8343",
    "8 (495) 123-45-67",
    "044 668 18 00",
    "0532 123 45 67",
    "090-1234-5678",
    "13812345678",
    "07911123456",
  ])("%s", (phone) => {
    expect(phones(`Here it is: ${phone}, see you`)).toEqual([phone]);
    expect(phones(phone)).toEqual([phone]);
    expect(phones(`(${phone})`)).toEqual([phone]);
  });
});

describe("numbers that need a word", () => {
  test.each([
    [
      "call %",
      [
        "212 555",
        "9747 6578",
        "25 833387",
        "5550199",
        "912 345 678",
        "50 98 28 96",
        "782 2652",
        "2125550199",
        "00702389765",
      ],
    ],
    ["My phone number is %.", ["9747 6578", "555-0199", "88 165 409"]],
    ["Telefon: %", ["12 34 56", "345 678 901"]],
    ["T: %", ["9747 6578"]],
    ["电话：%", ["2345 6789"]],
    ["Тел. %", ["123-45-67"]],
    ["% office", ["97 111421", "455 6186"]],
    ["Office: %", ["4590.8659"]],
    ["Is % your number?", ["924 047 071"]],
  ])("%s", (frame, numbers) => {
    for (const number of numbers) {
      expect(phones(frame.replace("%", number))).toEqual([number]);
      expect(phones(`In all, ${number} were there`)).toEqual([]);
    }
  });

  test("in a list the first one's word holds for the others", () => {
    expect(phones("call 97 111421 or 97 111422 / 97 111423")).toEqual(["97 111421", "97 111422", "97 111423"]);
  });

  test("the nearest word decides", () => {
    expect(phones("phone 9747 6578, order 9747 6579")).toEqual(["9747 6578"]);
    expect(phones("order 9747 6579, phone 9747 6578")).toEqual(["9747 6578"]);
  });

  test(`a word counts up to ${CONTEXT_CHARS} characters before the number`, () => {
    expect(phones(`phone${" ".repeat(CONTEXT_CHARS)}97 111421`)).toEqual([]);
    expect(phones(`phone${" ".repeat(CONTEXT_CHARS - 5)}97 111421`)).toEqual(["97 111421"]);
  });
});

describe("numbers that are no phone's, even after a word about phones", () => {
  test.each([
    "call on 2021-05-06",
    "call at 2021-05-06 12:30:45",
    "call on 05/06/2021",
    "call on 06.05.2021",
    "call on 6 5 2021",
    "the phone cost $1234567",
    "the phone cost €12 345 678",
    "12345678% of calls",
    "phone 1111111",
    "phone 12345",
    "call it 0.4000000",
    "call ratio 429/503",
    "phone A1234567",
    "phone 1234567b",
    "phone 1,234,567",
    "call 14 3684 12 13 14 15 16 17 18",
    "call a taxi to 14 3684 Court Street",
  ])("%s", (text) => {
    expect(phones(text)).toEqual([]);
  });

  test.each([
    "order 212-555-0199",
    "tracking number 07911123456",
    "ISBN 0306406152",
    "my account is 212 555 0199",
    "ABC-212-555-0199",
    "https://example.com/212-555-0199",
    "#212-555-0199",
    "1212-555-0199-12",
    "ISSN 0028-0836",
    "PSC 04532-3310",
    "+10 000 000",
    "192.168.100.200",
    "4111 1111 1111 1111",
    "80 160 640 2560",
    "640 160 2560 12",
    "41 1111 1111 1111 11",
  ])("%s", (text) => {
    expect(phones(text)).toEqual([]);
  });
});

describe("bounds", () => {
  test(`has at most ${PHONE_DIGITS_MAX} digits with a country code`, () => {
    expect(phones(`+49${"1".repeat(PHONE_DIGITS_MAX - 3)}2`)).toHaveLength(1);
    expect(phones(`+49${"1".repeat(PHONE_DIGITS_MAX - 1)}23`)).toEqual([]);
  });

  test(`has at least ${PHONE_DIGITS_MIN} digits in groups, one more in one piece`, () => {
    expect(phones("call 12 3456")).toHaveLength(1);
    expect(phones("call 12 345")).toEqual([]);
    expect(phones("call 1234567")).toHaveLength(1);
    expect(phones("call 123456")).toEqual([]);
  });

  test(`has at most ${EXTENSION_DIGITS_MAX} digits in an extension`, () => {
    expect(phones(`212-555-0199 x${"1".repeat(EXTENSION_DIGITS_MAX)}`)[0]).toMatch(/x1+$/);
    expect(phones(`212-555-0199 x${"1".repeat(EXTENSION_DIGITS_MAX + 1)}`)).toEqual(["212-555-0199"]);
  });
});
