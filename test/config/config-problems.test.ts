import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatProblems, parseConfig, SOURCE_CHARS_MAX } from "../../src/config/config-parse.ts";
import { nearest } from "../../src/config/config-nearest.ts";
import { configText, type Json } from "./config-sample.ts";

const shown = (text: string): string => {
  const result = parseConfig(text);
  return result.ok ? "" : formatProblems(text, result.error, "warmpath.jsonc");
};

test("a problem is shown with its line, a caret and the fix", () => {
  const text = `{
  "regions": { "us-east": { "lat": 39, "lon": -77, "hint": "enam" } },
  "pools": {
    "llama-3.1-8b": {
      "endpoints": [{ "id": "a", "region": "us-eats", "backend": "openai", "url": "http://localhost:8000" }]
    }
  }
}`;
  expect(shown(text)).toBe(`warmpath.jsonc:5:44 pools["llama-3.1-8b"].endpoints[0].region
  5 |       "endpoints": [{ "id": "a", "region": "us-eats", "backend": "openai", "url": "http://localhost:8000" }]
    |                                            ^ this region is not declared: "us-eats"
    = did you mean "us-east"?

1 problem in warmpath.jsonc
`);
});

describe("wrong syntax", () => {
  test.each([
    ["nothing", "", "1:1", "write a value"],
    ["only a comment", "// hello", "1:9", "write a value"],
    ["a missing comma", '{\n  "regions": {}\n  "pools": {}\n}', "3:3", 'write "," between the two'],
    ["an open object", '{ "regions": {}', "1:16", 'close the object with "}"'],
    ["single quotes", "{ 'regions': {} }", "1:3", "write strings in double quotes"],
    ["a second document", '{ "regions": {}, "pools": {} } {}', "1:32", "remove what follows"],
    ["an open string", '{ "regions: {} }', "1:3", "double quote"],
    ["a key twice", '{ "keys": [],\n "keys": [] }', "2:2", "the second would silently win"],
    ["a key that is no name", '{ "__proto__": { "pools": {} } }', "1:3", "choose another name"],
    ["a list", "[]", "1:1", 'write an object, "{ … }"'],
  ])("%s", (_, text, where, fix) => {
    expect(shown(text)).toContain(`warmpath.jsonc:${where}`);
    expect(shown(text)).toContain(fix);
  });
});

describe("a secret in the wrong place is never shown", () => {
  const endpoint = "pools.llama.endpoints.0";
  test.each<[string, string, string, Json]>([
    ["instead of a secret's name", "hunter2hunter", `${endpoint}.auth`, { secret: "hunter2hunter" }],
    ["instead of the auth object", "hunter2hunter", `${endpoint}.auth`, "hunter2hunter"],
    ["under an unknown key", "hunter2hunter", `${endpoint}.apiKey`, "hunter2hunter"],
    ["with quotes in it", 'hunter2"hunter', `${endpoint}.apiKey`, 'hunter2"hunter'],
    ["in the user part of a URL", "hunter2hunter", `${endpoint}.url`, "https://me:hunter2hunter@gpu.example.com"],
    ["in an object under an unknown key", "hunter2hunter", "credentials", { basic: ["x", "hunter2hunter"] }],
    ["as a digest", "deadbeef00", "keys.0.hmac", "deadbeef00"],
    [
      "as a Runpod key where a region should be",
      "ABCDEFGH12345678ABCDEFGH",
      `${endpoint}.region`,
      "rpa_ABCDEFGH12345678ABCDEFGH",
    ],
    ["as an unknown key's name", "projABCDEFGH12345678ABCDEFGH", "sk-projABCDEFGH12345678ABCDEFGH", 1],
    ["as a pool's name", "projABCDEFGH12345678ABCDEFGH", "pools.sk-projABCDEFGH12345678ABCDEFGH", {}],
  ])("%s", (_, secret, path, value) => {
    const pretty = configText(path, value);
    for (const text of [pretty, JSON.stringify(JSON.parse(pretty))]) {
      expect(shown(text)).not.toBe("");
      for (const form of [secret, JSON.stringify(secret).slice(1, -1)]) expect(shown(text)).not.toContain(form);
    }
  });

  test("while names stay readable", () => {
    const text = configText("pools.llama.endpoints.0", {
      id: "llama-3-1-8b-instruct-awq",
      region: "us-east-but-not-declared-1",
      backend: "openai",
      url: "https://a.example.com",
      gpu: ["NVIDIA_GEFORCE_RTX_4090"],
      auth: { secret: "RUNPOD_API_KEY_2" },
    });
    const line = shown(JSON.stringify(JSON.parse(text)));
    expect(line).toContain("us-east-but-not-declared-1");
    expect(line).not.toContain("•");
  });
});

