import { describe, expect, test } from "vitest";
import { CHARS, isIn } from "../../../../src/rails/core/text/char-class.ts";
import { SECRET_FORMATS } from "../../../../src/rails/detectors/secrets/secret-formats.ts";
import {
  CURL_CHARS_MAX,
  PASSWORD_CHARS,
  USERINFO_CHARS_MAX,
} from "../../../../src/rails/detectors/secrets/secret-passwords.ts";
import { SECRET_CHARS_MAX, secretPrefixes } from "../../../../src/rails/detectors/secrets/secret-triggers.ts";
import { VENDOR_GAP_CHARS_MAX } from "../../../../src/rails/detectors/secrets/secret-vendors.ts";
import { findSecrets } from "../../../../src/rails/detectors/secrets/secrets.ts";
import { seededRng } from "../../../../src/lib/rng.ts";

const rng = seededRng(20_261_104);

/** Made here: a key that looks real in a file would alarm every scanner of keys. */
function random(length: number, mask: number = CHARS.alnum): string {
  const chars = Array.from({ length: 128 }, (_, code) => code).filter((code) => isIn(code, mask));
  const pick = () => String.fromCharCode(chars[Math.floor(rng() * chars.length)] ?? 0);
  return Array.from({ length }, pick).join("");
}

const hex = (length: number) => random(length, CHARS.digit | CHARS.hex).toLowerCase();
const uuid = () => `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`;
const found = (text: string) => findSecrets(text).map(({ start, end, type }) => `${type} ${text.slice(start, end)}`);
const type = (text: string) => findSecrets(text)[0]?.type ?? "";

describe("a key that only its vendor's name gives away", () => {
  const VALUES: readonly { vendor: string; value: string }[] = [
    { vendor: "adafruit", value: random(32, CHARS.lower | CHARS.digit) },
    { vendor: "datadog", value: random(40) },
    { vendor: "heroku", value: uuid() },
    { vendor: "linkedin", value: random(14, CHARS.lower | CHARS.digit) },
    { vendor: "netlify", value: random(43, CHARS.urlSafe) },
    { vendor: "sendbird", value: hex(40) },
    { vendor: "trello", value: hex(32) },
  ];

  const WRITTEN: readonly { name: string; write: (vendor: string, value: string) => string }[] = [
    { name: "JSON", write: (vendor, value) => `{"${vendor}_token": "${value}"}` },
    { name: "YAML", write: (vendor, value) => `${vendor}-api-key: ${value}\n` },
    { name: "the shell", write: (vendor, value) => `export ${vendor.toUpperCase()}_SECRET=${value}` },
    { name: "Go", write: (vendor, value) => `var ${vendor}Token string = "${value}"` },
    { name: "a makefile", write: (vendor, value) => `${vendor}_KEY ?= "${value}"` },
    { name: "XML over lines", write: (vendor, value) => `<${vendor}Token>\n    ${value}\n</${vendor}Token>` },
    { name: "Ruby", write: (vendor, value) => `"${vendor}_key" => '${value}'` },
    { name: "the arguments of a call", write: (vendor, value) => `set("${vendor}", "${value}")` },
    { name: "a sentence", write: (vendor, value) => `My ${vendor} api key is: ${value}.` },
  ];

  test.each(WRITTEN)("is found in $name", ({ write }) => {
    for (const { vendor, value } of VALUES) {
      const text = write(vendor, value);
      const start = text.indexOf(value);
      expect(findSecrets(text), text).toMatchObject([{ start, end: start + value.length }]);
    }
  });

  test("is not found when it is a character too long, or far from the name", () => {
    const value = random(32, CHARS.lower);
    expect(found(`adafruit = "${value}"`)).toEqual([`adafruit_key ${value}`]);
    expect(found(`adafruit = "${value}x"`)).toEqual([]);
    expect(found(`adafruit${"_".repeat(VENDOR_GAP_CHARS_MAX)} = "${value}"`)).toHaveLength(1);
    expect(found(`adafruit${"_".repeat(VENDOR_GAP_CHARS_MAX + 1)} = "${value}"`)).toEqual([]);
  });

  test.each([
    "sentry_release",
    "adobe_md5",
    "trello_request_id",
    "linear_commit",
    "global_id",
    "collinear",
    "heroku_app_id",
  ])("is not found under the name %s", (name) => {
    for (const value of [hex(32), hex(40), hex(64), uuid()]) expect(found(`${name} = "${value}"`)).toEqual([]);
  });
});

