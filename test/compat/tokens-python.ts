/**
 * `npm run test:tokens`: tokens of PyJWT, good and forged, at the built bundle on raw workerd. Where Python or the package
 * cannot be had it says so and exits 0: `test/e2e/tokens.test.ts` has such tokens made with Node's own crypto.
 *
 * The interpreter is WARMPATH_PYTHON, or python3; without the package a virtual environment is made for the run.
 */
import { deepStrictEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKeyedRouter } from "../support/keyed-router.ts";
import { pythonWith } from "../support/python.ts";

const MAKE_MS_MAX = 60_000;

type Made = { readonly keys: readonly object[]; readonly tokens: readonly (readonly [string, string, number])[] };

async function check(python: string): Promise<void> {
  const script = join(import.meta.dirname, "tokens.py");
  const { stdout, stderr, status } = spawnSync(python, [script], { timeout: MAKE_MS_MAX, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const { keys, tokens } = JSON.parse(stdout) as Made;
  const issuer = {
    issuer: "https://login.example.com",
    audience: "warmpath",
    keys,
    algorithms: ["RS256", "ES256", "EdDSA"],
    tenants: ["acme"],
  };
  const router = await startKeyedRouter({ jwt: [issuer] });
  try {
    const found: [string, number][] = [];
    for (const [name, token] of tokens) found.push([name, (await router.ask("GET", "/v1/models", token)).status]);
    const expected = tokens.map(([name, , wanted]) => [name, wanted]);
    deepStrictEqual(found, expected);
    console.log(`${found.length} tokens of PyJWT were taken or refused as they should be`);
  } finally {
    await router.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), "warmpath-tokens-"));
try {
  const python = pythonWith(folder, { modules: "jwt, cryptography", packages: ["pyjwt", "cryptography"] });
  if (python === null) console.log("PyJWT cannot be had here: nothing was tried");
  else await check(python);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
