/**
 * `npm run test:limits`: OpenAI's Python package, unmodified, at limits and caps of keys, against the built bundle on raw
 * workerd. Where Python or the package cannot be had it says so and exits 0: the package for Node is in
 * `test/e2e/tenant-limits.test.ts` and `test/e2e/budgets-page.test.ts`.
 *
 * Model. The package is asked what it read and raised; how often it asked, and when, is seen by a door in front of the
 * router, and not by the package's own words.
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDoor } from "../../compat/door.ts";
import type { Passed } from "../../compat/door.ts";
import { startKeyedRouter } from "../support/keyed-router.ts";
import { pythonWith } from "../support/python.ts";

const CLIENT_MS_MAX = 120_000;

const LIMITS = {
  free: { requestsPerMinute: 50, tokensPerMinute: 10_000, maxTokensMax: 100_000 },
  minute: { requestsPerMinute: 1 },
  spent: { tokensPerDay: 60 },
  narrow: { concurrency: 1 },
};
type Name = keyof typeof LIMITS;
const NAMES = Object.keys(LIMITS) as Name[];

type Found = { readonly raised?: string; readonly code?: string; readonly headers: Readonly<Record<string, string>> };
type Told = { readonly version: string } & Readonly<
  Record<"minute" | "spent" | "again" | "beyond", Found> & {
    read: Found & { readonly choices: number };
    streamed: Found & { readonly chunks: number };
    "at once": Found & { readonly then: number };
  }
>;

async function ask(python: string, url: string, keys: Readonly<Record<string, string>>): Promise<Told> {
  const script = join(import.meta.dirname, "limits.py");
  const child = spawn(python, [script, url, JSON.stringify(keys)], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: CLIENT_MS_MAX,
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  const code = await new Promise<number | null>((settle) => child.once("close", settle));
  // Who repeats what is final waits a minute each time.
  if (code === null) throw new Error(`limits.py has not ended within ${CLIENT_MS_MAX} ms`);
  if (code !== 0) throw new Error(`limits.py ended with ${code}\n${stdout}`);
  return JSON.parse(stdout) as Told;
}

/** Of headers and errors alike. */
function checkTold(told: Told): void {
  for (const { headers } of [told.read, told.streamed]) {
    deepStrictEqual(
      [headers["x-ratelimit-limit-requests"], headers["x-ratelimit-limit-tokens"]],
      [String(LIMITS.free.requestsPerMinute), String(LIMITS.free.tokensPerMinute)],
    );
    ok(Number(headers["x-ratelimit-remaining-requests"]) < LIMITS.free.requestsPerMinute);
    ok(Number(headers["x-ratelimit-remaining-tokens"]) < LIMITS.free.tokensPerMinute);
    match(headers["x-ratelimit-reset-requests"] ?? "", /^(?:\d+m)?\d+m?s$/);
    match(headers["ratelimit-policy"] ?? "", /"requests";q=50;w=60/);
  }
  deepStrictEqual([told.read.choices, told.streamed.chunks > 1], [1, true]);
  const errors = [told.minute, told.spent, told.again, told.beyond, told["at once"]].map(({ raised, code }) => [
    raised,
    code,
  ]);
  deepStrictEqual(errors, [
    ["RateLimitError", "rate_limit_exceeded"],
    ["RateLimitError", "insufficient_quota"],
    ["RateLimitError", "insufficient_quota"],
    ["BadRequestError", "invalid_request"],
    ["RateLimitError", "rate_limit_exceeded"],
  ]);
  deepStrictEqual(told.minute.headers["x-ratelimit-remaining-requests"], "0");
  for (const { headers } of [told.minute, told["at once"]])
    deepStrictEqual(Number(headers["retry-after"]), Math.max(1, Math.ceil(Number(headers["retry-after-ms"]) / 1_000)));
  for (const { headers } of [told.spent, told.again, told.beyond]) deepStrictEqual(headers["x-should-retry"], "false");
}

/** What is final is asked once, and what is not is asked again when it was told to, and no sooner. */
function checkAsked(of: (name: Name) => readonly Passed[]): void {
  const isFinal = ({ headers }: Passed): boolean => headers["x-should-retry"] === "false";
  deepStrictEqual(of("spent").filter(isFinal).length, 2);
  deepStrictEqual(of("spent").slice(-2).every(isFinal), true);
  deepStrictEqual(
    of("free").map(({ statusCode }) => statusCode),
    [200, 200, 400],
  );
  const [stream, refused, first, ...rest] = of("narrow");
  deepStrictEqual(
    [stream, refused, first].map((one) => one?.statusCode),
    [200, 429, 429],
  );
  deepStrictEqual(rest.at(-1)?.statusCode, 200);
  for (const [at, one] of rest.entries()) {
    const before = at === 0 ? first : rest[at - 1];
    const waitMs = Number(before?.headers["retry-after-ms"]);
    ok(
      waitMs > 0 && one.askedAtMs - (before?.answeredAtMs ?? 0) >= waitMs,
      `asked again before ${waitMs} ms were over`,
    );
  }
}

async function check(python: string): Promise<void> {
  const router = await startKeyedRouter({ tenants: { narrow: { limits: { queueMax: 0 } } } });
  const door = await openDoor(router.router.url);
  const of = (name: Name) => door.passed.filter(({ key }) => key === keys[name]);
  const keys: Partial<Record<Name, string>> = {};
  try {
    for (const name of NAMES) {
      const order = { tenant: name, label: name, limits: LIMITS[name] };
      const made = await router.ask("POST", "/admin/keys", router.operator, order);
      deepStrictEqual(made.status, 201, made.text);
      keys[name] = String(made.json["key"]);
    }
    const told = await ask(python, door.url, keys);
    checkTold(told);
    checkAsked(of);
    const waits = of("narrow").filter(({ statusCode }) => statusCode === 429);
    console.log(
      `openai ${told.version} of Python read the limits, waited ${String(waits.at(-1)?.headers["retry-after-ms"])} ms as told, and did not repeat what is final`,
    );
  } finally {
    await door.close();
    await router.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), "warmpath-limits-"));
try {
  const python = pythonWith(folder, { modules: "openai", packages: ["openai"] });
  if (python === null) console.log("OpenAI's package for Python cannot be had here: nothing was tried");
  else await check(python);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
