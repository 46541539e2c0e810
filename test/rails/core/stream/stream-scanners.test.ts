import { describe, expect, test } from "vitest";
import { createTextFilter } from "../../../../src/rails/core/stream/stream-filter.ts";
import { createTally, recordOf } from "../../../../src/rails/core/stream/stream-record.ts";
import { DELAY_CHARS_MAX, HOLD_CHARS_MAX, scannerOf } from "../../../../src/rails/core/stream/stream-scanner.ts";
import type { StreamScanner } from "../../../../src/rails/core/stream/stream-scanner.ts";
import { piiScanner } from "../../../../src/rails/detectors/pii/stream-pii.ts";
import { secretsScanner } from "../../../../src/rails/detectors/secrets/stream-secrets.ts";
import {
  ASSIGNED,
  AWS_LETTERS,
  GITHUB_KEY,
  LONG_JWT,
  PRIVATE_KEY,
  PROJECT_KEY,
  PROSE,
  SETS,
} from "./stream-support.ts";

const ALL = SETS["all"] ?? [];

function showUnits(text: string, scanners: readonly StreamScanner[] = ALL): string {
  const filter = createTextFilter(scanners);
  return (
    text
      .split("")
      .map((unit) => filter.push(unit))
      .join("") + filter.flush()
  );
}

describe("what stands in place of", () => {
  test.each([
    ["a project key", PROJECT_KEY, "[REDACTED:openai_key]"],
    ["a key of letters only", AWS_LETTERS, "[REDACTED:aws_access_key_id]"],
    ["an assigned value", `{"api_key": "${ASSIGNED}"}`, '{"api_key": "[REDACTED:assigned_secret]"}'],
    ["a value behind a dash", `token - '${ASSIGNED}'`, "token - '[REDACTED:assigned_secret]'"],
    [
      "a value behind a vendor's scheme",
      `Authorization: SSWS ${ASSIGNED}`,
      "Authorization: SSWS [REDACTED:assigned_secret]",
    ],
    [
      "a value in braces",
      `<secret>{AQAAABAAA ${ASSIGNED}}</secret>`,
      "<secret>{AQAAABAAA [REDACTED:assigned_secret]}</secret>",
    ],
    ["a token longer than the window", LONG_JWT, "[REDACTED:jwt]"],
    ["a key block longer than the window", PRIVATE_KEY, "[REDACTED:private_key]"],
    ["an address of mail", "to jane.doe@example.com", "to [REDACTED:email]"],
    ["an address of mail that could not be foreseen", "because tom@example.net", "because tom[REDACTED:email]"],
    ["a card", "card 4111 1111 1111 1111", "card [REDACTED:card]"],
    ["a phone number with an extension", "call (415) 555-0132 ext. 12", "call [REDACTED:phone]"],
    ["a phone number that the next word tells of", "415 5550132 office", "[REDACTED:phone] office"],
    ["an account number", "DE89 3704 0044 0532 0130 00", "[REDACTED:iban]"],
    ["an address of version 6", "2001:db8:85a3::8a2e:370:7334", "[REDACTED:ip]"],
    ["an image's address", "![a](https://evil.example/x.png)", "![a]([REDACTED:unlisted_image])"],
    [
      "an image's address longer than the window",
      `![a](https://evil.example/${"x".repeat(400)})`,
      "![a]([REDACTED:unlisted_image])",
    ],
    ["a tag's address", '<img src="https://evil.example/x.png">', '<img src="[REDACTED:unlisted_image]">'],
    ["the longer of two phrases", "the ACME  rocketry-fund", "the [REDACTED:rivals]"],
  ])("%s is the same however it came", (_name, text, shown) => {
    const sentence = `Well. ${text} and so on.`;
    expect(showUnits(sentence)).toBe(`Well. ${shown} and so on.`);
    const filter = createTextFilter(ALL);
    expect(filter.push(sentence) + filter.flush()).toBe(`Well. ${shown} and so on.`);
  });

  test.each([
    "The docs are at https://docs.example.com/guide?page=2#top.",
    "An acme rocketeer met zorgon; inside trading hours, a < b and [1] is fine (see note).",
    "Call 911 or 112, in 2025, at 10:30, version 1.2.3, for $1,234.56.",
    "-----BEGIN CERTIFICATE----- is how it begins, and a key is sk-something-else.",
  ])("nothing: %s", (text) => {
    expect(showUnits(text)).toBe(text);
  });
});

