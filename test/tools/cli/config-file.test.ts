import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configNotes, configWarnings, readConfigFile } from "../../../tools/cli/config-file.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const key = { id: "ops", tenant: "acme", hmac: "0".repeat(64), scopes: ["infer"] };
const endpoint = (url: string, changes: object = {}) => ({ id: "a", region: "r", backend: "openai", url, ...changes });
const config = (changes: object = {}) => ({
  regions: { r: { lat: 1, lon: 1, hint: "enam" } },
  keys: [key],
  pools: { m: { endpoints: [endpoint("https://gpu.acme.dev")] } },
  ...changes,
});

function read(value: unknown) {
  const path = join(dir, "a.jsonc");
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return readConfigFile(path, "a.jsonc", "do this");
}

function warningsOf(value: unknown): readonly string[] {
  const found = read(value);
  if (!found.ok) throw new Error(found.error);
  return configWarnings(found.value.config);
}

describe("a config file", () => {
  test("that is right is its text and what it means", () => {
    const text = JSON.stringify(config());
    expect(read(text)).toMatchObject({ ok: true, value: { text, config: { keys: [{ id: "ops" }] } } });
  });

  test.each([
    ["no regions", config({ regions: {} }), /a\.jsonc:1:\d+ pools\.m\.endpoints\[0\]\.region/],
    ["a misspelt member", config({ pool: {} }), /a\.jsonc:1:\d+[^]*pools/],
    ["no JSON", "{", /a\.jsonc:1:/],
  ])("with %s is told with its place", (_, value, message) => {
    const found = read(value);
    expect(found.ok ? "" : found.error).toMatch(message);
    expect(found.ok ? "" : found.error).toMatch(/\d+ problems? in a\.jsonc/);
  });

  test("that is not there is told with what to do", () => {
    const found = readConfigFile(join(dir, "none.jsonc"), "none.jsonc", "choose another");
    expect(found).toEqual({ ok: false, error: "cannot read none.jsonc: choose another" });
  });
});

describe("a config that is right in form", () => {
  test("and ready says nothing", () => {
    expect(warningsOf(config())).toEqual([]);
  });

  test("and has no keys serves nobody, unless a route is open", () => {
    expect(warningsOf(config({ keys: [] }))).toEqual([expect.stringMatching(/^keys is empty.*npm run key/)]);
    const routes = [{ path: "/x", pool: "m", upstreamPath: "/v1/chat/completions", openTo: "acme" }];
    expect(warningsOf(config({ keys: [], routes }))).toEqual([]);
  });

  test.each([
    ["https://your-us-endpoint.api.runpod.ai", true],
    ["https://gpu.example.com:8443/v1", true],
    ["https://example.org", true],
    ["https://llm.example", true],
    ["https://gpu.invalid", true],
    ["https://yours.acme.dev", false],
    ["https://example.com.acme.dev", false],
    ["https://notexample.com", false],
    ["http://127.0.0.1:8000", false],
  ])("%s is a placeholder: %s", (url, isPlaceholder) => {
    const expected = isPlaceholder
      ? [expect.stringContaining(`pools.m.endpoints[0].url: ${new URL(url).hostname} `)]
      : [];
    expect(warningsOf(config({ pools: { m: { endpoints: [endpoint(url)] } } }))).toEqual(expected);
  });

  test("names placeholders of health checks and rails too, and each host once", () => {
    const health = { url: "https://health.example.com/up" };
    const endpoints = [
      endpoint("https://gpu.acme.dev", { health }),
      endpoint("https://a.invalid", { id: "b" }),
      endpoint("https://a.invalid/two", { id: "c" }),
    ];
    const input = [{ use: "webhook", name: "w", options: { url: "https://your-check.acme.dev", secret: "HOOK" } }];
    expect(warningsOf(config({ pools: { m: { endpoints, rails: { input } } } }))).toEqual([
      expect.stringMatching(/^pools\.m\.endpoints\[1\]\.url: a\.invalid/),
      expect.stringMatching(/^pools\.m\.endpoints\[0\]\.health\.url: health\.example\.com/),
      expect.stringMatching(/^pools\.m\.rails\.input\[0\]\.url: your-check\.acme\.dev/),
    ]);
  });
});

test("what admits nobody is told: an address that is none, a key that is no public one, a tenant without a key", () => {
  const keys = [{ ...key, addresses: ["203.0.113.0/24", "300.1.1.1", "::1/200"] }];
  const jwk = { kty: "RSA", n: "AQAB", e: "AQAB" };
  const jwt = [{ issuer: "i", audience: "a", algorithms: ["RS256"], keys: [jwk, { ...jwk, d: "AQAB" }] }];
  const tenants = { acme: {}, acne: {} };
  expect(warningsOf(config({ keys, jwt, tenants }))).toEqual([
    expect.stringMatching(/^keys\[0\]\.addresses\[1\]: 300\.1\.1\.1 is no address/),
    expect.stringMatching(/^keys\[0\]\.addresses\[2\]: ::1\/200 is no address/),
    expect.stringMatching(/^jwt\[0\]\.keys\[1\] is no public key/),
    expect.stringMatching(/^tenants\.acne: no key of this file.*did you mean "acme"/),
  ]);
});

test("a base URL with /v1 at its end is told to be read without", () => {
  const endpoints = [endpoint("https://gpu.acme.dev"), endpoint("https://gpu.acme.dev/v1/", { id: "b" })];
  expect(configNotes(JSON.stringify(config({ pools: { m: { endpoints } } })))).toEqual([
    expect.stringMatching(/^pools\.m\.endpoints\[1\]\.url: the final \/v1 is left out/),
  ]);
  expect(configNotes(JSON.stringify(config()))).toEqual([]);
});
