/** `npm run fuzz` in small, and that it finds what it looks for. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { fuzz } from "../fuzz/run.ts";
import { TARGETS } from "../fuzz/targets.ts";

const options = { runs: 2_000, seed: 20261130, corpusDir: join(import.meta.dirname, "../fuzz/corpus") };

test.each(TARGETS.map((target) => [target.name, target] as const))("%s", (name, target) => {
  const { broken, inputs } = fuzz(target, options);
  expect(broken, `npm run fuzz -- --only ${name} --seed ${options.seed}`).toEqual([]);
  expect(inputs).toBeGreaterThanOrEqual(options.runs * (target.share ?? 1));
});

test("an input that breaks a promise is found, and one that throws", () => {
  const [target] = TARGETS;
  if (target === undefined) throw new Error("no target");
  const careless = { ...target, problem: (input: string) => (input.includes("%2e") ? "it has a dot" : null) };
  expect(fuzz(careless, options).broken.length).toBeGreaterThan(0);
  const throwing = { ...target, problem: (input: string) => decodeURIComponent(input) && null };
  expect(fuzz(throwing, options).broken[0]?.problem).toMatch(/^it throws: URIError/);
});
