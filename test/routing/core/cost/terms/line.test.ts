import { describe, expect, test } from "vitest";
import { costTerms } from "../../../../../src/routing/core/cost/cost.ts";
import { kvWaitMs, lineMs } from "../../../../../src/routing/core/cost/terms/line.ts";
import { endpointView, US } from "../../shard/shard-fixture.ts";

describe("the line", () => {
  const line = { workTokens: 3_000, prefillTokensPerMs: 10 };

  test.each([
    { name: "what it takes to read, less half of the trip there", view: line, netMs: 40, is: 280 },
    { name: "shorter by the age of the picture", view: { ...line, ageMs: 100 }, netMs: 40, is: 180 },
    { name: "nothing once that is over", view: { ...line, ageMs: 500 }, netMs: 40, is: 0 },
    { name: "nothing where nobody knows of any", view: { prefillTokensPerMs: 10 }, netMs: 0, is: 0 },
  ])("is $name", ({ view, netMs, is }) => {
    expect(lineMs(view, netMs)).toBe(is);
  });
});

describe("KV memory", () => {
  const memory = { kvUsed: 90_000, kvMax: 100_000, outputTokens: 200, occupancyMs: 5_000 };

  test.each([
    { name: "no wait for a prompt that fits", inputTokens: 9_800, is: 0 },
    { name: "its share of an occupancy for one that does not", inputTokens: 19_800, is: 500 },
  ])("is $name", ({ inputTokens, is }) => {
    expect(kvWaitMs(memory, inputTokens)).toBe(is);
  });

  test.each([null, undefined, 0])("of a size of %s says nothing", (kvMax) => {
    expect(kvWaitMs(kvMax === undefined ? { occupancyMs: 1 } : { ...memory, kvMax }, 1e6)).toBe(0);
  });
});

test("wait is the longest of a slot's, the memory's and the line's: they are waited for together", () => {
  const waitOf = (changes: Parameters<typeof endpointView>[0]) =>
    costTerms(endpointView({ capacity: 4, occupancyMs: 2_000, prefillTokensPerMs: 10, ...changes }), {
      client: US,
      clientKey: "here",
      inputTokens: 1_000,
    }).wait;
  const line = { workTokens: 7_000 };
  const memory = { kvUsed: 40_000, kvMax: 40_000, outputTokens: 1_000 };
  expect(waitOf({})).toBe(0);
  expect(waitOf(line)).toBe(700);
  expect(waitOf({ ...line, ...memory })).toBe(700);
  expect(waitOf(memory)).toBe(100);
  expect(waitOf({ ...line, ...memory, inFlight: 5 })).toBe(1_000);
});
