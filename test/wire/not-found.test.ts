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

  test("and stays within a message, however much there is and however long the word", () => {
    const config = configOf(100);
    const long = "x".repeat(5_000);
    for (const { detail } of [unknownPool(long, config), unknownModel(long, config), notServed(`/${long}`)]) {
      expect(detail.length).toBeLessThanOrEqual(DETAIL_CHARS_MAX);
      expect(detail).toMatch(/\.$/);
    }
  });
});
