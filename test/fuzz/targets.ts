/** The readers of what strangers send, and what each promises of any input. */
import { createParser } from "eventsource-parser";
import ipaddr from "ipaddr.js";
import { parseConfig, formatProblems } from "../../src/config/config-parse.ts";
import { readRunRequest, readBatchRequests, readPage } from "../../src/jobs/wire/jobs-runpod.ts";
import { createSseDecoder, push } from "../../src/lib/sse.ts";
import { parseJson } from "../../src/wire/body.ts";
import { INFERENCE_PATHS, MODEL_CHARS_MAX, readInferenceBody } from "../../src/wire/openai.ts";
import { readTarget } from "../../src/wire/request-target.ts";
import { webhookTarget } from "../../src/wire/webhook-target.ts";
import type { FuzzTarget } from "./target.ts";

export const JSON_TOKENS = [
  '"',
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  "null",
  "true",
  "-",
  "1e999",
  "9007199254740993",
  '"model"',
  '"\\u0000"',
  '"\\ud800"',
  "[".repeat(200),
  '{"a":'.repeat(200),
  "\ufeff",
  "//",
  "/*",
  "é",
  "💥",
];

const chat = JSON.stringify({
  model: "m",
  stream: true,
  max_tokens: 5,
  messages: [{ role: "user", content: "hello" }],
});
const parts = JSON.stringify({
  model: "m",
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "x" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
      ],
    },
  ],
  tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }],
});
const embeddings = JSON.stringify({ model: "m", input: ["a", "b"], encoding_format: "base64" });

const encoder = new TextEncoder();

