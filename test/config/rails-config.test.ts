import { describe, expect, test } from "vitest";
import { RAIL_LIST_MAX, RAILS_PER_STAGE_MAX } from "../../src/config/config-bounds.ts";
import { parseConfig } from "../../src/config/config-parse.ts";
import type { ConfigProblem } from "../../src/config/config-parse.ts";
import { railHeaders } from "../../src/rails/rail-headers.ts";
import { INPUT_RAILS, OUTPUT_RAILS } from "../../src/config/rails-schema.ts";
import { configText } from "./config-sample.ts";
import type { Json } from "./config-sample.ts";

const at = "pools.llama.rails";
const parsed = (rails: Json) => parseConfig(configText(at, rails));
const railsOf = (rails: Json) => {
  const result = parsed(rails);
  return result.ok ? result.value.pools.get("llama")?.rails : result.error;
};

const OPTIONS: Readonly<Record<string, Json>> = {
  tokens: { tokensMax: 1000 },
  topics: { topics: { weapons: ["grenade"] } },
  regex: { patterns: [{ name: "order", pattern: "ORD-[0-9]+" }] },
  schema: { schema: { type: "object" } },
  moderation: { url: "https://mod.example.com/v1/moderations" },
  "llama-guard": { pool: "small", model: "guard" },
  webhook: { url: "https://hook.example.com/check" },
  "azure-content-safety": { url: "https://a.cognitiveservices.azure.com", secret: "AZURE_KEY" },
  "azure-prompt-shields": { url: "https://a.cognitiveservices.azure.com", secret: "AZURE_KEY" },
  "bedrock-guardrails": {
    url: "https://bedrock-runtime.us-east-1.amazonaws.com",
    secret: "BEDROCK_KEY",
    guardrail: "abc123",
    version: "1",
  },
  "model-armor": {
    url: "https://modelarmor.us-central1.rep.googleapis.com",
    secret: "ARMOR_KEY",
    template: "projects/p/locations/us-central1/templates/t",
  },
  presidio: { url: "https://presidio.example.com" },
};

describe("every rail that exists", () => {
  const withOptions = (use: string) => ({ use, ...(OPTIONS[use] === undefined ? {} : { options: OPTIONS[use] }) });
  test.each(INPUT_RAILS.map(String))("%s runs over the request", (use) => {
    expect(railsOf({ input: [withOptions(use)] })).toMatchObject({ input: [{ use, name: use, sample: 1 }] });
  });
  test.each(OUTPUT_RAILS.map(String))("%s runs over the answer", (use) => {
    expect(railsOf({ output: [withOptions(use)] })).toMatchObject({ output: [{ use, name: use, tenants: null }] });
  });
});

test("actions follow from what a rail finds, failures from the action, time from where it runs", () => {
  const input = ["pii", "injection", "profanity", { use: "webhook", options: OPTIONS["webhook"] as Json }] as Json[];
  expect(railsOf({ input, overlap: "dispatch", deadlineMs: 900 })).toMatchObject({
    overlap: "dispatch",
    deadlineMs: 900,
    input: [
      { action: "redact", onError: "open", timeoutMs: 250, options: { restore: false } },
      { action: "block", onError: "closed" },
      { action: "flag", onError: "open" },
      { action: "block", onError: "closed", timeoutMs: 1_000 },
    ],
  });
});

test("one use may appear twice under two names", () => {
  const input = [
    { use: "webhook", name: "one", options: OPTIONS["webhook"] as Json },
    { use: "webhook", name: "two", options: OPTIONS["webhook"] as Json, tenants: ["acme"], sample: 0.5 },
  ];
  expect(railsOf({ input })).toMatchObject({ input: [{ name: "one" }, { name: "two", tenants: ["acme"] }] });
});

