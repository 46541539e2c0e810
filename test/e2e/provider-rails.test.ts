/**
 * Guardrails of providers, against servers on this machine that speak as their documentation says, and against the same
 * servers when they fail, lie, or answer what is no answer.
 */
import { generateKeyPairSync, verify } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { startRailServer } from "../support/rail-server.ts";
import type { RailCall, RailServer } from "../support/rail-server.ts";

/** Longer than any call here takes: explains nothing that these tests see. */
const PATIENT_MS = 20_000;
const KEY = "key-of-the-tests";
const account = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

let fleet: Fleet;
let services: RailServer;
let gpu: GpuSimulator;

beforeAll(async () => {
  services = await startRailServer();
  const { url } = services;
  const rail = (use: string, options: Record<string, unknown>, fields: Record<string, unknown> = {}) => ({
    input: [{ use, name: "ext", timeoutMs: PATIENT_MS, onError: "closed", options: { url, ...options }, ...fields }],
  });
  const secret = "PROVIDER_KEY";
  const template = "projects/p/locations/l/templates/t";
  const pools: Record<string, Record<string, unknown>> = {
    harm: rail("azure-content-safety", { secret, categories: { Hate: 3, Violence: 5 }, blocklists: ["ours"] }),
    shields: rail("azure-prompt-shields", { secret }),
    bedrock: rail("bedrock-guardrails", {
      secret,
      guardrail: "arn:aws:bedrock:us-east-1:1:guardrail/g1",
      version: "3",
    }),
    armor: rail("model-armor", { secret, template }),
    "armor-account": rail("model-armor", { secret: "GOOGLE_ACCOUNT", template }),
    presidio: rail("presidio", { language: "en", entities: ["PERSON"], scoreMin: 0.4 }),
    "presidio-open": rail("presidio", { language: "en" }, { onError: "open" }),
    "no-key": rail("model-armor", { secret: "NOT_THERE", template }),
  };
  gpu = await startGpuSimulator({ engine: ENGINE_PRESETS.fast });
  const endpoint = { region: "us-east", backend: "openai", url: gpu.url, concurrencyPerWorker: 64 };
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    bindings: {
      PROVIDER_KEY: KEY,
      GOOGLE_ACCOUNT: JSON.stringify({
        client_email: "rails@p.iam.example",
        private_key: account.privateKey,
        private_key_id: "k1",
      }),
    },
    morePools: Object.fromEntries(
      Object.entries(pools).map(([id, rails]) => [
        id,
        { paths: ["*"], endpoints: [{ ...endpoint, id: `gpu-${id}` }], rails },
      ]),
    ),
  });
});
afterAll(async () => {
  await fleet.close();
  await gpu.close();
  await services.close();
});
beforeEach(() => {
  services.forget();
  services.onCall(() => undefined);
});

type Message = { readonly role: string; readonly content: string };

async function ask(pool: string, content: string | readonly Message[]) {
  const messages = typeof content === "string" ? [{ role: "user", content }] : content;
  const response = await fleet.call(`/p/${pool}/echo`, { method: "POST", body: JSON.stringify({ messages }) });
  const answer = (await response.json()) as { bodyBase64?: string; error?: { code: string } };
  const sent = Buffer.from(answer.bodyBase64 ?? "", "base64").toString();
  return {
    status: response.status,
    rails: response.headers.get("x-warmpath-rails")?.replaceAll(/;\d+/g, ""),
    code: answer.error?.code,
    texts: sent === "" ? [] : (JSON.parse(sent) as { messages: Message[] }).messages.map((message) => message.content),
  };
}

const answers = (answer: unknown, status = 200) => services.onCall((call) => call.reply(answer, status));
const ALLOWED = { status: 200, rails: "ext=allow" };
const BLOCKED = { status: 400, code: "blocked_by_guardrail", rails: "ext=block" };
const FAILED = { status: 503, code: "guardrail_unavailable", rails: "ext=rail_error;error" };

