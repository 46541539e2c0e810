/** What is rewritten, written and signed: bodies under another name, metrics, addresses, names of jobs, signed texts, tokens. */
import { isIP } from "node:net";
import { isDeepStrictEqual } from "node:util";
import ipaddr from "ipaddr.js";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { readAddress } from "../../src/access/core/addresses.ts";
import { isJobId, jobName, parseJobName } from "../../src/jobs/wire/jobs-ids.ts";
import { expose } from "../../src/sight/core/exposition.ts";
import { COUNTED } from "../../src/sight/core/metric-names.ts";
import type { Metric } from "../../src/sight/core/metric-names.ts";
import { parseExact, readLooseJson } from "../../src/wire/json-text.ts";
import { withModel } from "../../src/wire/model-in-body.ts";
import { readSigned, signText } from "../../src/wire/signed-text.ts";
import { JSON_TOKENS } from "./targets.ts";
import type { FuzzTarget } from "./target.ts";

const [encoder, decoder] = [new TextEncoder(), new TextDecoder("utf-8", { ignoreBOM: true })];

/** Undefined: it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const OTHER = 'org/other "name"';

/** A body under the name that its endpoint has for the model. */
const modelNames: FuzzTarget = {
  name: "model-names",
  promise: "the model has the other name wherever a reader may look for it, and nothing else is another value",
  seeds: [
    '{"model":"m","messages":[]}',
    '{ "model" : "m" , "model":"x","model":"m"}',
    '{"a":{"model":"m"},"b":["model","m"],"mod\\u0065l":"m"}',
    '{"model":"\\u006d","seed":12345678901234567890}',
    '{"messages":[{"content":"\\"model\\":\\"m\\""}],"model":null}',
    '[{"model":"m"}]',
  ],
  tokens: [...JSON_TOKENS, '"model":"m"', '"model":', '"m"', '"mod\\u0065l"', "\\", '\\"', '{"model":"m"}'],
  problem(input) {
    const bytes = encoder.encode(input);
    const made = decoder.decode(withModel(bytes, (name) => (name === "m" ? OTHER : undefined)).body);
    // What is no JSON to us may be some to a lax engine: it is only not to be broken further.
    const before = parsed(decoder.decode(bytes));
    if (before === undefined) return null;
    const after = parsed(made);
    if (after === undefined) return `it is no JSON any more: ${made.slice(0, 200)}`;
    const isObject = typeof before === "object" && before !== null && !Array.isArray(before);
    const isNamed = isObject && (before as { model?: unknown }).model === "m";
    const wanted = isNamed ? { ...before, model: OTHER } : before;
    return isDeepStrictEqual(after, wanted) ? null : `it became ${made.slice(0, 200)}`;
  },
};

/** As a text in which what is too large for a double is no null, and -0 is 0. */
const valuesOf = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === "number" && !Number.isFinite(one) ? String(one) : one));

/** What jobs are given and give back. */
const jsonTexts: FuzzTarget = {
  name: "json-texts",
  promise: "the values that the platform reads, with every digit kept; null for what is none; never an exception",
  seeds: [
    '{"seed":12345678901234567890,"x":[1.50,1e400,-0]}',
    '{"a":NaN,"b":[Infinity,-Infinity],"c":"NaN"}',
    '{"a":1,"a":2,"__proto__":{"b":1}}',
    '"\\ud800\\udc00\\ud800"',
  ],
  tokens: [...JSON_TOKENS, "NaN", "-Infinity", "Infinity", '"__proto__":', "0.1000000000000000055", "-0", "1E5"],
  problem(input) {
    const plain = parsed(input);
    const loose = readLooseJson(input);
    if (plain === undefined) return loose !== null && loose.isExact ? "it is read as JSON, and is none" : null;
    if (loose === null || !loose.isExact) return "JSON is not read as JSON";
    const written = JSON.stringify(parseExact(input));
    if (!isDeepStrictEqual(valuesOf(parsed(written)), valuesOf(plain))) return `it became ${written.slice(0, 200)}`;
    const long = (text: string): number => (text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').match(/\d{17,}/g) ?? []).length;
    const lost = long(input) - long(written);
    const hasTwice = /"([^"]*)"\s*:[\s\S]*"\1"\s*:/.test(input);
    return lost > 0 && !hasTwice ? `digits are lost: ${written.slice(0, 200)}` : null;
  },
};

