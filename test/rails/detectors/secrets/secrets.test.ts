import { beforeEach, describe, expect, test } from "vitest";
import { CHARS, isIn } from "../../../../src/rails/core/text/char-class.ts";
import { SECRET_FORMATS } from "../../../../src/rails/detectors/secrets/secret-formats.ts";
import type { SecretFormat } from "../../../../src/rails/detectors/secrets/secret-chars.ts";
import { ASSIGNED_CHARS } from "../../../../src/rails/detectors/secrets/secret-value.ts";
import { PEM_BODY_CHARS_MAX } from "../../../../src/rails/detectors/secrets/secret-shapes.ts";
import { SECRETS_MAX, findSecrets, secretsRail } from "../../../../src/rails/detectors/secrets/secrets.ts";
import { seededRng } from "../../../../src/lib/rng.ts";

/** Keys are made here from the table and a seed: a key that looks real in a file would alarm every scanner of keys. */
let rng = seededRng(0);

/** Each test draws the same again, so a new row changes no other row's keys. */
beforeEach(() => {
  rng = seededRng(20_251_113);
});

function randomOf(mask: number, length: number): string {
  const chars = Array.from({ length: 128 }, (_, code) => code).filter((code) => isIn(code, mask));
  const pick = () => String.fromCharCode(chars[Math.floor(rng() * chars.length)] ?? 0);
  return Array.from({ length }, pick).join("");
}

/** A key of the format; its first run has the given length, the others their least. */
function keyOf({ anchor, segments }: SecretFormat, firstLength: number): string {
  const body = segments.map((segment, index) => {
    if (typeof segment === "string") return segment;
    return randomOf(segment.of, index === 0 ? firstLength : segment.min);
  });
  return anchor + body.join("");
}

const rowName = ({ type, anchor }: SecretFormat, index: number): string => `${type} ${anchor} (row ${index})`;

const ROWS = SECRET_FORMATS.map((format, index) => ({ name: rowName(format, index), format }));

/** Neither another row nor the rule for assignments would take what this one refuses. */
const LONE_ROWS = ROWS.filter(
  ({ format }) =>
    !format.valueOnly && SECRET_FORMATS.every((other) => other === format || !format.anchor.startsWith(other.anchor)),
);

const CONTEXTS: readonly { name: string; before: string; after: string }[] = [
  { name: "alone", before: "", after: "" },
  { name: "in a sentence", before: "Use ", after: " for it, please" },
  { name: "in JSON", before: '{"value":"', after: '"}' },
  {
    name: "in JSON as text, after an escaped line break",
    before: String.raw`{\"text\":\"see\n`,
    after: String.raw`\n\"}`,
  },
  { name: "in an assignment to a credential", before: 'api_key = "', after: '"' },
  { name: "in a header", before: "Authorization: Bearer ", after: "\r\n" },
  { name: "in a query", before: "https://x.example/?k=", after: "&y=1" },
  { name: "behind an emoji", before: "😀", after: "😀" },
];

describe("a key of a known format", () => {
  test.each(ROWS)("$name is found exactly, at its least and greatest length, in every context", ({ format }) => {
    const [first] = format.segments;
    for (const { before, after } of CONTEXTS) {
      for (const length of new Set([first.min, Math.ceil((first.min + first.max) / 2), first.max])) {
        const key = keyOf(format, length);
        const start = before.length + (format.valueOnly ? format.anchor.length : 0);
        const found = findSecrets(before + key + after);
        expect(found, before + key + after).toEqual([{ start, end: before.length + key.length, type: format.type }]);
      }
    }
  });

  test.each(LONE_ROWS)("$name is not found when it is a character too short or too long", ({ format }) => {
    const [first] = format.segments;
    for (const length of [first.min - 1, first.max + 1]) expect(findSecrets(` ${keyOf(format, length)} `)).toEqual([]);
  });

  test.each(ROWS)("$name is not found inside a word", ({ format }) => {
    const found = findSecrets(`word${keyOf(format, format.segments[0].min)}`);
    expect(found.filter(({ start }) => start <= 4)).toEqual([]);
  });

  test.each(ROWS.filter(({ format }) => format.entropyMin > 0))(
    "$name is not found with a placeholder as its body",
    ({ format }) => {
      const [first, ...rest] = format.segments;
      const tail = rest.map((segment) => (typeof segment === "string" ? segment : "x".repeat(segment.min))).join("");
      for (const char of ["x", "X", "0", "a1"]) {
        const body = char.repeat(first.max).slice(0, Math.max(first.min, Math.min(first.max, 40)));
        expect(findSecrets(`key ${format.anchor}${body}${tail}`)).toEqual([]);
      }
    },
  );

  test("is found twice when it is there twice", () => {
    const [one, other] = [`ghp_${randomOf(CHARS.alnum, 36)}`, `AKIA${randomOf(CHARS.upperDigit, 16)}`];
    const found = findSecrets(`${one},${other}`);
    expect(found.map(({ type }) => type)).toEqual(["github_token", "aws_access_key_id"]);
    expect(found.map(({ start, end }) => [start, end])).toEqual([
      [0, 40],
      [41, 61],
    ]);
  });

  test("is found behind its own prefix", () => {
    const text = `sk-ant-sk-ant-api03-${randomOf(CHARS.urlSafe, 95)}`;
    expect(findSecrets(text)).toEqual([{ start: 0, end: text.length, type: "anthropic_key" }]);
  });
});

