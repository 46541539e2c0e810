/** What else operators order from the page, each after a question, and that all of it is on record there. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { stockWorker } from "../support/stock-worker.ts";
import type { Tab } from "./browser.ts";
import { confirm, type Dashboard, startDashboard } from "./dashboard.ts";

const chromium = inject("chromium");

/** Runpod's form of a webhook is sent three times, 10 s apart, before it is given up. */
const GIVEN_UP_MS_MAX = 60_000;

describe.skipIf(chromium === null)("orders from the page", () => {
  let dashboard: Dashboard;
  let tab: Tab;
  let server: Server;
  let isBroken = true;
  let told = "";
  /** The jobs of the webhooks that were taken. */
  const taken: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (part: string) => (text += part));
      request.once("end", () => {
        if (request.url !== "/hook") return void response.end(JSON.stringify({ output: "fine" }));
        response.writeHead(isBroken ? 500 : 200).end();
        if (!isBroken) taken.push((JSON.parse(text) as { id: string }).id);
      });
    });
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    dashboard = await startDashboard(chromium, {
      keys: [{ id: "gpu", tenant: "operators", scopes: ["worker"] }],
      endpoints: [{ id: "gpu-us", region: "us-east" }],
      bindings: { WARMPATH_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
      morePools: {
        told: {
          endpoints: [{ id: "told-1", region: "us-east", backend: "openai", url }],
          jobs: { path: "/work" },
        },
        pulled: { jobs: { pull: true } },
      },
    });
    told = await submit("told", { webhook: `${url}/hook` });
    tab = await dashboard.open();
  });
  afterAll(async () => {
    await dashboard.close();
    server.closeAllConnections();
    server.close();
  });

  async function submit(pool: string, more: object = {}): Promise<string> {
    const response = await dashboard.fleet.call(`/v2/${pool}/run`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: { a: 1 }, ...more }),
    });
    return ((await response.json()) as { id: string }).id;
  }
  const region = (name: string | RegExp) => tab.page.getByRole("region", { name, exact: true });
  const rowOf = (text: string) => region("API keys").getByRole("row").filter({ hasText: text });
  const statusOf = async (key: string): Promise<number> => {
    const response = await dashboard.fleet.call("/v1/models", { headers: { authorization: `Bearer ${key}` } });
    await response.body?.cancel();
    return response.status;
  };

  test("a key is made with a secret that is shown once, rotated and revoked", async () => {
    const { page } = tab;
    const dialog = page.getByRole("dialog");
    const secret = async (): Promise<string> => (await dialog.locator(".secret").textContent()) ?? "";
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByRole("button", { name: "Make the key" }).click();
    await page.getByText("Name the tenant.").waitFor();
    await region("Keys").getByLabel("Tenant").fill("acme");
    await region("Keys").getByLabel("Label").fill("from-the-page");
    await page.getByRole("button", { name: "Make the key" }).click();
    await dialog.waitFor();
    const first = await secret();
    expect(await statusOf(first)).toBe(200);
    await dialog.getByRole("button", { name: "I have it" }).click();
    await expect.poll(async () => rowOf("acme").textContent()).toMatch(/acme.*infer.*active/);
    expect(await page.locator("html").innerHTML()).not.toContain(first);

    await rowOf("acme")
      .getByRole("button", { name: /^Rotate/ })
      .click();
    await confirm(tab, "Rotate");
    await expect.poll(secret).not.toBe("");
    const second = await secret();
    expect(second).not.toBe(first);
    await dialog.getByRole("button", { name: "I have it" }).click();
    expect(await statusOf(first)).toBe(200);
    await expect.poll(async () => statusOf(second)).toBe(200);

    await rowOf("acme")
      .getByRole("button", { name: /^Revoke/ })
      .click();
    await confirm(tab, "Cancel");
    expect(await statusOf(second)).toBe(200);
    await rowOf("acme")
      .getByRole("button", { name: /^Revoke/ })
      .click();
    await confirm(tab, "Revoke");
    await expect.poll(async () => rowOf("acme").textContent()).toContain("revoked");
    expect(tab.problems()).toEqual([]);
  });

  test("a worker that pulls is there with the job that it holds", async () => {
    const worker = stockWorker({
      baseUrl: dashboard.fleet.router.url,
      pool: "pulled",
      id: "w-1",
      key: dashboard.fleet.keyOf("gpu"),
    });
    const id = await submit("pulled");
    expect((await worker.take())?.id).toBe(id);
    await region("Jobs").getByRole("button", { name: "pulled", exact: true }).click();
    await tab.page.getByRole("radio", { name: "workers" }).check();
    await expect.poll(async () => region("Workers of pulled").textContent()).toMatch(new RegExp(`w-1.*${id}`));
    await tab.shot("workers");
    await worker.done(id, { output: "fine" });
    expect(tab.problems()).toEqual([]);
  });

  test("a webhook that nobody took is sent again, and taken", async () => {
    const { fleet } = dashboard;
    const dead = async () => {
      const response = await fleet.call("/admin/jobs/told/dead-webhooks");
      return ((await response.json()) as { data: readonly unknown[] }).data;
    };
    await fleet.until(dead, (list) => list.length === 1, GIVEN_UP_MS_MAX);
    isBroken = false;
    await region("Jobs").getByRole("button", { name: "told", exact: true }).click();
    await tab.page.getByRole("radio", { name: "webhooks" }).check();
    const list = region("Webhooks of told that were not delivered");
    await list.getByRole("button", { name: /^Send again/ }).click();
    await tab.shot("webhooks");
    await confirm(tab, "Send again");
    await tab.page.getByText("1 webhook sent again.").waitFor();
    await expect.poll(() => taken).toEqual([told]);
    await tab.page.getByText("Every webhook of told was delivered.").waitFor();
    expect(tab.problems()).toEqual([]);
  });

  test("what was ordered here is on record, the newest first, with who ordered it and how it ended", async () => {
    const audit = region("Orders of operators");
    const lines = async (): Promise<readonly string[]> => audit.getByRole("row").allTextContents();
    await expect.poll(async () => (await lines())[1]).toMatch(/test.*POST \/admin\/jobs\/told\/replay.*done/);
    const all = (await lines()).slice(1);
    for (const order of [/\/rotate.*done/, /DELETE \/admin\/keys\/.*done/, /POST \/dashboard\/api\/session.*done/])
      expect(all.some((line) => order.test(line))).toBe(true);
    // One line each: that it was asked is told by its end.
    expect(all.filter((line) => /\/replay/.test(line))).toHaveLength(1);
    expect(all.join()).not.toContain("wp_");
    await tab.shot("audit");
    expect(tab.problems()).toEqual([]);
  });
});