test("a long line is shown around its problem, with the caret under it", () => {
  const text = JSON.stringify(JSON.parse(configText("pools.small.endpoints.0.region", "mars")));
  const [, source = "", caret = ""] = shown(`${text.slice(0, 1)}${" ".repeat(5000)}${text.slice(1)}`).split("\n");
  expect(source.length).toBeLessThanOrEqual(SOURCE_CHARS_MAX + "  1 | ".length);
  expect(source.slice(caret.indexOf("^"))).toMatch(/^"mars"/);
});

test("what a terminal would obey is not shown", () => {
  const text = shown('{ "regions": "\u001b[31m\u202e" }\u0007').replaceAll("\n", "");
  expect(text).toContain("warmpath.jsonc:1:");
  expect(text).not.toMatch(/\p{C}/u);
});

describe("any text is answered, never thrown at", () => {
  const settle = (text: string) => {
    const result = parseConfig(text);
    if (result.ok) return;
    expect(result.error.length).toBeGreaterThan(0);
    for (const { line, column } of result.error) {
      const source = text.split(/\r\n|\n|\r/)[line - 1];
      expect(source).toBeDefined();
      expect(column).toBeGreaterThanOrEqual(1);
      expect(column).toBeLessThanOrEqual((source ?? "").length + 1);
    }
    expect(formatProblems(text, result.error, "f")).toContain("f:");
  };

  test("arbitrary strings", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.json()), settle), { numRuns: 300 });
  });

  test("a valid config with a piece of its text replaced", () => {
    const valid = configText();
    const piece = fc.oneof(
      fc.string({ maxLength: 5 }),
      fc.constantFrom("{", "}", "[", "]", '"', ",", ":", "//", "/*", "\\", "null", "-1", "1e999"),
    );
    const spot = fc.nat({ max: valid.length });
    fc.assert(
      fc.property(spot, fc.nat({ max: 12 }), piece, (at, cut, insert) =>
        settle(valid.slice(0, at) + insert + valid.slice(at + cut)),
      ),
      { numRuns: 500 },
    );
  });

  test("a valid config with any value at any place", () => {
    const paths = `
      $schema toString regions regions.us regions.us.hint keys keys.0 keys.0.scopes keys.0.expiresAt limits cors
      routes routes.0 routes.0.path pools pools.constructor pools.llama pools.llama.models pools.llama.endpoints
      pools.llama.endpoints.0 pools.llama.endpoints.0.url pools.llama.endpoints.0.health
      pools.llama.rails pools.llama.rails.input pools.llama.rails.input.0
    `;
    fc.assert(
      fc.property(fc.constantFrom(...paths.trim().split(/\s+/)), fc.jsonValue(), (path, value) =>
        settle(configText(path, value as Json)),
      ),
      { numRuns: 500, examples: [["regions.us.hint", { toString: [] }]] },
    );
  });
});

describe("the nearest known word", () => {
  const known = ["region", "backend", "url", "concurrencyPerWorker", "ttfbTimeoutMs"];
  test.each([
    ["reigon", "region"],
    ["Region", "region"],
    ["regions", "region"],
    ["ttfb-timeout-ms", "ttfbTimeoutMs"],
    ["concurrency", "concurrencyPerWorker"],
    ["uri", "url"],
    ["frontend", null],
    ["x", null],
    ["", null],
    ["a".repeat(10_000), null],
  ])("of %s is %s", (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