const harms = (hate: unknown, violence: unknown = 0, more: object = {}) => ({
  blocklistsMatch: [],
  categoriesAnalysis: [
    { category: "Hate", severity: hate },
    { category: "Violence", severity: violence },
  ],
  ...more,
});
const shields = (prompt: unknown, documents: readonly unknown[] = []) => ({
  userPromptAnalysis: { attackDetected: prompt },
  documentsAnalysis: documents.map((attackDetected) => ({ attackDetected })),
});
const covered = (guarded: number, total = 100) => ({ guardrailCoverage: { textCharacters: { guarded, total } } });
const intervened = (assessment: object) => ({ action: "GUARDRAIL_INTERVENED", assessments: [assessment] });
const armor = (state: string, filterResults: object = {}, invocationResult = "SUCCESS") => ({
  sanitizationResult: { filterMatchState: state, invocationResult, filterResults },
});
const ranAndMatched = { executionState: "EXECUTION_SUCCESS", matchState: "MATCH_FOUND" };
const sensitive = (start: unknown, end: unknown, more: object = {}) => ({
  sdp: {
    sdpFilterResult: {
      inspectResult: {
        ...ranAndMatched,
        findings: [{ infoType: "PERSON_NAME", location: { codepointRange: { start, end } } }],
        ...more,
      },
    },
  },
});

describe("what a provider says", () => {
  test.each<[pool: string, what: string, answer: unknown, outcome: object]>([
    ["harm", "nothing", harms(0), ALLOWED],
    ["harm", "a severity below the bound", harms(2, 4), ALLOWED],
    ["harm", "a severity at the bound", harms(3), BLOCKED],
    ["harm", "a match of a blocklist", harms(0, 0, { blocklistsMatch: [{ blocklistName: "ours" }] }), BLOCKED],
    ["shields", "no attack", shields(false), ALLOWED],
    ["shields", "an attack", shields(true), BLOCKED],
    ["bedrock", "nothing", { action: "NONE", outputs: [], assessments: [{}], ...covered(100) }, ALLOWED],
    [
      "bedrock",
      "a topic",
      intervened({ topicPolicy: { topics: [{ name: "x", type: "DENY", action: "BLOCKED" }] } }),
      BLOCKED,
    ],
    ["bedrock", "what is new to us", intervened({ someNewPolicy: { finds: [{ verdict: "x" }] } }), BLOCKED],
    [
      "bedrock",
      "a word beside what it would mask",
      intervened({
        wordPolicy: { customWords: [{ match: "Ann", action: "BLOCKED" }] },
        sensitiveInformationPolicy: { piiEntities: [{ type: "NAME", match: "Ann", action: "ANONYMIZED" }] },
      }),
      BLOCKED,
    ],
    ["armor", "nothing", armor("NO_MATCH_FOUND"), ALLOWED],
    [
      "armor",
      "an attack",
      armor("MATCH_FOUND", { pi_and_jailbreak: { piAndJailbreakFilterResult: ranAndMatched } }),
      BLOCKED,
    ],
    ["armor", "a match without a filter", armor("MATCH_FOUND"), BLOCKED],
    [
      "armor",
      "sensitive data without a place",
      armor("MATCH_FOUND", sensitive(0, undefined, { findings: [{ infoType: "X" }] })),
      BLOCKED,
    ],
    [
      "armor",
      "more sensitive data than it lists",
      armor("MATCH_FOUND", sensitive(0, 3, { findingsTruncated: true })),
      BLOCKED,
    ],
    ["presidio", "nothing", [[]], ALLOWED],
  ])("%s: %s", async (pool, _, answer, outcome) => {
    answers(answer);
    expect(await ask(pool, "Ann was here")).toMatchObject(outcome);
  });

  test.each<[pool: string, answer: unknown, first: string]>([
    [
      "bedrock",
      intervened({
        sensitiveInformationPolicy: { piiEntities: [{ type: "NAME", match: "Ann", action: "ANONYMIZED" }] },
      }),
      "\u{1f600} [REDACTED:NAME] and [REDACTED:NAME]",
    ],
    ["armor", armor("MATCH_FOUND", sensitive("2", "5")), "\u{1f600} [REDACTED:person_name] and Ann"],
    [
      "presidio",
      [[{ entity_type: "PERSON", start: 2, end: 5, score: 0.85, analysis_explanation: null }], []],
      "\u{1f600} [REDACTED:person] and Ann",
    ],
  ])("%s gives places, and they are redacted, whatever counts as a character", async (pool, answer, first) => {
    answers(answer);
    const { status, rails, texts } = await ask(pool, [
      { role: "user", content: "\u{1f600} Ann and Ann" },
      { role: "user", content: "and so on" },
    ]);
    expect([status, rails, texts]).toEqual([200, "ext=redact", [first, "and so on"]]);
  });
});

