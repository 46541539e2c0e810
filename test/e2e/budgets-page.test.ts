/** The page "Give a key a budget", executed: from its config to the cap, and what it came to. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCheckout } from "../support/checkout.ts";
import type { Checkout } from "../support/checkout.ts";
import { startModelServer } from "../support/model-server.ts";
import type { ModelServer } from "../support/model-server.ts";
import { readPage, shell, terminal } from "../support/terminal.ts";
import type { Terminal } from "../support/terminal.ts";

const page = readPage("docs/how-to/budgets.md");

const ANSWER = {
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "my-model",
  choices: [{ index: 0, message: { role: "assistant", content: "warm path" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 20, completion_tokens: 50, total_tokens: 70 },
};
/** At the page's prices. */
const COST_MICROS = 20 + 500;

let checkout: Checkout;
let model: ModelServer;
let router: Terminal | null = null;
let port: number;
const env: Record<string, string> = {};

beforeAll(async () => {
  checkout = await makeCheckout("all");
  model = await startModelServer({ answer: JSON.stringify(ANSWER) });
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  ({ port } = server.address() as AddressInfo);
  await new Promise((settle) => server.close(settle));
});
afterAll(async () => {
  router?.signal("SIGKILL");
  await router?.code;
  await checkout.remove();
  await model.close();
});

const here = (text: string): string => text.replaceAll("8787", String(port)).replaceAll(":8001", `:${model.port}`);
const place = () => ({ cwd: checkout.dir, env: { ...process.env, INIT_CWD: checkout.dir, ...env } });
const typed = async (name: string) => (await shell(place(), here(page.block(`sh run ${name}`)))).stdout;

type Answered = { readonly error?: { readonly code: string } };
type Used = {
  readonly data: readonly { readonly outcome: string; readonly requests: number; readonly costMicros: number }[];
};

test("leads from a key with a budget to its cap, and to what it came to", async () => {
  const made = await shell(
    place(),
    `${page.block("sh run key")}\nprintf '%s\\n' "$WARMPATH_KEY_PEPPER" "$WARMPATH_KEY"`,
  );
  const [pepper = "", key = ""] = made.stdout.trim().split("\n");
  Object.assign(env, { WARMPATH_KEY_PEPPER: pepper, WARMPATH_KEY: key });
  const entry = /^\s*(\{"id".*\})$/m.exec(made.stderr)?.[1] ?? "";
  const file = join(checkout.dir, "my.jsonc");
  writeFileSync(file, here(page.block("jsonc config my.jsonc")).replace(`"keys": []`, `"keys": [${entry}]`));
  router = terminal(place(), here(page.block("sh run serve")));
  await router.says(/Ctrl-C stops it/);

  const first = await typed("ask");
  for (const line of page.text.match(/^(?:x-ratelimit|ratelimit)[^\n]*/gm) ?? []) {
    // How much of the minute is left depends on when it is asked.
    const name = line.slice(0, line.indexOf(":"));
    expect(first.toLowerCase()).toContain(/reset|^ratelimit$/.test(name) ? `${name}:` : line);
  }
  expect(await typed("beyond")).toMatch(/"code":"invalid_request"/);

  const answers = (await typed("cap"))
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Answered);
  const codes = answers.map(({ error }) => error?.code ?? "served");
  // 0.002 USD are 2,000 micro-units; a request reserves some 830 and comes to 520: three in all.
  expect(codes.filter((code) => code === "served")).toHaveLength(2);
  expect(codes.at(-1)).toBe("insufficient_quota");

  let used: Used["data"] = [];
  // Reports are told a little later.
  while (used.reduce((sum, { requests }) => sum + requests, 0) < 9)
    used = (JSON.parse(await typed("usage")) as Used).data;
  const served = used.find(({ outcome }) => outcome === "served");
  expect(served).toMatchObject({ requests: 3, costMicros: 3 * COST_MICROS });
  const csv = await typed("csv");
  expect(csv).toMatch(/^tenant,day,key,model,outcome,requests,/);
  expect(csv).toMatch(/^acme,[\d-]+,acme-app,my-model,served,3,60,0,150,0\.001560,0,USD\r$/m);
  expect(page.left()).toEqual([]);
  expect(readFileSync(file, "utf8")).toContain("acme-app");
});
