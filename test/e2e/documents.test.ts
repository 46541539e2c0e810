/**
 * The documents, executed: the tutorial from its first command to its last, and then every other command that a page
 * says is run, against the same fleet. Pages with a test of their own are named below.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROUTES_SERVED } from "../../tools/reference/routes-table.ts";
import { fencesOf } from "../repo/fences.ts";
import { makeCheckout } from "../support/checkout.ts";
import type { Checkout } from "../support/checkout.ts";
import { readPage, shell, terminal } from "../support/terminal.ts";
import type { Terminal } from "../support/terminal.ts";

const TUTORIAL = "docs/tutorials/kill-a-gpu.md";

/** Pages whose commands another test runs. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "docs/how-to/self-host.md": "test/e2e/self-host-page.test.ts",
  "docs/how-to/budgets.md": "test/e2e/budgets-page.test.ts",
};

/** The show takes about 20 s alone, and shares two cores with another file here. */
const TUTORIAL_MS_MAX = 240_000;

const root = join(import.meta.dirname, "../..");

let checkout: Checkout;
let fleet: Terminal | null = null;
/** As the reader's shell has them. */
const env: Record<string, string> = {};
/** The port that was free, in place of the one that pages name. */
let port = "8787";

beforeAll(async () => {
  checkout = await makeCheckout("all");
});
afterAll(async () => {
  fleet?.signal("SIGKILL");
  await fleet?.code;
  await checkout.remove();
});

const place = () => ({ cwd: checkout.dir, env: { ...process.env, CI: "1", INIT_CWD: checkout.dir, ...env } });
const here = (text: string): string => text.replaceAll("8787", port);

/** A block that the reader saves under its name. */
const isFile = (language: string, name: string): boolean => language === "js" && name.endsWith(".mjs");

test(
  "the tutorial does what it says",
  async () => {
    const page = readPage(TUTORIAL);
    fleet = terminal(place(), `${page.block("sh run start").trim()} -- --port 0`);
    await fleet.says(/Serving on \S+ until Ctrl-C/);
    const exports = [...fleet.output().matchAll(/^ {2}export (\w+)=(\S+)$/gm)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]);
    Object.assign(env, Object.fromEntries(exports));
    expect(Object.keys(env)).toEqual(["WARMPATH_KEY", "GPU_VIRGINIA"]);
    port = /Serving on http:\/\/127\.0\.0\.1:(\d+)/.exec(fleet.output())?.[1] ?? "";
    writeFileSync(join(checkout.dir, "hello.mjs"), here(page.block("js hello.mjs")));

    const outputs: string[] = [];
    for (const block of page.unnamed()) outputs.push((await shell(place(), here(block))).stdout);
    expect(page.left()).toEqual([]);
    const [first = "", sdk = "", why = "", killed = "", guarded = "", job = ""] = outputs;
    expect(first).toMatch(/^x-warmpath-endpoint: gpu-virginia/m);
    expect(first).toMatch(/^x-warmpath-reason: nearest_warm/m);
    expect(first).toMatch(/data: \[DONE\]/);
    expect(sdk).toMatch(/\w+\n\(from gpu-\w+: \w+\)/);
    expect(why).toMatch(/"endpointId":"gpu-tokyo"\n"why":"/);
    expect(killed.match(/^200 from gpu-(?:frankfurt|tokyo|virginia): \w+$/gm)).toHaveLength(8);
    expect(killed).toMatch(/: failover$/m);
    expect(guarded).toMatch(/\[REDACTED:email\].*\[REDACTED:aws_access_key_id\]/);
    expect(job).toMatch(/^job_\S+~demo\n[\s\S]*"object":"chat\.completion"/);
  },
  TUTORIAL_MS_MAX,
);

test("every route of the reference is served, and asks for a key", async () => {
  const asked = ROUTES_SERVED.filter(({ scope }) => scope !== null);
  const statuses = await Promise.all(
    asked.map(async ({ method, path }) => {
      const url = path.replace("{pool}", "demo").replaceAll(/\{[^}]*\}/g, "x");
      const response = await fetch(`http://127.0.0.1:${port}${url}`, { method: method === "ANY" ? "GET" : method });
      await response.body?.cancel();
      return `${method} ${path} ${response.status}`;
    }),
  );
  expect(statuses).toEqual(asked.map(({ method, path }) => `${method} ${path} 401`));
});

test(
  "so does every other page",
  async () => {
    const pages = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
      (path) => /^(?:docs\/|backends\/|[^/]+$).*\.md$|^[^/]+\.md$/.test(path) && path !== TUTORIAL,
    );
    Object.assign(env, { WARMPATH_KEY_PEPPER: "a pepper for the pages, long enough" });
    for (const path of pages) {
      const text = readFileSync(join(root, path), "utf8");
      const fences = fencesOf(text).filter(({ language, mark }) => mark === "run" || isFile(language, mark));
      const runner = ELSEWHERE[path];
      if (runner === undefined) {
        for (const { language, mark, text: block } of fences) {
          if (isFile(language, mark)) writeFileSync(join(checkout.dir, mark), here(block));
          else await shell(place(), here(block));
        }
      } else expect(readFileSync(join(root, runner), "utf8")).toContain(path);
    }
    fleet?.signal("SIGINT");
    await fleet?.says(/Stopped\. Every process has ended\./);
  },
  TUTORIAL_MS_MAX,
);
