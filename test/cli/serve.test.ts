import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseServeArgs, secretNames, workerBindings } from "../../src/cli/serve.ts";
import { parseConfig } from "../../src/protocol/config-parse.ts";

const fixture = readFileSync(new URL("../objects/fixture.jsonc", import.meta.url), "utf8");

describe("the arguments of serve", () => {
  test("all have a default", () => {
    const parsed = parseServeArgs([]);
    expect(parsed).toMatchObject({ ok: true, value: { port: 8787, host: "127.0.0.1", dev: false } });
    expect(parsed.ok && parsed.value.configPath.endsWith("/warmpath.jsonc")).toBe(true);
    expect(parsed.ok && parsed.value.stateDir.endsWith("/.warmpath/state")).toBe(true);
  });

  test.each([
    ["the lowest port", "0", true],
    ["the highest port", "65535", true],
    ["one port too many", "65536", false],
    ["a negative port", "=-1", false],
    ["a word", "http", false],
    ["nothing", "=", false],
  ])("%s", (_, port, accepted) => {
    const args = port.startsWith("=") ? [`--port${port}`] : ["--port", port];
    expect(parseServeArgs(args).ok).toBe(accepted);
  });

  test("an unknown one is named", () => {
    expect(parseServeArgs(["--prot", "1"])).toEqual({ ok: false, error: expect.stringContaining("--prot") });
  });
});

describe("the bindings of the Worker", () => {
  const pepper = { WARMPATH_KEY_PEPPER: "p" };

  test("are the config's text, the pepper and the secrets, and nothing else of the environment", () => {
    const env = { ...pepper, GPU_KEY: "k", PATH: "/bin" };
    expect(workerBindings({ configText: "{}", secretNames: ["GPU_KEY"], env, dev: false })).toEqual({
      ok: true,
      value: { WARMPATH_CONFIG: "{}", WARMPATH_KEY_PEPPER: "p", GPU_KEY: "k" },
    });
  });

  test("carry the development flag only when asked", () => {
    const bindings = workerBindings({ configText: "{}", secretNames: [], env: pepper, dev: true });
    expect(bindings).toMatchObject({ ok: true, value: { WARMPATH_DEV: "1" } });
  });

  test("name every variable that is missing or empty", () => {
    const env = { GPU_KEY: "" };
    expect(workerBindings({ configText: "{}", secretNames: ["GPU_KEY", "OTHER"], env, dev: false })).toEqual({
      ok: false,
      error: ["WARMPATH_KEY_PEPPER", "GPU_KEY", "OTHER"],
    });
  });
});

test("secrets of endpoints and of their health checks are found, each once", () => {
  const text = fixture
    .replace(`"id": "us-a",`, `"id": "us-a", "auth": { "secret": "ONE" },`)
    .replace(`"id": "us-b",`, `"id": "us-b", "auth": { "secret": "ONE" }, "health": { "auth": { "secret": "TWO" } },`);
  const config = parseConfig(text);
  expect(config.ok && secretNames(config.value)).toEqual(["ONE", "TWO"]);
});
