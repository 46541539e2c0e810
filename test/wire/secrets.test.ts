import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config-parse.ts";
import { howToSet, secretsOf } from "../../src/wire/secrets.ts";

const url = "https://gpu.example.com";
const endpoint = { id: "a", region: "r", backend: "openai", url };

function secretsIn(pool: Record<string, unknown>, top: Record<string, unknown> = {}) {
  const config = {
    regions: { r: { lat: 0, lon: 0, hint: "weur" } },
    ...top,
    pools: { p: { endpoints: [endpoint], ...pool } },
  };
  const parsed = parseConfig(JSON.stringify(config));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return secretsOf(parsed.value).filter(({ isNeeded }) => isNeeded);
}

const rails = (...input: unknown[]) => ({ rails: { input } });

describe("the secrets of a config", () => {
  test.each([
    ["an endpoint", { endpoints: [{ ...endpoint, auth: { secret: "ONE" } }] }, "ONE", "endpoint a"],
    [
      "a health check",
      { endpoints: [{ ...endpoint, health: { auth: { secret: "TWO" } } }] },
      "TWO",
      "the health check of endpoint a",
    ],
    [
      "a moderation rail",
      rails({ use: "moderation", options: { url, secret: "MOD" } }),
      "MOD",
      "the rail moderation of pool p",
    ],
    [
      "a webhook rail",
      rails({ use: "webhook", name: "mine", options: { url, secret: "HOOK" } }),
      "HOOK",
      "the rail mine of pool p",
    ],
    ["a receiver of events", { jobs: { events: { url, secret: "OPS" } } }, "OPS", "the job events of pool p"],
    [
      "a receiver of events that names none",
      { jobs: { events: { url } } },
      "WARMPATH_WEBHOOK_SECRET",
      "the job events of pool p",
    ],
  ])("%s", (_, pool, name, usedBy) => {
    expect(secretsIn(pool)).toEqual([{ name, usedBy: expect.arrayContaining([usedBy]) as unknown, isNeeded: true }]);
  });

  test("are the pepper where there are keys, and none where there is nothing", () => {
    const keys = [{ id: "k", tenant: "t", hmac: "0".repeat(64) }];
    expect(secretsIn({})).toEqual([]);
    expect(secretsIn({}, { keys }).map(({ name }) => name)).toEqual(["WARMPATH_KEY_PEPPER"]);
  });

  test("are listed once each, with all that they are for", () => {
    const auth = { secret: "ONE" };
    const pool = {
      endpoints: [
        { ...endpoint, auth },
        { ...endpoint, id: "b", auth, health: { path: "/up" } },
      ],
      ...rails({ use: "moderation", options: { url, secret: "ONE" } }),
    };
    expect(secretsIn(pool)).toEqual([
      { name: "ONE", usedBy: ["endpoint a", "endpoint b", "the rail moderation of pool p"], isNeeded: true },
    ]);
  });
});

test("how to set one depends on where this runs", () => {
  expect(howToSet({}, "ONE")).toBe("set it with: npx wrangler secret put ONE");
  expect(howToSet({ WARMPATH_SELF_HOSTED: "1" }, "ONE")).toBe("set it with: export ONE=… and start serve again");
});
