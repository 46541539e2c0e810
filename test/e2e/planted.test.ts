/**
 * 500 requests with a planted word in every place that a client, an endpoint or a receiver has for one. Afterwards it is
 * in no line of the log, no span, no metric, nothing that operators see, and, once the jobs' retention is over, nowhere
 * on the disk.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takeStateDir } from "../../tools/cli/state-dir.ts";
import { formatKey, keyHmac, toHex } from "../../src/wire/api-keys.ts";
import { onDisk } from "../support/disk.ts";
import { startEchoServer } from "../support/echo-server.ts";
import type { EchoServer } from "../support/echo-server.ts";
import { startKeyedRouter } from "../support/keyed-router.ts";
import type { KeyedRouter } from "../support/keyed-router.ts";

const REQUESTS = 500;
const AT_ONCE = 10;
const PEPPER = "pepper-of-this-test";
const WORD = `planted${randomBytes(8).toString("hex")}`;
/** Kept for its own 24 hours: it may be on the disk, and nowhere else. */
const NAME = `named${randomBytes(8).toString("hex")}`;
const CLIENT = formatKey("client", randomBytes(32));
const CREDENTIAL = `gpu-${WORD}-credential`;

let echo: EchoServer;
let otlp: Server;
let made: KeyedRouter;
const spans: string[] = [];

beforeAll(async () => {
  echo = await startEchoServer();
  otlp = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      spans.push(Buffer.concat(chunks).toString());
      response.writeHead(200).end("{}");
    });
  });
  await new Promise<void>((resolve) => otlp.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(otlp.address() as AddressInfo).port}/v1/traces`;
  const endpoint = { id: "e", region: "here", backend: "openai", url: echo.url, auth: { secret: "GPU_KEY" } };
  const keyOf = async (id: string, key: string, ...scopes: string[]) => ({
    id,
    tenant: "acme",
    hmac: toHex(await keyHmac(key, PEPPER)),
    scopes,
  });
  made = await startKeyedRouter(
    {
      keys: [await keyOf("client", CLIENT, "infer", "admin")],
      tenants: { acme: { limits: {} } },
      sight: { logServed: 1, otlp: { url } },
      pools: {
        main: {
          models: ["alpha"],
          paths: ["*"],
          endpoints: [endpoint],
          rails: {
            input: [
              { use: "pii", action: "flag" },
              { use: "secrets", action: "flag" },
            ],
            output: [],
          },
        },
      },
    },
    { WARMPATH_DEV: "1", WARMPATH_KEY_PEPPER: PEPPER, GPU_KEY: CREDENTIAL },
  );
});
afterAll(async () => {
  await made.close();
  await echo.close();
  otlp.close();
});

const chatOf = (word: string, more: object = {}) => ({
  model: "alpha",
  user: word,
  messages: [{ role: "user", content: `please remember ${word}, anna@${word}.example.com` }],
  ...more,
});
const jobOf = (word: string) => ({
  input: { text: word, [word]: 1 },
  webhook: `${echo.url}/hook/${word}?token=${word}`,
});
const headersOf = (word: string) => ({
  "x-warmpath-session": word,
  "user-agent": word,
  cookie: `session=${word}`,
  tracestate: `a=${word}`,
  baggage: `user=${word}`,
  "x-forwarded-for": word,
  referer: `https://example.com/?q=${word}`,
});

type Ask = (word: string) => ReturnType<KeyedRouter["ask"]>;

