import { describe, expect, test } from "vitest";
import { ENDPOINTS_PER_POOL_MAX } from "../../../src/config/config-bounds.ts";
import { parseConfig } from "../../../src/config/config-parse.ts";
import { EXPLAIN_INPUT_TOKENS_MAX, readExplainBody } from "../../../src/gateway/admin/explain-request.ts";
import { configText } from "../../config/config-sample.ts";

const parsed = parseConfig(configText());
if (!parsed.ok) throw new Error("the sample is valid");
const config = parsed.value;

const read = (body: unknown) => readExplainBody(body, config);

describe("a question is read", () => {
  test.each([
    ["the pool by its model", { model: "llama" }, {}],
    ["the pool by its id", { pool: "llama" }, {}],
    ["null as absent", { pool: "llama", model: null, place: null, inputTokens: null, excluded: null }, {}],
    ["a place by its region", { pool: "llama", place: "eu" }, { place: { lat: 50.1, lon: 8.7 } }],
    ["a place by its position", { pool: "llama", place: "48.9, 2.3" }, { place: { lat: 48.9, lon: 2.3 } }],
    [
      "the longest prompt",
      { pool: "llama", inputTokens: EXPLAIN_INPUT_TOKENS_MAX },
      { inputTokens: EXPLAIN_INPUT_TOKENS_MAX },
    ],
    ["its class", { pool: "llama", priority: "low" }, { priority: "low" }],
    ["endpoints that were tried", { pool: "llama", excluded: ["b", "a"] }, { excluded: ["b", "a"] }],
    [
      "as many as a pool may have",
      { pool: "llama", excluded: Array.from({ length: ENDPOINTS_PER_POOL_MAX }, () => "a") },
      { excluded: Array.from({ length: ENDPOINTS_PER_POOL_MAX }, () => "a") },
    ],
  ])("%s", (_, body, expected) => {
    const model = "model" in body ? (body.model ?? null) : null;
    const defaults = { model, place: null, inputTokens: 0, excluded: [], priority: "normal" };
    expect(read(body)).toEqual({ ok: true, value: { pool: config.pools.get("llama"), ...defaults, ...expected } });
  });
});

describe("a question that makes no sense names its field", () => {
  test.each<[name: string, body: unknown, reason: string, param: string | null, says: RegExp]>([
    ["no object", [], "invalid_request", null, /must be a JSON object/],
    ["nothing asked", {}, "invalid_request", "model", /required, or pool/],
    ["both", { model: "llama", pool: "llama" }, "invalid_request", "pool", /not both/],
    ["a model that is no text", { model: 3 }, "invalid_request", "model", /must be a string/],
    ["a pool that is no text", { pool: ["llama"] }, "invalid_request", "pool", /must be a string/],
    ["an unknown class", { pool: "llama", priority: "urgent" }, "invalid_request", "priority", /high, normal, low/],
    ["an unknown model", { model: "nobody" }, "unknown_model", "model", /GET \/v1\/models lists/],
    ["an unknown pool", { pool: "__proto__" }, "unknown_pool", "pool", /GET \/admin\/fleet lists/],
    ["a misspelt field", { pool: "llama", plaec: "eu" }, "invalid_request", "plaec", /fields are model, pool, place/],
    ["a place that is nowhere", { pool: "llama", place: "91,0" }, "invalid_request", "place", /region: us, eu/],
    ["a place in another form", { pool: "llama", place: { lat: 1, lon: 2 } }, "invalid_request", "place", /lat,lon/],
    ["half a token", { pool: "llama", inputTokens: 1.5 }, "invalid_request", "inputTokens", /whole number from 0/],
    ["tokens as text", { pool: "llama", inputTokens: "9" }, "invalid_request", "inputTokens", /whole number/],
    ["fewer tokens than none", { pool: "llama", inputTokens: -1 }, "invalid_request", "inputTokens", /from 0 to/],
    [
      "more tokens than any model takes",
      { pool: "llama", inputTokens: EXPLAIN_INPUT_TOKENS_MAX + 1 },
      "invalid_request",
      "inputTokens",
      /to 100000000/,
    ],
    ["one id in place of a list", { pool: "llama", excluded: "a" }, "invalid_request", "excluded", /a list/],
    [
      "another pool's endpoint",
      { pool: "llama", excluded: ["a", "c"] },
      "invalid_request",
      "excluded[1]",
      /pool: a, b/,
    ],
    ["an id that is none", { pool: "llama", excluded: [7] }, "invalid_request", "excluded[0]", /pool: a, b/],
    [
      "more than a pool may have",
      { pool: "llama", excluded: Array.from({ length: ENDPOINTS_PER_POOL_MAX + 1 }, () => "a") },
      "invalid_request",
      "excluded",
      /64 entries at most/,
    ],
  ])("%s", (_, body, reason, param, says) => {
    const answer = read(body);
    expect(answer).toMatchObject({ ok: false, error: { reason, param } });
    if (!answer.ok) expect(answer.error.problem).toMatch(says);
  });
});