describe("what is no answer is a failure, and neither yes nor no", () => {
  const NO_ANSWERS: Readonly<Record<string, readonly unknown[]>> = {
    harm: [
      [],
      {},
      { categoriesAnalysis: [] },
      { categoriesAnalysis: [{ category: "Hate", severity: 0 }] },
      harms("0"),
      harms(8),
      harms(-1),
      harms(0, 0, { blocklistsMatch: "none" }),
    ],
    shields: [[], {}, shields("false"), { documentsAnalysis: [] }, { userPromptAnalysis: true }],
    bedrock: [
      {},
      { action: "none" },
      { action: "NONE", ...covered(99) },
      { action: "NONE", guardrailCoverage: { textCharacters: 1 } },
      intervened({
        sensitiveInformationPolicy: { piiEntities: [{ type: "NAME", match: "Bob", action: "ANONYMIZED" }] },
      }),
      { action: "GUARDRAIL_INTERVENED", assessments: ["?"] },
    ],
    armor: [
      {},
      { sanitizationResult: {} },
      armor("FILTER_MATCH_STATE_UNSPECIFIED"),
      armor("NO_MATCH_FOUND", {}, "PARTIAL"),
      armor("NO_MATCH_FOUND", {}, "FAILURE"),
      armor("NO_MATCH_FOUND", { rai: { raiFilterResult: { executionState: "EXECUTION_SKIPPED" } } }),
      armor("MATCH_FOUND", sensitive(0, 500)),
      armor("MATCH_FOUND", sensitive("a", "b")),
      armor("MATCH_FOUND", sensitive(5, 2)),
    ],
    presidio: [
      {},
      [],
      [[], []],
      ["?"],
      [[{ entity_type: "PERSON", start: 0, end: 3 }]],
      [[{ entity_type: "PERSON", start: -1, end: 3, score: 1 }]],
      [[{ entity_type: "PERSON", start: 3, end: 3, score: 1 }]],
      [[{ entity_type: "PERSON", start: 0, end: 13, score: 1 }]],
      [[{ entity_type: "PERSON", start: 0.5, end: 2, score: 1 }]],
    ],
  };
  const WAYS: readonly [string, (call: RailCall) => void][] = [
    ["500", (call) => call.reply({ error: { code: "InternalServerError" } }, 500)],
    ["429, out of quota", (call) => call.reply({ error: { code: "TooManyRequests" } }, 429)],
    ["401", (call) => call.reply({ error: { code: "401" } }, 401)],
    ["302", (call) => call.reply({}, 302)],
    ["null", (call) => call.reply(null)],
    ["a text", (call) => call.reply("allow")],
    ["two megabytes", (call) => call.reply({ x: "y".repeat(2_000_000) })],
  ];
  const pools = Object.keys(NO_ANSWERS);

  test.each(pools.flatMap((pool) => WAYS.map(([way, handle]) => [pool, way, handle] as const)))(
    "%s answers %s",
    async (pool, _, handle) => {
      services.onCall(handle);
      expect(await ask(pool, "Ann was here")).toMatchObject(FAILED);
    },
  );

  test.each(pools.flatMap((pool) => (NO_ANSWERS[pool] ?? []).map((answer) => [pool, JSON.stringify(answer), answer])))(
    "%s answers %s",
    async (pool, _, answer) => {
      answers(answer);
      expect(await ask(String(pool), "Ann was here")).toMatchObject(FAILED);
    },
  );

  test("and a rail that fails open lets the request through as it came", async () => {
    answers({ error: "No language provided" }, 500);
    const { status, rails, texts } = await ask("presidio-open", "Ann");
    expect([status, rails, texts]).toEqual([200, "ext=rail_error;error", ["Ann"]]);
  });
});