describe("what is held", () => {
  test.each([
    ["nothing of a word", "the harbour", 0],
    ["a word where addresses stand", "mail to jane", 4],
    ["digits and what joins them", "card 4111 1111 ", 10],
    ["the beginning of a prefix", "the key is gh", 2],
    ["a key that is not complete", `the key is ${GITHUB_KEY}`, GITHUB_KEY.length],
    ["an address behind a bracket", "![a](https://evil", 12],
    ["a phrase that may go on", "the acme rocket", 11],
    ["half a character", "ok \ud83d", 1],
  ])("%s", (_name, text, held) => {
    const filter = createTextFilter(ALL);
    filter.push(text);
    expect(filter.heldChars()).toBe(held);
  });

  test("is at most the window, and a window that is full is let go", () => {
    const filter = createTextFilter([secretsScanner("redact")]);
    const open = `ghp_${"a-".repeat(200)}`;
    expect(filter.push(open.slice(0, HOLD_CHARS_MAX - 1))).toBe("");
    expect(filter.heldChars()).toBe(HOLD_CHARS_MAX - 1);
    expect(filter.push(open.charAt(HOLD_CHARS_MAX - 1))).not.toBe("");
    expect(filter.push(open.slice(HOLD_CHARS_MAX)) + filter.flush()).not.toBe("");
    const whole = createTextFilter([secretsScanner("redact")]);
    expect(whole.push(open) + whole.flush()).toBe(open);
  });

  test("of every last word is an option for those who want no address of mail cut", () => {
    const scanners = [piiScanner("redact", { wholeWords: true })];
    expect(showUnits("because tom@example.net", scanners)).toBe("because [REDACTED:email]");
  });

  test("without a rule is as much as a match may be long", () => {
    const find = (text: string) =>
      [...text.matchAll(/x{3,50}y/g)].map(({ index, 0: match }) => ({
        start: index,
        end: index + match.length,
        type: "xs",
      }));
    const scanners = [scannerOf({ rail: "custom", action: "redact", find })];
    const filter = createTextFilter(scanners);
    filter.push(PROSE);
    expect(filter.heldChars()).toBe(DELAY_CHARS_MAX);
    expect(showUnits(`${PROSE} xxxxy ${PROSE}`, scanners)).toBe(`${PROSE} [REDACTED:xs] ${PROSE}`);
  });
});

describe("the action", () => {
  test("flag changes nothing and is counted once", () => {
    const tally = createTally();
    const filter = createTextFilter([secretsScanner("flag")], tally);
    const text = `use ${GITHUB_KEY} today`;
    expect(filter.push(text) + filter.flush()).toBe(text);
    expect(recordOf(tally)).toMatchObject({
      verdict: "flag",
      findings: [{ rail: "secrets", type: "github_token", action: "flag", count: 1 }],
    });
  });

  test("block releases what stands before and nothing after, not even at the end", () => {
    const filter = createTextFilter([secretsScanner("block")]);
    expect(filter.push(`use ${GITHUB_KEY} today`)).toBe("use ");
    expect(filter.blocked()).toEqual({ rail: "secrets", reasons: ["secrets:github_token"] });
    expect(filter.push("more") + filter.flush()).toBe("");
    expect(filter.heldChars()).toBe(0);
  });
});

test.each([
  "[",
  "](",
  "sk-",
  "a@",
  "1",
  "1 ",
  "<a ",
  "http://",
  "password:",
  "a=",
  "a:b:",
  "4111 1111 1111 1111 ",
  "acme ",
])("each character of a text made of %j is looked at a bounded number of times", (pump) => {
  let looked = 0;
  const counted = ALL.map((scanner) => ({
    ...scanner,
    find: (text: string) => {
      looked += text.length;
      return scanner.find(text);
    },
    holdFrom: (text: string, from: number) => {
      looked += text.length;
      return scanner.holdFrom(text, from);
    },
  }));
  const stepsOf = (chars: number): number => {
    looked = 0;
    const filter = createTextFilter(counted);
    filter.push(pump.repeat(Math.ceil(chars / pump.length)));
    filter.flush();
    return looked;
  };
  const [short, long] = [stepsOf(5_000), stepsOf(20_000)];
  expect(long).toBeLessThan(short * 5);
  expect(long / 20_000).toBeLessThan(400);
});
