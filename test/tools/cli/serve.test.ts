import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseServeArgs, whatToSet, whereUserStands, workerBindings } from "../../../tools/cli/serve.ts";
import { parseConfig } from "../../../src/config/config-parse.ts";
import type { Config } from "../../../src/config/config.ts";

const root = join(import.meta.dirname, "../../..");

describe("the arguments of serve", () => {
  test("all have a default, which is the project's own wherever the user stands", () => {
    const paths = { configPath: join(root, "warmpath.jsonc"), stateDir: join(root, ".warmpath/state") };
    expect(parseServeArgs([], "/elsewhere")).toMatchObject({
      ok: true,
      value: { port: 8787, host: "127.0.0.1", dev: false, ...paths },
    });
  });

  test("a path that is given is relative to where the user stands", () => {
    expect(parseServeArgs(["--config", "mine.jsonc", "--state", "../state"], "/etc/warmpath")).toMatchObject({
      value: { configPath: "/etc/warmpath/mine.jsonc", stateDir: "/etc/state" },
    });
    expect(parseServeArgs(["--config", "/srv/a.jsonc"], "/elsewhere")).toMatchObject({
      value: { configPath: "/srv/a.jsonc" },
    });
  });

  test.each([
    ["npm has changed the folder", root, { INIT_CWD: "/etc/warmpath" }, "/etc/warmpath"],
    ["without npm", root, {}, root],
    ["a program that npm runs has started it somewhere", "/srv", { INIT_CWD: "/etc/warmpath" }, "/srv"],
  ])("where the user stands: %s", (_, cwd, env, expected) => {
    expect(whereUserStands(cwd, env)).toBe(expected);
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
    expect(parseServeArgs(args, root).ok).toBe(accepted);
  });

  test("an unknown one is named", () => {
    expect(parseServeArgs(["--prot", "1"], root)).toEqual({ ok: false, error: expect.stringContaining("--prot") });
  });
});

describe("the bindings of the Worker", () => {
  const configOf = (auth: object, keys: readonly object[]): Config => {
    const endpoint = { id: "us-a", region: "us", backend: "openai", url: "http://127.0.0.1:8000", ...auth };
    const regions = { us: { lat: 39, lon: -77.5, hint: "enam" } };
    const parsed = parseConfig(JSON.stringify({ regions, keys, pools: { main: { endpoints: [endpoint] } } }));
    if (!parsed.ok) throw new Error("the sample config is wrong");
    return parsed.value;
  };
  const plain = configOf({}, []);
  const withSecret = configOf({ auth: { secret: "GPU_KEY" } }, [{ id: "ops", tenant: "acme", hmac: "0".repeat(64) }]);
  const bind = (config: Config, env: Record<string, string>, dev = false) =>
    workerBindings({ configText: "{}", config, env, dev });

  test("are the config's text and its secrets, and nothing else of the environment", () => {
    const env = { WARMPATH_KEY_PEPPER: "p", GPU_KEY: "k", PATH: "/bin" };
    expect(bind(withSecret, env)).toEqual({
      ok: true,
      value: { WARMPATH_CONFIG: "{}", WARMPATH_SELF_HOSTED: "1", WARMPATH_KEY_PEPPER: "p", GPU_KEY: "k" },
    });
  });

  test("carry the development flag only when asked", () => {
    expect(bind(plain, {}, true)).toMatchObject({ ok: true, value: { WARMPATH_DEV: "1" } });
    expect(bind(plain, {})).toEqual({ ok: true, value: { WARMPATH_CONFIG: "{}", WARMPATH_SELF_HOSTED: "1" } });
  });

  test("carry the secret of jobs' webhooks where it is set, and do not ask for it", () => {
    const WARMPATH_WEBHOOK_SECRET = "whsec_x";
    expect(bind(plain, { WARMPATH_WEBHOOK_SECRET })).toMatchObject({ ok: true, value: { WARMPATH_WEBHOOK_SECRET } });
  });

  test("that are missing or empty are told, with what each is for and what to type", () => {
    const bindings = bind(withSecret, { GPU_KEY: "" });
    const text = bindings.ok ? "" : whatToSet(bindings.error);
    expect(text.split("\n").slice(1)).toEqual([
      "  export GPU_KEY=…   # for endpoint us-a",
      "  export WARMPATH_KEY_PEPPER=…   # for API keys",
    ]);
  });
});
