import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { configOfText } from "../../../src/config/config-of-text.ts";
import { codeOf, configModule } from "../../../tools/cli/built-modules.ts";

const root = join(import.meta.dirname, "../../..");

async function load(code: string): Promise<unknown> {
  const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as object;
  return { ...module };
}

describe("a config as a module", () => {
  test.each(["warmpath.jsonc", "test/objects/fixture.jsonc"])(
    "%s comes to an isolate as the config that was read, member for member",
    async (file) => {
      const text = readFileSync(join(root, file), "utf8");
      const read = configOfText(text);
      expect(read.ok).toBe(true);
      expect(await load(configModule(text))).toStrictEqual({ builtConfig: read.ok ? read.value : null });
    },
  );

  test.each([
    ["no JSON", "{"],
    ["a shape that is not a config's", `{ "pools": 1 }`],
  ])("%s has no module of its own", async (_, text) => {
    expect(await load(configModule(text))).toStrictEqual({ builtConfig: null });
  });
});

describe("the code of a value", () => {
  test.each([
    ["undefined", undefined],
    ["null", null],
    ["what ends lines and strings", "\u2028\u2029'\"`\\\n\ud800</script>"],
    ["numbers that JSON has not", [-0, Number.POSITIVE_INFINITY, Number.NaN, 1e-7]],
    ["a map in a map", new Map([["a", new Map([[1, { b: [] }]])]])],
    ["a member named as the prototype is", Object.fromEntries([["__proto__", 1]])],
  ])("says %s as it is", async (_, value) => {
    expect(await load(`export const value = ${codeOf(value)};`)).toStrictEqual({ value });
  });

  test.each([
    ["a function", () => 0],
    ["a date", new Date(0)],
    ["a set", new Set()],
    ["a big integer", 1n],
  ])("refuses %s, which is no data", (_, value) => {
    expect(() => codeOf({ value })).toThrow("plain data");
  });
});