describe("a password", () => {
  test.each([
    { name: "in an assignment", text: 'password = "thisIsDog11"', is: "password thisIsDog11" },
    { name: "in an environment", text: "DB_PASSWORD=Xk29!mmPq\n", is: "password Xk29!mmPq" },
    { name: "in a connection string", text: "User=sa;Password=Q9w!e8rT2;Port=1", is: "password Q9w!e8rT2" },
    { name: "in an XML attribute", text: '<add key="Password" value="Pr0d!Feed#99" />', is: "password Pr0d!Feed#99" },
    { name: "of a database", text: "postgres://app:kJ8sLm2Qx@db:5432/x", is: "url_password kJ8sLm2Qx" },
    { name: "without a user", text: "redis://:9sKd82jXm@cache:6379", is: "url_password 9sKd82jXm" },
    { name: "of curl", text: 'curl -s -u "svc:Tr0ub4dor" https://x', is: "curl_user Tr0ub4dor" },
    { name: "of curl, spelled out", text: "curl https://x --user bot:9fK2lmQ", is: "curl_user 9fK2lmQ" },
    {
      name: "of a basic header",
      text: "Authorization: Basic ZGVwbG95OnMzY3IzdA==",
      is: "basic_auth ZGVwbG95OnMzY3IzdA==",
    },
  ])("$name is found", ({ text, is }) => {
    expect(found(text)).toEqual([is]);
  });

  test.each([
    "password: ${DB_PASSWORD}",
    'password = getpass("Password1: ")',
    'password: "********"',
    "password=password123",
    "password: changeme-2024",
    'password: "{{ .Values.pass1 }}"',
    'secret_name: "prod/db/pass-v2"',
    "password = settings.DB_PASS_1",
    "The password: it must have 8 characters.",
    "postgres://user:password@localhost/db",
    "postgres://root:root@localhost/db",
    "postgres://$USER:$PASS@h/db",
    "mongodb://<user>:<password>@host",
    "https://example.com:8443/a@b",
    "curl -u $USER:$PASS https://x",
    "curl -u username:password https://x",
    "python run.py -u bob:9fK2lmQ",
    "Authorization: Basic dXNlcjpwYXNzd29yZA==",
    "Authorization: Basic <credentials>",
  ])("is not found in %s", (text) => {
    expect(found(text)).toEqual([]);
  });

  test("is found up to its bounds and not beyond", () => {
    const at = (length: number) => found(`password = "${"aB3!".repeat(20).slice(0, length)}"`).length;
    expect([PASSWORD_CHARS.min, PASSWORD_CHARS.max].map(at)).toEqual([1, 1]);
    expect([PASSWORD_CHARS.min - 1, PASSWORD_CHARS.max + 1].map(at)).toEqual([0, 0]);
    const inUrl = (length: number) => found(`x://u:${random(length - 3)}@h`).length;
    expect([USERINFO_CHARS_MAX, USERINFO_CHARS_MAX + 2].map(inUrl)).toEqual([1, 0]);
    const behind = (chars: number) => found(`curl ${" ".repeat(chars - 5)}-u a:9fK2lmQ`).length;
    expect([CURL_CHARS_MAX, CURL_CHARS_MAX + 1].map(behind)).toEqual([1, 0]);
  });
});

describe("a key with a mark in its middle or at its end", () => {
  test.each([
    { name: "azure_client_secret", text: `abc8Q~${random(34)}` },
    { name: "terraform_token", text: `${random(14)}.atlasv1.${random(64)}` },
    { name: "maxmind_key", text: `${random(6)}_${random(29)}_mmk` },
    { name: "mailchimp_key", text: `${hex(32)}-us12` },
    { name: "facebook_token", text: `123456789012345|${random(27)}` },
  ])("$name is found whole, and not inside a longer word", ({ name, text }) => {
    expect(found(`is ${text} end`)).toEqual([`${name} ${text}`]);
    expect(found(`x${text}x`)).toEqual([]);
  });
});