const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const SAMPLE = new RegExp(`^[a-zA-Z_:][a-zA-Z0-9_:]*(?:\\{${LABEL}(?:,${LABEL})*\\})? -?[0-9.e+-]+$`);
const counter = Object.values<Metric>(COUNTED).find(
  ({ kind, labels, fixed }) => kind === "counter" && labels.length === 2 && fixed === undefined,
);

/** Values of labels, which may be a client's words. */
const metrics: FuzzTarget = {
  name: "metrics",
  promise: "one line a sample, as the format's grammar has it, and the labels' values as they were",
  seeds: ["acme", 'a"} 1\nwarmpath_fake{x="', "\\", "\\n", "a\\", "\r\n# EOF\n", "é💥\u2028"],
  tokens: ['"', "\\", "\n", "\r", "}", "{", ",", "=", " ", "#", "\0", "\ud800", '\\"', "# EOF"],
  problem(input) {
    if (counter === undefined) return "there is no counter with two labels";
    for (const format of ["text", "openmetrics"] as const) {
      const series = [{ labels: [input, input.slice(1)], values: [1] }];
      const lines = expose([{ metric: counter, series }], format).split("\n");
      const samples = lines.filter((line) => line !== "" && !line.startsWith("#"));
      const ends = lines.filter((line) => line === "# EOF").length;
      if (samples.length !== 1 || ends !== (format === "openmetrics" ? 1 : 0))
        return `${format}: ${lines.length} lines`;
      if (!SAMPLE.test(samples[0] ?? "")) return `${format}: no line of the format: ${samples[0]}`;
      const values = [...(samples[0] ?? "").matchAll(/="((?:[^"\\]|\\.)*)"/g)].map(([, value = ""]) =>
        value.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char)),
      );
      const wanted = [input, input.slice(1)].filter((value) => value !== "");
      if (!isDeepStrictEqual(values, wanted)) return `${format}: the values are ${JSON.stringify(values)}`;
    }
    return null;
  },
};

/** Where a key may be used from. */
const addresses: FuzzTarget = {
  name: "addresses",
  promise: "an address where Node sees one and as ipaddr.js reads it, and none where it does not",
  seeds: ["203.0.113.7", "2001:db8::1", "::ffff:10.0.0.1", "::", "1::", "0.0.0.0", "1:2:3:4:5:6:7:8", "fe80::1%eth0"],
  tokens: [":", "::", ".", "0", "255", "256", "01", "0x1", "ffff", "%", "/", "1.2.3.4", "g", " "],
  problem(input) {
    const read = readAddress(input);
    // A zone belongs to a machine, and to no address of ours.
    const isOne = isIP(input) !== 0 && !input.includes("%");
    if ((read !== null) !== isOne) return read === null ? "an address is not read" : "it is no address";
    if (read === null) return null;
    // The platform's own spelling: ipaddr.js takes `::1.2.3.4` for `::ffff:1.2.3.4`.
    const spelled = input.includes(":") ? new URL(`http://[${input}]/`).hostname.slice(1, -1) : input;
    const address = ipaddr.parse(spelled);
    const six = address.kind() === "ipv4" ? (address as ipaddr.IPv4).toIPv4MappedAddress() : address;
    return isDeepStrictEqual([...read], six.toByteArray()) ? null : `it is read as ${read.join(".")}`;
  },
};

/** Names that stand in paths, and reach a queue by the pool in them. */
const jobNames: FuzzTarget = {
  name: "job-names",
  promise: "an id of the safe characters within its bound, and the name that it was made of; else nothing",
  seeds: ["job_0f8fad5b-d9cb-469f-a165-70867728950e~main", "sync-x-u1~a", "~main", "batch_1~", "a~b~c"],
  tokens: ["~", "..", "/", "%2f", "\n", "_", "-", "é", "\0", "a".repeat(64)],
  problem(input) {
    const name = parseJobName(input);
    if (name === null) return null;
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name.jobId) || !isJobId(name.jobId)) return `an id: ${name.jobId}`;
    return jobName(name.jobId, name.poolId) === input ? null : "it is another name";
  },
};