const pemBody = (lines: number, lineBreak = "\n"): string =>
  Array.from({ length: lines }, (_, index) => randomOf(CHARS.alnum, index === lines - 1 ? 20 : 64) + lineBreak).join(
    "",
  );

describe("a private key block", () => {
  test.each(["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])(
    "with the label %s is found whole",
    (label) => {
      for (const lineBreak of ["\n", "\r\n", String.raw`\n`]) {
        const block = `-----BEGIN ${label}-----${lineBreak}${pemBody(8, lineBreak)}-----END ${label}-----`;
        expect(findSecrets(`here:\n${block}\nbye`)).toEqual([{ start: 6, end: 6 + block.length, type: "private_key" }]);
      }
    },
  );

  test("with headers is found whole", () => {
    const headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\n";
    const block = `-----BEGIN RSA PRIVATE KEY-----\n${headers}${pemBody(5)}-----END RSA PRIVATE KEY-----`;
    expect(findSecrets(block)).toEqual([{ start: 0, end: block.length, type: "private_key" }]);
  });

  test("without its end is found up to its last line", () => {
    const block = `-----BEGIN PRIVATE KEY-----\n${pemBody(4).trimEnd()}`;
    expect(findSecrets(block)).toEqual([{ start: 0, end: block.length, type: "private_key" }]);
  });

  test("that is longer than any key is found up to the bound", () => {
    const block = `-----BEGIN PRIVATE KEY-----\n${pemBody(PEM_BODY_CHARS_MAX / 64)}`;
    const [found] = findSecrets(block);
    expect(found?.end).toBeGreaterThan(PEM_BODY_CHARS_MAX - 100);
  });

  test.each([
    {
      name: "the header in prose",
      text: "A file that begins with -----BEGIN PRIVATE KEY----- holds a key, and ends with -----END PRIVATE KEY-----.",
    },
    { name: "a public key", text: `-----BEGIN PUBLIC KEY-----\n${"QUJDREVGRw0".repeat(6)}\n-----END PUBLIC KEY-----` },
    {
      name: "a certificate",
      text: `-----BEGIN CERTIFICATE-----\n${"MIIBIjANBgkq".repeat(5)}\n-----END CERTIFICATE-----`,
    },
    { name: "a placeholder", text: `-----BEGIN PRIVATE KEY-----\n${"x".repeat(64)}\n-----END PRIVATE KEY-----` },
    { name: "dots", text: "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----" },
  ])("is not found in $name", ({ text }) => {
    expect(findSecrets(text)).toEqual([]);
  });
});

describe("a Telegram bot token", () => {
  const token = `A${randomOf(CHARS.urlSafe, 34)}`;
  const types = (text: string) => findSecrets(text).map(({ type, start, end }) => `${type} ${text.slice(start, end)}`);

  test.each(["123456", "1234567890", "123456789012"])("is found after the id %s", (id) => {
    expect(types(`bot ${id}:${token} `)).toEqual([`telegram_bot_token ${id}:${token}`]);
  });

  test.each(["12345", "1234567890123", "", "x"])("is not found after the id '%s'", (id) => {
    expect(types(`bot ${id}:${token} `)).toEqual([]);
  });

  test("is not found a character too short or too long", () => {
    expect(types(`1234567890:${token.slice(1)}`)).toEqual([]);
    expect(types(`1234567890:${token}x`)).toEqual([]);
  });
});

describe("a value assigned to a credential's name", () => {
  const value = randomOf(CHARS.alnum, 32);

  test.each([
    { name: "Python", text: `api_key = "${value}"` },
    { name: "JSON", text: `{"client_secret": "${value}"}` },
    { name: "JSON as text", text: `{\\"apiKey\\":\\"${value}\\"}` },
    { name: "the shell", text: `export AWS_SECRET_ACCESS_KEY=${value}\n` },
    { name: "YAML", text: `password: ${value}\n` },
    { name: "Go", text: `secretKey := \`${value}\`` },
    { name: "Ruby", text: `:auth_token => '${value}'` },
    { name: "an index", text: `os.environ["SERVICE_TOKEN"] = "${value}"` },
    { name: "a header", text: `X-Api-Key: ${value}` },
    { name: "an authorization header", text: `curl -H "Authorization: Bearer ${value}" x` },
    { name: "a query", text: `/x?access_token=${value}&y=1` },
    { name: "the end of a sentence", text: `The token: ${value}.` },
  ])("is found in $name", ({ text }) => {
    const start = text.indexOf(value);
    expect(findSecrets(text)).toEqual([{ start, end: start + value.length, type: "assigned_secret" }]);
  });

  test("is found from its least to its greatest length", () => {
    const found = (length: number) => findSecrets(`token="${randomOf(CHARS.alnum, length)}"`).length;
    expect([ASSIGNED_CHARS.min, ASSIGNED_CHARS.max].map(found)).toEqual([1, 1]);
    expect([ASSIGNED_CHARS.min - 1, ASSIGNED_CHARS.max + 1].map(found)).toEqual([0, 0]);
  });

  test.each([
    'api_key = os.environ["OPENAI_API_KEY_2"]',
    "apiKey: process.env.OPENAI_API_KEY_V2,",
    "const token = await getToken2(request, secretName1);",
    "password = getpass.getpass('Password123: ')",
    "secret: ${{ secrets.MY_SECRET_V2_FOR_DEPLOYS }}",
    'secret: "my-app-production-database-credentials-v2"',
    'password: "correct horse battery staple 1234567"',
    'api_key = "<YOUR_API_KEY_GOES_IN_HERE_1>"',
    'api_key = "your-api-key-a1b2c3d4e5f6"',
    'api_key = "xxxxxxxxxxxxxxxxxxxxxxxx1a2b"',
    'token = "12345678901234567890"',
    'token: "myProductionDatabaseSecret2"',
    "primary_key = 9f86d081884c7d659a2feaa0c55ad015",
    "cache_key: user9f86d081884c7d659a2feaa0c55ad015",
    'next_page_token = "Q0FFUUFBPT0a8Zk3LmPq"',
    "public_key = 9f86d081884c7d659a2feaa0c55ad015",
    'api_key = "123e4567-e89b-12d3-a456-426614174000"',
    "max_tokens: 4096, tokens = a1b2c3d4e5f6a7b8c9d0",
    "password_file = /run/secrets/a1b2c3d4e5f6a7b8",
  ])("is not found in %s", (text) => {
    expect(findSecrets(text)).toEqual([]);
  });
});

describe("a look-alike", () => {
  test.each([
    { name: "a UUID", text: "id 123e4567-e89b-12d3-a456-426614174000 done" },
    { name: "an MD5", text: "md5 9e107d9d372bb6826bd81d3542a419d6" },
    { name: "a SHA-1", text: "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12" },
    { name: "a SHA-256", text: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" },
    {
      name: "an integrity hash",
      text: '"integrity": "sha512-9Q8f0nUrDd0xk3c6Zr1dWmYtL2bJqVxE5sTgHiKoPaSdFgHjKlZxCvBnMqWeRtYu=="',
    },
    { name: "AWS's documentation key", text: `AKIA${"IOSFODNN7EXAMPLE"}` },
    {
      name: "AWS's documentation secret",
      text: `aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY${"EXAMPLEKEY"}`,
    },
    { name: "an OpenAI placeholder", text: "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
    { name: "a cut OpenAI key", text: "sk-proj-abc...xyz" },
    { name: "an OpenAI placeholder in words", text: "sk-proj-YOUR-API-KEY-goes-here-and-nothing-else-1" },
    { name: "an OpenAI placeholder in camel case", text: "sk-YourOpenAiKeyGoesInHere sk-PutYourApiKeyHere12" },
    { name: "a class name of a spinner", text: '<div class="sk-folding-cube-container-2 sk-chasing-dot-wrapper-3">' },
    { name: "a WordPress function", text: "add_action('wp_ajax_nopriv_my_plugin_v2_do_something_very_long_indeed')" },
    { name: "an npm environment variable", text: "npm_config_registry_url_of_my_company_v2 npm_lifecycle_event" },
    { name: "a variable that begins like a token", text: "hf_model_name_or_path = 'x'; gho_st = 1; glpat-ish" },
    { name: "a short word in capitals", text: "SG.Singapore SK.Slovakia AKIA AIza eyJ" },
    { name: "base64 of JSON, not signed", text: "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0." },
    { name: "an image in base64", text: `data:image/png;base64,iVBORw0KGgo${"A1b2C3d4E5f6G7h8".repeat(20)}` },
    { name: "an environment variable's name", text: "Set OPENAI_API_KEY, HF_TOKEN and RUNPOD_API_KEY first." },
    { name: "prose about keys", text: "An api key: keep it secret. A token is a word. password= is asked for later." },
    { name: "a stack trace", text: "at Object.getToken (/app/src/auth.ts:12:34) token=undefined secret=null" },
    { name: "a connection string without a key", text: "AccountName=devstore;AccountKey=<key>;EndpointSuffix=core" },
  ])("is not a secret: $name", ({ text }) => {
    expect(findSecrets(text)).toEqual([]);
  });
});

describe("the secrets rail", () => {
  test("gives spans by part and reasons by type, and no text", () => {
    const key = `ghp_${randomOf(CHARS.alnum, 36)}`;
    const parts = [
      { path: "messages[0].content", role: "user", text: `use ${key}` },
      { path: "messages[1].content", role: "user", text: "nothing here" },
      { path: "messages[2].content", role: "tool", text: key },
    ];
    expect(secretsRail({ parts, messageCount: 3, unseen: [] })).toEqual({
      spans: new Map([
        ["messages[0].content", [{ start: 4, end: 44, type: "github_token" }]],
        ["messages[2].content", [{ start: 0, end: 40, type: "github_token" }]],
      ]),
      reasons: ["secrets:github_token"],
    });
  });
});

/**
 * The worst pumps found take about 30 steps per character; the bound only has to exclude what grows with the length.
 */
const STEPS_PER_CHAR_MAX = 60;
const PUMP_CHARS = 1_000_000;

/** There are hundreds of rows, and what grows with the length shows here too. */
const ROW_PUMP_CHARS = 100_000;

describe("the scanner's steps", () => {
  const steps = (unit: string, chars = PUMP_CHARS): number => {
    const meter = { steps: 0 };
    findSecrets(unit.repeat(Math.ceil(chars / unit.length)), meter);
    return meter.steps;
  };

  test.each(ROWS)("stay below a constant per character for pumps of $name", ({ format }) => {
    const [first] = format.segments;
    const nearMiss = keyOf(format, first.max + 1);
    const placeholder = format.anchor + "example".repeat(Math.ceil(first.max / 7)).slice(0, first.max);
    for (const unit of [`-${format.anchor}`, format.anchor, ` ${nearMiss}`, `-${placeholder} `]) {
      expect(steps(unit, ROW_PUMP_CHARS)).toBeLessThan(STEPS_PER_CHAR_MAX * (ROW_PUMP_CHARS + unit.length));
    }
  });

  test.each([
    "=a",
    "token=a-",
    'token="',
    "api_key api_key:",
    `${"a".repeat(64)}:`,
    " :",
    "1234567890:A",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY----- a ",
    `-----BEGIN PRIVATE KEY-----${"A1b2".repeat(20)}\n`,
    "-eyJaaaaaaaaaaaaaaaaa.eyJ",
    `${"-eyJaaaaaaaaaaaaaaaaa".repeat(90)}.eyJ${"a-eyJ".repeat(3_000)}.`,
    `${"-sk-proj-a1".repeat(18)} `,
    `${"-pypi-AgE".repeat(110)} `,
  ])("stay below a constant per character for pumps of %s", (unit) => {
    expect(steps(unit)).toBeLessThan(STEPS_PER_CHAR_MAX * PUMP_CHARS);
  });

  test.each(["-pypi-AgE", "-eyJ", "token=a-", "-----BEGIN PRIVATE KEY----- a "])(
    "double with the text for %s",
    (unit) => {
      const ratio = steps(unit, 400_000) / steps(unit, 200_000);
      expect(ratio).toBeGreaterThan(1.8);
      expect(ratio).toBeLessThan(2.2);
    },
  );
});

test("beyond the bound of findings the rest of the text is one", () => {
  const keys = Array.from({ length: SECRETS_MAX + 3 }, () => `ghp_${randomOf(CHARS.alnum, 36)}`);
  expect(findSecrets(keys.slice(0, SECRETS_MAX).join(" ")).at(-1)?.start).toBe(41 * (SECRETS_MAX - 1));
  const text = keys.join(" ");
  const found = findSecrets(text);
  expect(found).toHaveLength(SECRETS_MAX + 1);
  expect(found.at(-1)).toEqual({ start: 41 * SECRETS_MAX, end: text.length, type: "github_token" });
});
