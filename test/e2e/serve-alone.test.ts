/**
 * `npm run serve` as it is run where nothing is developed: with few packages, from anywhere, more than once, writing
 * nothing.
 */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCheckout } from "../support/checkout.ts";
import type { Checkout } from "../support/checkout.ts";
import { REGIONS } from "../support/fleet.ts";

let checkout: Checkout;
let elsewhere: string;
/** npm, the bundler and workerd, on a machine that has other work. */
const COMMAND_MS_MAX = 240_000;

beforeAll(async () => {
  checkout = await makeCheckout("production");
  elsewhere = mkdtempSync(join(tmpdir(), "warmpath-elsewhere-"));
  const endpoint = { id: "a", region: "us-east", backend: "openai", url: "http://127.0.0.1:9" };
  const config = { regions: REGIONS, keys: [], pools: { mine: { endpoints: [endpoint] } } };
  writeFileSync(join(elsewhere, "mine.jsonc"), JSON.stringify(config));
}, COMMAND_MS_MAX);
afterAll(async () => {
  await checkout.remove();
  rmSync(elsewhere, { recursive: true, force: true });
});

const env = { WARMPATH_KEY_PEPPER: "0123456789abcdef0123456789abcdef" };

const serve = (state: string): ChildProcess =>
  checkout.npmStart("serve", ["--port", "0", "--config", "mine.jsonc", "--state", state], { env, cwd: elsewhere });

/** Resolves with what it printed when it listens, or when it has ended. */
function said(child: ChildProcess): Promise<string> {
  let output = "";
  return new Promise((settle) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (output.includes("Ctrl-C")) settle(output);
      });
    }
    child.once("close", () => settle(output));
  });
}

function filesOf(dir: string): readonly string[] {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return entries.map(({ parentPath, name }) => `${join(parentPath, name)} ${statSync(join(parentPath, name)).mtimeMs}`);
}

describe("serve, with the packages of npm ci --omit=dev", () => {
  test(
    "starts twice at once, takes the paths that the user means, and writes nothing into the checkout",
    async () => {
      const before = filesOf(checkout.dir);
      const outputs = await Promise.all([said(serve("one")), said(serve("two"))]);
      for (const [index, state] of ["one", "two"].entries()) {
        expect(outputs[index]).toContain(`config mine.jsonc, state ${state}`);
        const url = /http:\/\/[\d.:]+/.exec(outputs[index] ?? "")?.[0];
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
        expect(readdirSync(elsewhere)).toContain(state);
      }
      expect(filesOf(checkout.dir)).toEqual(before);
    },
    COMMAND_MS_MAX,
  );

  test(
    "says what to do when it cannot write its state",
    async () => {
      expect(await said(serve("mine.jsonc/state"))).toMatch(
        /cannot write to the state folder .* choose another with --state/,
      );
    },
    COMMAND_MS_MAX,
  );
});
