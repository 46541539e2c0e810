import { describe, expect, test } from "vitest";
import { notServed, unknownAction, unknownModel, unknownPool } from "../../src/wire/not-found.ts";
import { parseConfig } from "../../src/config/config-parse.ts";
import { DETAIL_CHARS_MAX } from "../../src/wire/error-body.ts";

const configOf = (pools: number) => {
  const endpoints = (id: string) => [{ id, region: "us", backend: "openai", url: "https://a.example.com" }];
  const parsed = parseConfig(
    JSON.stringify({
      regions: { us: { lat: 39, lon: -77.5, hint: "enam" } },
      pools: Object.fromEntries(
        Array.from({ length: pools }, (_, index) => [`pool-${index}`, { endpoints: endpoints(`e-${index}`) }]),
      ),
    }),
  );
  if (!parsed.ok) throw new Error("the config is wrong");
  return parsed.value;
};

describe("what is not there is answered with what is", () => {
  test.each([
    [
      "a pool",
      unknownPool("pol-1", configOf(3)),
      'There is no pool "pol-1". Did you mean "pool-1"? Pools: pool-0, pool-1, pool-2.',
    ],
    ["a model", unknownModel("x", configOf(2)), 'No pool serves the model "x". Models: pool-0, pool-1.'],
    [
      "an operation",
      unknownAction("/v2/{pool}", "runsink", ["run", "runsync"]),
      'There is no "runsink" below /v2/{pool}. Did you mean "runsync"? There are run, runsync.',
    ],
  ])("%s", (_, refusal, detail) => {
    expect(refusal.detail).toBe(detail);
  });

  test.each([
    ["a misspelt path", "/admin/fleets", "/admin/fleet"],
    ["one with the client's own word in it", "/admin/key/k1/rotate", "/admin/keys/k1/rotate"],
    ["one that is served behind a prefix", "/api/v1/chat/completions", "/v1/chat/completions"],
    ["one with a segment too few for any other", "/admin/key", "/admin/keys"],
  ])("%s, by the nearest that is served", (_, path, meant) => {
    const served = ["/admin/fleet", "/admin/keys", "/admin/keys/{id}", "/admin/keys/{id}/rotate"];
    expect(notServed(path, served).detail).toContain(`Did you mean ${meant}?`);
  });

  test("a path that is like none has no nearest one", () => {
    expect(notServed("/wp-login.php", ["/admin/keys/{id}", "/dashboard/{file}"]).detail).not.toContain("Did you mean");
  });

  test("a path that is there for another method is not taken for another path", () => {
    const { detail } = notServed("/v1/responses/compact", ["/v1/responses/{id}", "/v1/responses/{id}/cancel"]);
    expect(detail).not.toContain("Did you mean /v1/responses/compact?");
  });

  test("and stays within a message, however much there is and however long the word", () => {
    const config = configOf(100);
    const long = "x".repeat(5_000);
    for (const { detail } of [unknownPool(long, config), unknownModel(long, config), notServed(`/${long}`, [])]) {
      expect(detail.length).toBeLessThanOrEqual(DETAIL_CHARS_MAX);
      expect(detail).toMatch(/\.$/);
    }
  });
});
