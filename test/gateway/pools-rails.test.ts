import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config-parse.ts";
import { poolWith } from "../../src/gateway/pools-rails.ts";
import type { EdgePool } from "../../src/dispatch/runtime.ts";
import { configText, type Json } from "../config/config-sample.ts";

/** A pool of the edge, with these rails. */
function poolOf(id: string, rails: Json): EdgePool {
  const endpoints = [{ id: `${id}-1`, region: "us", backend: "openai", url: "https://a.example.com" }];
  const read = parseConfig(
    configText("pools", {
      llama: { endpoints: endpoints.map((one) => ({ ...one, id: "l" })) },
      [id]: { endpoints, rails },
    }),
  );
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return { config: read.value.pools.get(id) } as EdgePool;
}

const word = (name: string, pattern: string, action = "block"): Json => ({
  use: "regex",
  name,
  action,
  options: { patterns: [{ name: "word", pattern }] },
});

const names = ({ config: { rails } }: EdgePool) => ({
  input: rails.input.map(({ name }) => name),
  output: rails.output.map(({ name }) => name),
});

describe("the rails of a pool that answers for another", () => {
  test("are its own where nobody else has a say", () => {
    const own = poolOf("own", { input: [word("one", "one")] });
    expect(poolWith(own, [])).toBe(own);
  });

  test("are its own and the other's, in both directions", () => {
    const own = poolOf("own", { input: [word("one", "one")], output: [] });
    const other = poolOf("other", { input: [word("two", "two")], output: [word("three", "three")] });
    expect(names(poolWith(own, [other]))).toEqual({ input: ["one", "two"], output: ["three"] });
  });

  test("run once where both pools have the same, and beside each other where one name has two meanings", () => {
    const own = poolOf("own", { input: [word("same", "same"), word("mine", "here")] });
    const other = poolOf("other", { input: [word("same", "same"), word("mine", "there")] });
    const both = poolWith(own, [other]);
    expect(names(both).input).toEqual(["same", "mine", "other.mine"]);
  });

  test("are none fewer than any of the pools has, over three of them", () => {
    const pools = ["a", "b", "c"].map((id) => poolOf(id, { input: [word(id, id)] }));
    const [a, b, c] = pools;
    if (a === undefined || b === undefined || c === undefined) throw new Error("three pools");
    expect(names(poolWith(c, [a, b])).input).toEqual(["c", "a", "b"]);
  });

  test.each([
    ["dispatch", "dispatch", "dispatch"],
    ["dispatch", "acquire", "acquire"],
    ["acquire", "dispatch", "acquire"],
  ])("with %s here and %s there work as %s", (here, there, as) => {
    const both = poolWith(poolOf("own", { overlap: here, deadlineMs: 100 }), [
      poolOf("other", { overlap: there, deadlineMs: 300 }),
    ]);
    expect([both.config.rails.overlap, both.config.rails.deadlineMs]).toEqual([as, 300]);
  });

  test("are made once, because tables hang on their lists", () => {
    const own = poolOf("own", {});
    const other = poolOf("other", { input: [word("one", "one")] });
    expect(poolWith(own, [other])).toBe(poolWith(own, [other]));
  });
});