/** Paths: one spelling, which is read as itself. */
const requestTargets: FuzzTarget = {
  name: "request-targets",
  promise: "one spelling, read as itself; no dot segment, no backslash, no control character, no encoded slash in it",
  seeds: [
    "/v1/chat/completions",
    "/v1/models/org%2Fname",
    "/p/main/v1/x?y=1",
    "/v2/pool/status/id",
    "//v1//models/",
    "/a/..;/b",
    "/%2e%2e/x",
    "/%252e/",
  ],
  tokens: [
    "..",
    "%2e",
    "%2E%2e",
    "%252e",
    "/",
    "//",
    "\\",
    "%5c",
    "%2f",
    "?",
    "#",
    "%00",
    "%0a",
    "%",
    "%zz",
    "%c0%ae",
    ";",
    "@",
    ":80",
    "\t",
    " ",
    "é",
    "%C3%A9",
  ],
  problem(input) {
    const read = readTarget(input);
    if (!read.ok) return null;
    const { path, query } = read.value;
    const again = readTarget(path + query);
    if (!again.ok || again.value.path !== path || again.value.query !== query) return "it is not read as itself";
    if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return "a dot segment passed";
    if (/[^!-~]|[\\#]/.test(path) || /%(?:5C|0.|1.|7F)/i.test(path)) return "a character passed that none may";
    if (/%2f/i.test(path)) return "an encoded slash passed";
    const url = new URL(`http://host.example${path}`);
    return url.host === "host.example" && url.pathname === path ? null : `a URL parser reads another path: ${url.href}`;
  },
};

/** Bodies: JSON of the platform's own reader, and a request or a problem in words. */
const bodies: FuzzTarget = {
  name: "bodies",
  promise:
    "a request with a model and a stream flag, or a problem in words; never an exception; JSON as the platform reads it",
  seeds: [chat, parts, embeddings, JSON.stringify({ model: "m", prompt: ["a"], n: 2 }), "null", "[]", '"text"'],
  tokens: JSON_TOKENS,
  problem(input) {
    const parsed = parseJson(encoder.encode(input).buffer);
    for (const path of INFERENCE_PATHS) {
      const read = readInferenceBody(parsed, path);
      if (!read.ok) {
        if (read.error.problem.length < 10) return `${path}: a problem without words`;
      } else if (
        typeof read.value.model !== "string" ||
        read.value.model === "" ||
        read.value.model.length > MODEL_CHARS_MAX
      )
        return `${path}: a model that is none`;
      else if (typeof read.value.stream !== "boolean") return `${path}: a stream flag that is none`;
    }
    return null;
  },
};

/** Event streams, cut at every place that the input's own characters name, against a parser that is not ours. */
const eventStreams: FuzzTarget = {
  name: "event-streams",
  promise: "the events that eventsource-parser gives, wherever the stream is cut",
  seeds: [
    "data: a\n\ndata: b\n\n",
    "event: error\ndata: {}\n\n",
    ": c\n\nid: 7\ndata: x\ndata: y\n\n",
    "data: a\r\n\r\n",
    "data: a\r\rdata: b\r\r",
    "data:\n\n",
    "data\n\n",
    "retry: 10\ndata: [DONE]\n\n",
  ],
  tokens: [
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "data:",
    "data: ",
    "event:",
    "id:",
    ":",
    " ",
    "\0",
    "\u2028",
    "\ufeff",
    "[DONE]",
    "retry: x",
  ],
  problem(input) {
    // The oracle takes a byte order mark for three characters of Latin-1.
    const text = input.replaceAll(/^(?:\ufeff|\u00ef\u00bb\u00bf)+/g, "");
    const expected: unknown[] = [];
    const oracle = createParser({ onEvent: ({ data, event = null, id = null }) => expected.push({ event, data, id }) });
    // It sees a CR as an end only when another line follows.
    oracle.feed(`${text}:\n`);
    const want = JSON.stringify(expected);
    for (const size of [1, 3, 7, Math.max(1, text.length)]) {
      const decoder = createSseDecoder();
      const events: unknown[] = [];
      for (let at = 0; at < text.length + 2; at += size) {
        const pushed = push(decoder, `${text}:\n`.slice(at, at + size));
        if (!pushed.ok) return "an overflow";
        events.push(...pushed.value.map(({ event, data, id }) => ({ event, data, id })));
      }
      if (JSON.stringify(events) !== want) return `pieces of ${size}: ${JSON.stringify(events)} and not ${want}`;
    }
    return null;
  },
};

const configSeed = JSON.stringify({
  regions: { here: { lat: 50.1, lon: 8.7, hint: "weur" } },
  pools: {
    main: {
      models: ["m"],
      endpoints: [
        { id: "a", region: "here", backend: "vllm", url: "https://gpu.example.com", auth: { secret: "KEY" } },
      ],
      rails: { input: ["secrets", { use: "pii", action: "redact" }] },
    },
  },
  keys: [{ id: "ops", tenant: "acme", hmac: "0".repeat(64), scopes: ["infer"] }],
});

/** The config: what an operator may write wrong. */
const configs: FuzzTarget = {
  name: "configs",
  share: 0.1,
  promise: "a config, or problems in words with their place; never an exception",
  seeds: [configSeed, `// a comment\n${configSeed}`, "{}", "[", ""],
  tokens: [
    ...JSON_TOKENS,
    '"__proto__"',
    '"constructor"',
    '"regions"',
    '"pools"',
    '"url"',
    '"http://127.0.0.1"',
    '"secret"',
    "-1",
    "1e308",
    "\n",
  ],
  problem(input) {
    const parsed = parseConfig(input);
    if (parsed.ok) return null;
    if (parsed.error.length === 0) return "it is refused without a problem";
    return formatProblems(input, parsed.error, "warmpath.jsonc").length > 20 ? null : "a problem without words";
  },
};

const webhook = "https://hooks.example.com/job";

/** Runpod's shapes. */
const runpod: FuzzTarget = {
  name: "runpod",
  promise: "a job, a batch and a page, or a problem in words; never an exception, never a bound that is passed",
  seeds: [
    JSON.stringify({
      input: { prompt: "x" },
      webhook,
      policy: { executionTimeout: 5_000, ttl: 10_000, lowPriority: true },
    }),
    JSON.stringify({ requests: [{ input: 1 }, { input: { openai_route: "/v1/models" } }] }),
    JSON.stringify({ input: { route: "/x", body: {}, method: "POST" }, s3Config: { accessId: "a" } }),
    "offset=0&limit=10",
  ],
  tokens: [...JSON_TOKENS, '"input"', '"webhook"', '"policy"', '"ttl":-1', "offset=-1", "limit=1e9", "&", "="],
  problem(input) {
    const parsed = parseJson(encoder.encode(input).buffer);
    const reads = [readRunRequest(parsed, false), readBatchRequests(parsed, false)];
    for (const read of reads) if (!read.ok && read.error.problem.length < 5) return "a problem without words";
    const page = readPage(new URLSearchParams(input));
    if (
      page.ok &&
      !(
        page.value.offset >= 0 &&
        page.value.limit >= 1 &&
        page.value.limit <= 1_000 &&
        Number.isInteger(page.value.offset)
      )
    )
      return `a page beyond its bounds: ${JSON.stringify(page.value)}`;
    return null;
  },
};

/** URLs of receivers, against another reader of addresses. */
const urls: FuzzTarget = {
  name: "urls",
  promise: "https to a public name or address only, by a reader of addresses that is not ours; never credentials",
  seeds: [
    webhook,
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0x7f.1/",
    "https://2130706433/",
    "https://[::ffff:7f00:1]/",
    "https://10.0.0.1:8443/x",
    "https://100.64.0.1",
    "https://[fd00::1]",
    "https://user:pw@example.com",
    "https://localhost.",
    "https://①②⑦.0.0.1",
    "https://[64:ff9b::7f00:1]/",
    "https://[2001:db8::1]",
    "https://172.16.0.1",
    "https://192.0.2.1",
    "https://8.8.8.8",
    "https://[2606:4700::1111]",
  ],
  tokens: [
    "127.1",
    "0",
    "0x",
    "::",
    "[",
    "]",
    "@",
    ":",
    "\\",
    "//",
    "%00",
    "%2e",
    ".",
    "。",
    "localhost",
    ".internal",
    "169.254.169.254",
    "ffff",
    "1",
    "7",
    "#",
    "?",
    "\t",
    "https://",
    "http://",
    ".",
  ],
  problem(input) {
    const target = webhookTarget(input, false);
    if (!target.ok) return null;
    const url = new URL(target.value);
    if (url.protocol !== "https:" || url.username !== "" || url.password !== "") return `it became ${url.href}`;
    const host = url.hostname.replaceAll(/^\[|\]$/g, "");
    if (!ipaddr.isValid(host)) return host.includes(".") ? null : `a name of the local network: ${host}`;
    const address = ipaddr.process(host);
    return address.range() === "unicast" ? null : `${host} is ${address.range()}`;
  },
};

export const READER_TARGETS: readonly FuzzTarget[] = [requestTargets, bodies, eventStreams, configs, runpod, urls];
