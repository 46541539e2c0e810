/** The page "Give a key a budget", executed: from a key of the registry to its cap, and to a larger one. */
import { writeFileSync } from "node:fs";
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

/** A change of a key holds within a minute, and the walk waits for it. */
const WALK_MS_MAX = 240_000;

const usageBlock = page.block("sh run usage");

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

type Used = {
  readonly data: readonly { readonly outcome: string; readonly requests: number; readonly costMicros: number }[];
};
type Recorded = {
  readonly data: readonly {
    readonly action: string;
    readonly outcome: string;
    readonly before: object;
    readonly after: object;
  }[];
};

const spent = (printed: string): number => printed.split("\n").filter((line) => line.startsWith("served, ")).length;

/** Makes what the block exports known to those after it. */
async function exported(name: string): Promise<string> {
  const block = page.block(`sh run ${name}`);
  const names = [...block.matchAll(/^export (\w+)=/gm)].map(([, variable = ""]) => variable);
  const { stdout, stderr } = await shell(
    place(),
    `${here(block)}\nprintf '%s\\n' ${names.map((one) => `"$${one}"`).join(" ")}`,
  );
  const values = stdout.trim().split("\n");
  for (const [at, variable] of names.entries()) env[variable] = values[at] ?? "";
  return stderr;
}

async function serve(): Promise<void> {
  const entry = /^\s*(\{"id".*\})$/m.exec(await exported("operator"))?.[1] ?? "";
  const config = here(page.block("jsonc config my.jsonc")).replace(`"keys": []`, `"keys": [${entry}]`);
  writeFileSync(join(checkout.dir, "my.jsonc"), config);
  router = terminal(place(), here(page.block("sh run serve")));
  await router.says(/Ctrl-C stops it/);
}

/** Reports are told a little later. */
async function served(count: number): Promise<number | undefined> {
  for (;;) {
    const { data } = JSON.parse((await shell(place(), here(usageBlock))).stdout) as Used;
    const row = data.find(({ outcome }) => outcome === "served");
    if ((row?.requests ?? 0) >= count) return row?.requests === count ? row.costMicros : undefined;
  }
}

test(
  "leads from a key with a budget to its cap, to what it came to, and to a larger one",
  async () => {
    await serve();
    await exported("create");
    expect(env["WARMPATH_KEY"]).toMatch(/^wp_/);

    const first = await typed("ask");
    for (const line of page.text.match(/^(?:x-ratelimit|ratelimit)[^\n]*/gm) ?? []) {
      // How much of the minute is left depends on when it is asked.
      const name = line.slice(0, line.indexOf(":"));
      expect(first.toLowerCase()).toContain(/reset|^ratelimit$/.test(name) ? `${name}:` : line);
    }
    expect(await typed("beyond")).toMatch(/"code":"invalid_request"/);

    writeFileSync(join(checkout.dir, "spend.mjs"), here(page.block("js spend.mjs")));
    const asked = model.asked();
    const printed = await typed("spend");
    // 0.002 USD are 2,000 micro-units; a request reserves some 830 and comes to 520: three in all, with the one before.
    expect(spent(printed)).toBe(2);
    expect(model.asked() - asked).toBe(2);
    const shown = page.text.match(/^RateLimitError: [^]*?repeat: false$/m)?.[0];
    expect(printed).toContain(shown);
    expect(await served(3)).toBe(3 * COST_MICROS);
    const csv = await typed("csv");
    expect(csv).toMatch(/^tenant,day,key,model,outcome,requests,/);
    const id = env["WARMPATH_KEY_ID"] ?? "";
    expect(csv).toMatch(new RegExp(`^acme,[\\d-]+,${id},my-model,served,3,60,0,150,0\\.001560,0,USD\r$`, "m"));

    const raised = JSON.parse(await typed("raise")) as { readonly limits: object };
    expect(raised.limits).toEqual({ spendPerDay: 0.01 });
    // What was spent before counts against the new cap, and that is kept too.
    const more = spent(await typed("again"));
    expect(more).toBe(15);
    expect(await served(3 + more)).toBe((3 + more) * COST_MICROS);
    const { data } = JSON.parse(await typed("record")) as Recorded;
    expect(
      data.find(({ action, outcome }) => action === `PATCH /admin/keys/${id}` && outcome === "done"),
    ).toMatchObject({
      before: { limits: { spendPerDay: 0.002 } },
      after: { limits: { spendPerDay: 0.01 } },
    });
    expect(page.left()).toEqual([]);
  },
  WALK_MS_MAX,
);
