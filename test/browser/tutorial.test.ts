/**
 * The tutorial as its reader sees it in a browser: the demo of this folder, its dashboard, a GPU that is killed in a terminal
 * and mended on the page; and then every other button that only the demo has. The rest of the tutorial is executed by
 * test/e2e/documents.test.ts.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ASKED_AT_ONCE } from "../../dashboard/demo/demo-api.ts";
import { readPage, shell, type Terminal, terminal } from "../support/terminal.ts";
import { startBrowser, type Tab, type TestBrowser } from "./browser.ts";
import { enter, lineOf } from "./dashboard.ts";

const chromium = inject("chromium");

/** The show takes about 20 s alone. */
const SHOW_MS_MAX = 240_000;

const root = join(import.meta.dirname, "../..");
const page = readPage("docs/tutorials/kill-a-gpu.md");

describe.skipIf(chromium === null)("the tutorial in a browser", () => {
  let browser: TestBrowser;
  let demo: Terminal;
  let tab: Tab;
  /** The reader's shell. */
  const env: Record<string, string> = {};
  let port = "";

  beforeAll(async () => {
    browser = await startBrowser(chromium ?? "");
    demo = terminal({ cwd: root, env: process.env }, `${page.block("sh run start").trim()} -- --port 0`);
    await demo.says(/Serving on \S+ until Ctrl-C/);
    for (const [, name = "", value = ""] of demo.output().matchAll(/^ {2}export (\w+)=(\S+)$/gm)) env[name] = value;
    port = /Serving on http:\/\/127\.0\.0\.1:(\d+)/.exec(demo.output())?.[1] ?? "";
  }, SHOW_MS_MAX);
  afterAll(async () => {
    demo?.signal("SIGINT");
    await demo?.code;
    await browser?.close();
  });

  const here = (text: string): string => text.replaceAll("8787", port);
  /** The one block of the page that has this in it, typed into the reader's shell. */
  const type = async (has: string): Promise<string> => {
    const blocks = page.blocks().filter((text) => text.includes(has));
    expect(blocks).toHaveLength(1);
    return (await shell({ cwd: root, env: { ...process.env, ...env } }, here(blocks[0] ?? ""))).stdout;
  };
  /** What the page of the tutorial says that its reader sees. */
  const says = (words: string): string => {
    expect(page.text).toContain(words);
    return words.replaceAll(/[*`]/g, "");
  };
  const decisions = () => tab.page.getByRole("table", { name: /^Requests/ }).getByRole("row");
  const orders = () => tab.page.getByRole("region", { name: "What can be done to the demo's GPUs" });
  const done = (id: string) => orders().getByRole("row", { name: id });

  test("the demo tells the address of its page, and the key opens it", async () => {
    const url = here(/<(http\S+\/dashboard)>/.exec(page.text)?.[1] ?? "");
    expect(demo.output()).toContain(url);
    tab = await browser.open();
    await tab.page.goto(url);
    await enter(tab, env["WARMPATH_KEY"] ?? "");
    await lineOf(tab, "gpu-virginia").first().waitFor();
    tab.forgive(/status of 401/);
  });

  test("a request is on the page with the three GPUs that were weighed", async () => {
    await tab.page.getByRole("status", { name: "Connection" }).getByText("Live").waitFor();
    const answer = await type("curl -iN");
    expect(answer).toMatch(/^x-warmpath-endpoint: gpu-virginia/m);
    const find = tab.page.getByRole("form", { name: "Filter decisions" }).getByLabel("Find");
    await find.fill(/^x-request-id: (\S+)/m.exec(answer)?.[1] ?? "");
    const row = decisions().filter({ hasText: "gpu-virginia" }).filter({ hasText: "nearest warm" });
    await row.getByRole("button").click();
    says("*Candidates* has the three GPUs");
    const candidates = tab.page.getByRole("table", { name: /^Expected time/ }).locator("tbody tr");
    await expect.poll(async () => candidates.count()).toBe(3);
    expect(await candidates.first().textContent()).toContain("chosen gpu-virginia");
    await row.first().getByRole("button").click();
    await find.fill("");
    expect(tab.problems()).toEqual([]);
  });

  test("a GPU that is killed in the terminal is down on the page, nobody noticed, and a button mends it", async () => {
    const killed = await type("kill -9");
    expect(killed.match(/^200 from gpu-/gm)).toHaveLength(8);
    const line = lineOf(tab, "gpu-virginia").first();
    await expect.poll(async () => line.textContent()).toContain(says("*down*"));
    await expect.poll(async () => line.textContent()).toMatch(/connection|no answer|refused/i);
    await expect
      .poll(async () =>
        decisions()
          .filter({ hasText: says("*failover*") })
          .filter({ hasText: "served" })
          .count(),
      )
      .toBeGreaterThanOrEqual(1);
    await expect.poll(async () => done("gpu-virginia").textContent()).toContain("killed");
    await tab.shot("demo-killed");
    says("under *Break it*, press *Undo* in the line of `gpu-virginia`");
    await done("gpu-virginia").getByRole("button", { name: /^Undo/ }).click();
    await tab.page.getByText("gpu-virginia is as it was.").waitFor();
    await expect.poll(async () => done("gpu-virginia").textContent()).toContain("nothing");
    await expect.poll(async () => line.textContent()).toContain(says("*up*"));
    expect(tab.problems()).toEqual([]);
  });

  test("a region is killed from the page, and who is asked from there is answered elsewhere", async () => {
    await done("gpu-virginia").getByRole("button", { name: "Kill the region us-east" }).click();
    await expect.poll(async () => lineOf(tab, "gpu-virginia").first().textContent()).toContain("down");
    says(`*Send ${ASKED_AT_ONCE} requests*`);
    await done("gpu-virginia")
      .getByRole("button", { name: /^Send 8 requests from us-east/ })
      .click();
    const said = tab.page.getByText(/^Of 8 requests from us-east: /);
    await said.waitFor();
    expect(await said.textContent()).toMatch(/: 8 from gpu-frankfurt|\d from gpu-/);
    expect(await said.textContent()).not.toMatch(/virginia|status|no answer/);
    expect(await tab.axe()).toEqual([]);
  });

  test("a GPU that was slowed or cooled says so, and all is undone at once", async () => {
    await done("gpu-frankfurt").getByRole("button", { name: "Slow gpu-frankfurt" }).click();
    await expect.poll(async () => done("gpu-frankfurt").textContent()).toContain("slowed 20 times");
    await done("gpu-tokyo").getByRole("button", { name: "Let go cold gpu-tokyo" }).click();
    await expect.poll(async () => done("gpu-tokyo").textContent()).toContain("gone cold");
    await expect.poll(async () => lineOf(tab, "gpu-tokyo").first().textContent()).toContain("cold");
    await tab.page.getByRole("button", { name: "Undo all" }).click();
    await tab.page.getByText("All is undone.").waitFor();
    for (const id of ["gpu-virginia", "gpu-frankfurt", "gpu-tokyo"]) {
      await expect.poll(async () => done(id).textContent()).toContain("nothing");
      await expect.poll(async () => lineOf(tab, id).first().textContent()).toMatch(/up/);
    }
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });
});
