import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readPlatformConfig } from "../../../tools/cli/wrangler-config.ts";

const toml = `
# A comment.
name = "x"
compatibility_date = "2026-11-01" # trailing
compatibility_flags = ["one", "two"]

[build]
command = "npm run build"

[[durable_objects.bindings]]
name = "A"
class_name = "ClassA"

[[durable_objects.bindings]]
name = "B"
class_name = "ClassB"

[other]
name = "not a binding"
`;

describe("reading wrangler.toml", () => {
  test("date, flags and every Durable Object binding are found", () => {
    expect(readPlatformConfig(toml)).toEqual({
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["one", "two"],
      durableObjects: [
        { name: "A", className: "ClassA" },
        { name: "B", className: "ClassB" },
      ],
    });
  });

  test("flags and objects may be absent", () => {
    const found = readPlatformConfig(`compatibility_date = "2026-11-01"`);
    expect(found).toEqual({ compatibilityDate: "2026-11-01", compatibilityFlags: [], durableObjects: [] });
  });

  test.each([
    ["no date", ``, "compatibility_date"],
    ["a date without quotes", `compatibility_date = 2026-11-01`, "compatibility_date"],
    [
      "flags over several lines",
      `compatibility_date = "2026-11-01"\ncompatibility_flags = [\n"a"]`,
      "compatibility_flags",
    ],
    ["a binding without a class", `compatibility_date = "x"\n[[durable_objects.bindings]]\nname = "A"`, "class_name"],
  ])("%s is refused by name", (_, text, key) => {
    expect(() => readPlatformConfig(text)).toThrow(key);
  });

  test("the page on deploying boots what the project's own file says", () => {
    const page = readFileSync(new URL("../../../docs/how-to/deploy.md", import.meta.url), "utf8");
    const { compatibilityDate, compatibilityFlags, durableObjects } = readPlatformConfig();
    expect(page).toContain(`compatibilityDate: "${compatibilityDate}"`);
    expect(page).toContain(`compatibilityFlags: ["${compatibilityFlags.join('", "')}"]`);
    for (const { name, className } of durableObjects)
      expect(page).toContain(`${name}: { className: "${className}", useSQLite: true }`);
  });

  test("the project's own file has a Durable Object", () => {
    expect(readPlatformConfig().durableObjects).toContainEqual({ name: "POOL_SHARD", className: "PoolShard" });
  });
});
