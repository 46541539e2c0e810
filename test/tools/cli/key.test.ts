import { pepperMark } from "../../../src/access/core/key-id.ts";
import { describe, expect, test } from "vitest";
import { keyCommand } from "../../../tools/cli/key.ts";
import { createKeyVerifier } from "../../../src/wire/api-keys.ts";
import { parseConfig } from "../../../src/config/config-parse.ts";
import { configText, type Json } from "../../config/config-sample.ts";

const pepper = "a pepper of the tests, long enough";
const env = { WARMPATH_KEY_PEPPER: pepper, SHORT: "short", OTHER: `${pepper}, another` };
const secretBytes = new Uint8Array(32).fill(9);
const run = (...args: string[]) => keyCommand(args, env, secretBytes);

describe("a key that was made", () => {
  test.each<[string, string[], string, string[]]>([
    ["with the default scope", [], pepper, ["infer"]],
    ["with the scopes that were asked for", ["--scope", "infer", "--scope", "admin"], pepper, ["infer", "admin"]],
    ["under another pepper", ["--pepper-env", "OTHER", "--scope", "admin"], env.OTHER, ["admin"]],
  ])("%s opens the config that its entry was pasted into", async (_, args, usedPepper, scopes) => {
    const said = await run("--id", "ops", "--tenant", "acme", ...args);
    expect(said.exitCode).toBe(0);
    const entry = JSON.parse(/^ {2}(\{.*\})$/m.exec(said.err)?.[1] ?? "") as Json;
    const config = parseConfig(configText("keys", [entry]));
    if (!config.ok) throw new Error(JSON.stringify(config.error));
    const identity = await createKeyVerifier(config.value.keys, [usedPepper]).verify(said.out.trim(), 0);
    expect(identity).toEqual({ ok: true, value: { keyId: "ops", tenant: "acme", scopes, priorityMax: "normal" } });
    // Which pepper it was hashed under is told without telling the pepper.
    expect(entry).toMatchObject({ pepper: pepperMark(usedPepper) });
    expect(said.err).not.toContain(said.out.trim());
    expect(said.err).not.toContain(usedPepper);
  });
});

test("help is the usage, on stdout, and no fault", async () => {
  expect(await run("--help")).toEqual({ exitCode: 0, out: expect.stringMatching(/^usage: npm run key/), err: "" });
});

describe("no key is made", () => {
  test.each<[string, string[], string]>([
    ["without an id", ["--tenant", "acme"], "--id"],
    ["for an id in upper case", ["--id", "Ops", "--tenant", "acme"], "--id"],
    ["without a tenant", ["--id", "ops"], "--tenant"],
    ["for an unknown scope", ["--id", "ops", "--tenant", "acme", "--scope", "root"], "root"],
    ["for an unknown argument", ["--id", "ops", "--tenant", "acme", "--pepper", "x"], "--pepper"],
    ["without a pepper", ["--id", "ops", "--tenant", "acme", "--pepper-env", "NONE"], 'export NONE="$(openssl rand'],
    ["under a short pepper", ["--id", "ops", "--tenant", "acme", "--pepper-env", "SHORT"], "is shorter than 32"],
  ])("%s", async (_, args, said) => {
    expect(await run(...args)).toEqual({ exitCode: 1, out: "", err: expect.stringContaining(said) });
  });
});