test("the data of a Kubernetes secret are found, and those of another manifest are not", () => {
  const data = "data:\n  login: YWRtaW51c2Vy\n  pin: MWYyZDFlMmU2N2Rm\n";
  expect(found(`kind: Secret\n${data}`).map((one) => one.split(" ")[0])).toEqual([
    "kubernetes_secret",
    "kubernetes_secret",
  ]);
  expect(found(`${data}kind: Secret\n`)).toHaveLength(2);
  expect(found(`kind: ConfigMap\n${data}`)).toEqual([]);
});

test("a private key in short lines is found only where both ends of the block are", () => {
  const lines = Array.from({ length: 4 }, () => random(24)).join("\n");
  expect(type(`-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----`)).toBe("private_key");
  expect(type(`-----BEGIN PRIVATE KEY-----\n${lines}\n`)).toBe("");
});

describe("an example", () => {
  test.each([
    "sk-1234567890abcdef1234567890abcdef",
    'api_key: "abc123def456ghi789"',
    "token = a1b2c3d4e5f6g7h8i9j0",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKq7Zk2Vx9Wm4Rt8Lb3Hn6Pd1Sf5Gj0Ty2Uc8Eo7Ia4 me@host",
    "pad_token = '<|endoftext|>', eos_token: \"</s>\", tokenizer: meta-llama/Llama-3.1-8B-Instruct",
    'cache_key = "v1:user:9e107d9d372bb6826bd81d3542a419d6"',
    "version: 1.2.3-beta.4+build.9e107d9d",
    "sha256~short nginx@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  ])("is no secret: %s", (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe("what still could become a secret", () => {
  test("is told by every anchor of the table, with the longest key that it begins", () => {
    const prefixes = secretPrefixes();
    for (const { anchor } of SECRET_FORMATS) expect(prefixes.some(({ prefix }) => prefix === anchor)).toBe(true);
    expect(prefixes.find(({ prefix }) => prefix === "AKIA")?.charsMax).toBe(20);
    expect(Math.max(...prefixes.map(({ charsMax }) => charsMax))).toBe(SECRET_CHARS_MAX);
  });

  test.each([
    { text: 'api_key = "', value: `${random(32)}"`, is: true },
    { text: "heroku: ", value: "3f7a91c4-8d02-4be6-a15c-92d0e7b3c481", is: true },
    { text: "DB_PASSWORD=", value: "aB3!xY9?kQ2z", is: true },
    { text: "Authorization: Bearer ", value: random(32), is: true },
    { text: "<datadogToken>\n  ", value: "3f7a91c48d024be6a15c92d0e7b3c481", is: true },
    { text: "for example: ", value: "3f7a91c48d024be6a15c92d0e7b3c481", is: false },
    { text: "size = ", value: random(32), is: false },
    { text: "the token ", value: random(32), is: false },
  ])("is told by the name before a value: '$text'", ({ text, value, is }) => {
    expect(found(text + value).length > 0).toBe(is);
  });
});

describe("the scanner's steps with names, passwords and marks", () => {
  const STEPS_PER_CHAR_MAX = 60;

  test.each([
    "a=b1b1b1b1b1b1b1b1,",
    "heroku=a1a1a1a1,",
    "adafruit adafruit adafruit adafruit:a1b2c3d4 ",
    "password=aB3!aB3!",
    'password="',
    "password=",
    "://",
    "://a:b",
    "x://a:b@",
    "curl -u a:b",
    "curl -u ",
    " -u a:bcd --user=",
    ".atlasv1.",
    "_mmk",
    "a_mmk",
    "-us1",
    "1|",
    "1Q~",
    "Bearer ",
    "Bearer a1b2c3d4e5f6a7b8c9d0.",
    "Authorization: Basic YTpi",
    "Basic: basic ",
    "kind: Secret\na: YWRtaW51c2Vy",
    "value=value=",
    '"value": ',
    "secret_key\t",
    ">\n\n\n",
    "||||",
    ",,,,",
    ",a1a1a1a1",
  ])("stay below a constant per character for pumps of %s", (unit) => {
    const meter = { steps: 0 };
    const text = unit.repeat(Math.ceil(200_000 / unit.length));
    findSecrets(text, meter);
    expect(meter.steps).toBeLessThan(STEPS_PER_CHAR_MAX * text.length);
  });
});