describe("what a provider is asked", () => {
  const conversation: readonly Message[] = [
    { role: "system", content: "Be kind." },
    { role: "user", content: "Who was it?" },
    { role: "tool", content: "It was Ann." },
  ];
  const asked = async (pool: string, answer: unknown) => {
    answers(answer);
    await ask(pool, conversation);
    const call = services.calls[0];
    return { path: call?.path, headers: call?.headers, body: call?.body };
  };
  const text = "Be kind.\n\nWho was it?\n\nIt was Ann.";

  test("harm: every text, the config's categories and lists, with the resource's key", async () => {
    expect(await asked("harm", harms(0))).toMatchObject({
      path: "/contentsafety/text:analyze?api-version=2024-09-01",
      headers: { "ocp-apim-subscription-key": KEY },
      body: {
        text,
        categories: ["Hate", "Violence"],
        outputType: "EightSeverityLevels",
        blocklistNames: ["ours"],
        haltOnBlocklistHit: false,
      },
    });
  });

  test("shields: what the user says as the prompt, all else as a document, and both must be judged", async () => {
    expect(await asked("shields", shields(false, [false]))).toMatchObject({
      path: "/contentsafety/text:shieldPrompt?api-version=2024-09-01",
      headers: { "ocp-apim-subscription-key": KEY },
      body: { userPrompt: "Who was it?", documents: ["Be kind.\n\nIt was Ann."] },
    });
    answers(shields(false, [true]));
    expect(await ask("shields", conversation)).toMatchObject(BLOCKED);
    answers(shields(false));
    expect(await ask("shields", conversation)).toMatchObject(FAILED);
  });

  test("bedrock: the guardrail by its ARN, with the key as a bearer token", async () => {
    expect(await asked("bedrock", { action: "NONE" })).toMatchObject({
      path: "/guardrail/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aguardrail%2Fg1/version/3/apply",
      headers: { authorization: `Bearer ${KEY}` },
      body: { source: "INPUT", content: [{ text: { text } }] },
    });
  });

  test("armor: the template, with the secret as the token", async () => {
    expect(await asked("armor", armor("NO_MATCH_FOUND"))).toMatchObject({
      path: "/v1/projects/p/locations/l/templates/t:sanitizeUserPrompt",
      headers: { authorization: `Bearer ${KEY}` },
      body: { userPromptData: { text } },
    });
  });

  test("armor: or with a token that a service account has signed", async () => {
    const { headers } = await asked("armor-account", armor("NO_MATCH_FOUND"));
    const [head = "", claims = "", signature = ""] = (headers?.authorization ?? "").replace("Bearer ", "").split(".");
    const signed = Buffer.from(`${head}.${claims}`);
    expect(verify("sha256", signed, account.publicKey, Buffer.from(signature, "base64url"))).toBe(true);
    expect(JSON.parse(Buffer.from(head, "base64url").toString())).toEqual({ alg: "RS256", typ: "JWT", kid: "k1" });
    const { iat, exp, ...said } = JSON.parse(Buffer.from(claims, "base64url").toString()) as Record<string, number>;
    expect([said, (exp ?? 0) - (iat ?? 0)]).toEqual([
      {
        iss: "rails@p.iam.example",
        sub: "rails@p.iam.example",
        scope: "https://www.googleapis.com/auth/cloud-platform",
      },
      3_600,
    ]);
  });

  test("presidio: all texts at once", async () => {
    expect(await asked("presidio", [[], [], []])).toMatchObject({
      path: "/analyze",
      body: {
        text: conversation.map(({ content }) => content),
        language: "en",
        entities: ["PERSON"],
        score_threshold: 0.4,
      },
    });
  });

  test("long texts go in several calls, until one blocks; more than eight are not judged", async () => {
    let calls = 0;
    services.onCall((call) => call.reply(harms((calls += 1) === 3 ? 7 : 0)));
    const long = (chars: number) => "so it was. ".repeat(Math.ceil(chars / 11)).slice(0, chars);
    expect(await ask("harm", long(60_000))).toMatchObject(BLOCKED);
    expect(calls).toBe(3);
    answers(harms(0));
    expect(await ask("harm", long(70_000))).toMatchObject(ALLOWED);
    services.forget();
    expect(await ask("harm", long(90_000))).toMatchObject(FAILED);
    expect(services.calls).toEqual([]);
  });
});

test("a provider whose key is not set refuses its pool's requests", async () => {
  expect(await ask("no-key", "a")).toMatchObject({ status: 503, code: "misconfigured" });
});