describe("is an error, with what to write instead:", () => {
  test.each<[string, Json, Partial<ConfigProblem>]>([
    ["a rail that needs options, by name alone", { input: ["regex"] }, { problem: 'the rail "regex" needs options' }],
    ["a rail without its options", { input: [{ use: "tokens" }] }, { path: "pools.llama.rails.input[0].options" }],
    [
      "one name twice",
      { output: ["pii", { use: "links", name: "pii" }] },
      { path: "pools.llama.rails.output[1]", problem: 'the rail "pii" is listed twice' },
    ],
    ["an input rail over the answer", { output: ["size"] }, { path: "pools.llama.rails.output[0]" }],
    ["an output rail over the request", { input: ["canary"] }, { path: "pools.llama.rails.input[0]" }],
    [
      "an option of no rail",
      { input: [{ use: "pii", options: { restor: true } }] },
      { path: "pools.llama.rails.input[0].options.restor", fix: 'did you mean "restore"?' },
    ],
    [
      "an unknown overlap",
      { overlap: "parallel" },
      { path: "pools.llama.rails.overlap", problem: "this value is not known" },
    ],
    [
      "a redaction by a rail that finds no place",
      { input: [{ use: "moderation", action: "redact", options: OPTIONS["moderation"] as Json }] },
      { path: "pools.llama.rails.input[0].action" },
    ],
    [
      "a rail over http to a public host",
      { input: [{ use: "webhook", options: { url: "http://hook.example.com" } }] },
      { path: "pools.llama.rails.input[0].options.url" },
    ],
    [
      "a secret itself",
      { input: [{ use: "webhook", options: { url: "https://h.example.com", secret: "whsec_abc" } }] },
      { path: "pools.llama.rails.input[0].options.secret", value: "(hidden)" },
    ],
    [
      "a guard in a pool that is not there",
      { input: [{ use: "llama-guard", options: { pool: "guards", model: "g" } }] },
      { path: "pools.llama.rails.input[0].options.pool" },
    ],
    [
      "a guard in two places",
      { input: [{ use: "llama-guard", options: { pool: "small", binding: "AI", model: "g" } }] },
      { fix: 'give "pool" or "binding"' },
    ],
  ])("%s", (_, rails, problem) => {
    const result = parsed(rails);
    expect(result.ok ? [] : result.error).toContainEqual(expect.objectContaining(problem));
  });
});

describe("at its bound and beyond:", () => {
  const rails = (count: number): Json => ({
    input: Array.from({ length: count }, (_, index) => ({ use: "unicode", name: `u${index}` })),
  });
  const words = (count: number): Json => ({
    input: [{ use: "topics", options: { topics: { t: Array.from({ length: count }, () => "word") } } }],
  });
  test.each([
    ["rails of a stage", rails(RAILS_PER_STAGE_MAX), rails(RAILS_PER_STAGE_MAX + 1)],
    ["phrases of a topic", words(RAIL_LIST_MAX), words(RAIL_LIST_MAX + 1)],
    ["the sample", { input: [{ use: "pii", sample: 1 }] }, { input: [{ use: "pii", sample: 1.01 }] }],
    ["the sample, below", { input: [{ use: "pii", sample: 0 }] }, { input: [{ use: "pii", sample: -0.01 }] }],
    ["the deadline", { deadlineMs: 30_000 }, { deadlineMs: 30_001 }],
  ])("%s", (_, within, beyond) => {
    expect([parsed(within).ok, parsed(beyond).ok]).toEqual([true, false]);
  });
});

test("headers tell what each rail said, and that one which failed said nothing", () => {
  const record = { verdict: "allow", status: "done", shadow: false, tookMs: 0, reasons: [] } as const;
  const { rails, timing } = railHeaders([
    { ...record, rail: "size" },
    { ...record, rail: "ghost", verdict: "block", shadow: true, tookMs: 3 },
    { ...record, rail: "hook", verdict: null, status: "timeout", tookMs: 250 },
    { ...record, rail: "last", verdict: null, status: "skipped" },
    { ...record, rail: "blind", verdict: null, status: "unread" },
    { ...record, rail: "half", verdict: "redact", status: "unread", shadow: true },
  ]);
  expect(rails).toBe(
    "size=allow;0, ghost=block;3;shadow, hook=rail_error;250;timeout, last=skipped;0, " +
      "blind=rail_error;0;not_read, half=redact;0;not_read;shadow",
  );
  expect(timing).toContain(', rail-hook;dur=250;desc="rail_error"');
  expect(railHeaders([])).toEqual({ rails: "", timing: "" });
});