/** Answers of the endpoint, and what is asked meanwhile. */
const ROUNDS: readonly { readonly answers: number; readonly asks: readonly Ask[] }[] = [
  {
    answers: 200,
    asks: [
      async (word) => made.ask("POST", "/v1/chat/completions", CLIENT, chatOf(word), headersOf(word)),
      async (word) => made.ask("POST", "/v1/chat/completions", CLIENT, chatOf(word, { model: word })),
      async (word) => made.ask("POST", `/v1/chat/completions?key=${word}`, CLIENT, chatOf(word)),
      async (word) => made.ask("POST", "/v1/chat/completions", CLIENT, `{"model":"alpha","${word}":`),
      async (word) => made.ask("POST", "/v1/chat/completions", `not-a-key-${word}`, chatOf(word)),
      async (word) => made.ask("GET", "/v1/models", null, undefined, { authorization: `Basic ${word}` }),
      async (word) => made.ask("GET", `/${word}/${word}?q=${word}`, CLIENT),
      async (word) => made.ask("GET", `/v1/models/${word}`, CLIENT),
      async (word) => made.ask("GET", `/v1/jobs/${word}?pool=${word}`, CLIENT),
      async (word) => made.ask("POST", `/p/main/custom/${word}?q=${word}`, CLIENT, { [word]: word }),
      async (word) => made.ask("POST", `/p/${word}/custom`, CLIENT, {}),
      async (word) =>
        made.ask("POST", "/v2/main/run", CLIENT, jobOf(word), { ...headersOf(word), "x-warmpath-tags": `t=${word}` }),
      async (word) =>
        made.ask("POST", "/v2/main/run", CLIENT, { input: 1 }, { "idempotency-key": `${NAME}${word.slice(-3)}` }),
      async (word) => made.ask("POST", "/v2/main/runsync", CLIENT, jobOf(word)),
      async (word) => made.ask("POST", `/hooks/${word}`, null, { [word]: word }),
    ],
  },
  ...[500, 400, 401, 429].map((answers) => ({
    answers,
    asks: [
      async (word: string) => made.ask("POST", "/v1/chat/completions", CLIENT, chatOf(word), headersOf(word)),
      async (word: string) => made.ask("POST", "/v1/chat/completions", CLIENT, chatOf(word, { stream: true })),
      async (word: string) => made.ask("POST", "/p/main/custom", CLIENT, { [word]: word }),
      async (word: string) => made.ask("POST", "/v2/main/run", CLIENT, jobOf(word), { "x-warmpath-no-retry": "1" }),
    ],
  })),
];

/** Ends and deletes every job of the tenant. */
async function endJobs(): Promise<void> {
  for (;;) {
    const { json } = await made.ask("GET", "/v2/main/requests?limit=100", CLIENT);
    const jobs = (json["requests"] ?? json["data"] ?? []) as readonly { readonly id: string }[];
    if (jobs.length === 0) return;
    for (const { id } of jobs) await made.ask("GET", `/v2/main/status/${id}?ttl=0`, CLIENT);
  }
}

test("is told to nobody, and leaves the disk with its job", async () => {
  // Somebody watches, so that records are told with all that they may have.
  const snapshot = async () => (await made.ask("GET", "/dashboard/api/snapshot", CLIENT)).text;
  await snapshot();
  const logs: string[] = [];
  let count = 0;
  const perRound = Math.ceil(REQUESTS / ROUNDS.length);
  for (const { answers, asks } of ROUNDS) {
    echo.status = answers;
    for (let done = 0; done < perRound; done += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, perRound - done) }, async (_, at) => {
        count += 1;
        return asks[(done + at) % asks.length]?.(`${WORD}${String(count).padStart(3, "0")}`);
      });
      await Promise.all(batch);
      // Of a long log only the end is kept.
      logs.push(made.router.output());
    }
    // What was queued meets the same answers.
    await endJobs();
  }
  expect(count).toBeGreaterThanOrEqual(REQUESTS);
  const told = async (path: string) => (await made.ask("GET", path, CLIENT)).text;
  const shown = [
    await snapshot(),
    await told("/metrics"),
    await told("/admin/fleet"),
    await told("/admin/audit"),
    await told("/admin/jobs"),
    await told("/admin/jobs/main/jobs"),
    await told("/admin/jobs/main/webhooks"),
    await told("/admin/usage"),
    await told("/dashboard/api/history"),
  ];
  while (spans.join("").split('"traceId"').length < REQUESTS / 2) await new Promise((resolve) => setImmediate(resolve));
  logs.push(made.router.output());
  const logged = new Set(logs.join("\n").match(/"id":"req_[^"]*"/g));
  expect(logged.size).toBeGreaterThan(REQUESTS / 2);
  for (const [at, text] of [logs.join("\n"), spans.join("\n"), ...shown].entries()) {
    for (const word of [WORD, NAME]) {
      const place = text.indexOf(word);
      expect(place < 0 ? "" : `${at}: ${text.slice(Math.max(0, place - 300), place + 60)}`).toBe("");
    }
  }
  await made.router.kill();
  const state = takeStateDir(made.stateDir);
  if (!state.ok) throw new Error(state.error);
  expect(state.value.scrub()).toEqual([]);
  state.value.release();
  expect(onDisk(made.stateDir, [WORD])).toEqual([]);
  // So that this would have found it.
  expect(onDisk(made.stateDir, [NAME])).toEqual([NAME]);
});
