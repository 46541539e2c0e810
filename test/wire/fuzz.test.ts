/** `npm run fuzz` in small, and that it finds what it looks for. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { fuzz } from "../fuzz/run.ts";
import { READER_TARGETS } from "../fuzz/targets.ts";
import { TEXT_TARGETS } from "../fuzz/targets-texts.ts";

const options = { runs: 2_000, seed: 20261130, corpusDir: join(import.meta.dirname, "../fuzz/corpus") };

test.each([...READER_TARGETS, ...TEXT_TARGETS].map((target) => [target.name, target] as const))(
  "%s",
  async (name, target) => {
    const { broken, inputs } = await fuzz(target, options);
    expect(broken, `npm run fuzz -- --only ${name} --seed ${options.seed}`).toEqual([]);
    expect(inputs).toBeGreaterThanOrEqual(options.runs * (target.share ?? 1));
  },
);

test("an input that breaks a promise is found, and one that throws", async () => {
  const [target] = READER_TARGETS;
  if (target === undefined) throw new Error("no target");
  const careless = { ...target, problem: (input: string) => (input.includes("%2e") ? "it has a dot" : null) };
  expect((await fuzz(careless, options)).broken.length).toBeGreaterThan(0);
  const throwing = { ...target, problem: (input: string) => decodeURIComponent(input) && null };
  expect((await fuzz(throwing, options)).broken[0]?.problem).toMatch(/^it throws: URIError/);
});