const PEPPER = "the pepper of this fuzzing";
const SIGNED = await signText("session", "ops 1790000000000", PEPPER);
const OF_HOOK = await signText("hook", "ops 1790000000000", PEPPER);

/** Cookies and hooks' URLs. */
const signedTexts: FuzzTarget = {
  name: "signed-texts",
  share: 0.2,
  promise: "the one text that was signed for this use, in its one spelling, and no other",
  seeds: [
    SIGNED,
    // The last character of 43 carries two bits that say nothing.
    ...[..."ABCDwxyz0189-_"].map((last) => SIGNED.slice(0, -1) + last),
    OF_HOOK,
    `${SIGNED}.`,
    SIGNED.split(".").toReversed().join("."),
    ".",
  ],
  tokens: [".", "=", "-", "_", "+", "/", "A", "Q", "\n", " ", "%2e", "..", SIGNED.slice(-43), SIGNED.slice(0, 20)],
  async problem(input) {
    const read = await readSigned("session", input, PEPPER);
    if (input === SIGNED) return read === null ? "what was signed is not read" : null;
    return read === null ? null : `it is read as ${JSON.stringify(read)}`;
  },
};

// By a name that the type checker does not follow: the module's types are those of the Workers runtime, not of Node.
const jwtModule = "../../src/access/jwt.ts";
const { verifyToken } = (await import(new URL(jwtModule, import.meta.url).href)) as {
  verifyToken: (asking: unknown, header: string, nowMs: number) => Promise<{ ok: boolean; value?: unknown }>;
};

const NOW_S = 1_790_000_000;
const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
const ISSUER = "https://issuer.example";
const token = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
  new SignJWT({ iss: ISSUER, aud: "warmpath", exp: NOW_S + 60, tenant: "acme", scopes: "infer", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "k", ...header })
    .sign(privateKey);
const GOOD = await token({});
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const [, GOOD_CLAIMS = "", GOOD_MAC = ""] = GOOD.split(".");

const ASKING = {
  runtime: {
    config: {
      jwt: [
        {
          issuer: ISSUER,
          audience: "warmpath",
          algorithms: ["ES256"],
          clockToleranceS: 0,
          keys: [{ ...(await exportJWK(publicKey)), kid: "k", alg: "ES256" }],
          tenantClaim: "tenant",
          scopesClaim: "scopes",
          scopes: { infer: "infer" },
          tenants: ["acme"],
        },
      ],
    },
    affinitySecret: [1, 2, 3, 4],
    keys: { remember: () => undefined },
  },
  ctx: { waitUntil: () => undefined },
  env: {},
};

/** Heads of `Authorization`. */
const tokens: FuzzTarget = {
  name: "tokens",
  share: 0.1,
  promise: "the claims that the issuer signed, for this router and until they end; never an exception",
  seeds: [
    GOOD,
    `Bearer ${GOOD}`,
    `${part({ alg: "none" })}.${GOOD_CLAIMS}.`,
    `${part({ alg: "HS256", kid: "k" })}.${GOOD_CLAIMS}.${GOOD_MAC}`,
    `${part({ alg: "ES256", kid: "../../k", jku: "https://evil.example" })}.${GOOD_CLAIMS}.${GOOD_MAC}`,
    `${part({ alg: "ES256", crit: ["exp"], b64: false })}.${GOOD_CLAIMS}.${GOOD_MAC}`,
    await token({ exp: NOW_S - 1 }),
    await token({ aud: "another" }),
  ],
  tokens: [".", "Bearer ", "=", "e30", part({ alg: "none" }), part({ alg: "HS256" }), GOOD_MAC, GOOD_CLAIMS, "\0", "A"],
  async problem(input) {
    const { ok: isAccepted } = await verifyToken(ASKING, input, NOW_S * 1_000);
    const [head, claims] = input.replace(/^bearer +/i, "").split(".");
    const isGood = head === GOOD.split(".")[0] && claims === GOOD_CLAIMS;
    if (isAccepted && !isGood) return "somebody else's claims are accepted";
    return !isAccepted && input === GOOD ? "what the issuer signed is refused" : null;
  },
};

export const TEXT_TARGETS: readonly FuzzTarget[] = [
  modelNames,
  jsonTexts,
  metrics,
  addresses,
  jobNames,
  signedTexts,
  tokens,
];
