/** Dead jobs come back from the page, and a queue is paused and resumed there. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Tab } from "./browser.ts";
import { confirm, type Dashboard, startDashboard } from "./dashboard.ts";

const chromium = inject("chromium");

describe.skipIf(chromium === null)("jobs on the page", () => {
  let dashboard: Dashboard;
  let tab: Tab;
  let server: Server;
  let isBroken = true;

  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().once("end", () => {
        if (request.method === "GET") return void response.end("ok");
        response.writeHead(isBroken ? 400 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(isBroken ? { error: "<i>no such tool</i>" } : { output: "fine" }));
      });
    });
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    dashboard = await startDashboard(chromium, {
      endpoints: [{ id: "gpu-us", region: "us-east" }],
      morePools: {
        flaky: {
          endpoints: [{ id: "flaky-1", region: "us-east", backend: "openai", url }],
          jobs: { path: "/work" },
        },
      },
    });
    for (let index = 0; index < 3; index++) await run();
    await dashboard.fleet.until(deadIds, (dead) => dead.length === 3);
    tab = await dashboard.open();
  });
  afterAll(async () => {
    await dashboard.close();
    server.closeAllConnections();
    server.close();
  });

  async function run(): Promise<void> {
    const body = JSON.stringify({ input: { prompt: "nobody reads this but its tenant" } });
    const headers = { "content-type": "application/json" };
    await dashboard.fleet.call("/v2/flaky/run", { method: "POST", headers, body });
  }
  async function deadIds(): Promise<readonly string[]> {
    const response = await dashboard.fleet.call("/admin/jobs/flaky/dead-letters");
    return ((await response.json()) as { data: readonly { id: string }[] }).data.map(({ id }) => id);
  }
  async function completed(): Promise<number> {
    const response = await dashboard.fleet.call("/admin/jobs/flaky/jobs?status=completed");
    return ((await response.json()) as { data: readonly unknown[] }).data.length;
  }
  const jobs = () => tab.page.getByRole("region", { name: "Jobs", exact: true });

  test("a count leads to the jobs behind it, and one of them to its history", async () => {
    const { page } = tab;
    await jobs().getByRole("button", { name: "3 failed jobs of flaky" }).click();
    const list = page.getByRole("region", { name: "Jobs of flaky" });
    await list.getByRole("row").nth(1).getByRole("button").click();
    const dialog = page.getByRole("dialog");
    const history = dialog.getByRole("region", { name: "History of the job" });
    await expect.poll(async () => history.textContent()).toMatch(/queued.*running.*failed/);
    expect(await dialog.textContent()).toContain("<i>no such tool</i>");
    expect(await page.locator("html").innerHTML()).not.toContain("nobody reads this");
    expect(await tab.axe()).toEqual([]);
    await tab.shot("job-history");
    await dialog.getByRole("button", { name: "Close" }).click();
    expect(tab.problems()).toEqual([]);
  });

  test("one dead job is redriven, then those that are chosen, then all", async () => {
    const { page } = tab;
    isBroken = false;
    await jobs().getByRole("button", { name: "3 dead letters of flaky" }).click();
    const dead = page.getByRole("region", { name: "Dead letters of flaky" });
    await dead
      .getByRole("button", { name: /^Redrive / })
      .first()
      .click();
    expect(await tab.axe()).toEqual([]);
    await confirm(tab, "Redrive");
    await page.getByText("1 job queued again.").waitFor();
    await dashboard.fleet.until(deadIds, (ids) => ids.length === 2);
    await expect.poll(async () => dead.getByRole("row").count()).toBe(1 + 2);
    await dead.getByRole("checkbox").nth(1).check();
    await page.getByRole("button", { name: "Redrive chosen (1)" }).click();
    await confirm(tab, "Redrive");
    await dashboard.fleet.until(deadIds, (ids) => ids.length === 1);
    await page.getByRole("button", { name: "Redrive all (1)" }).click();
    await confirm(tab, "Redrive");
    await page.getByText("No dead letters in flaky.").waitFor();
    await dashboard.fleet.until(completed, (count) => count === 3);
    expect(tab.problems()).toEqual([]);
  });

  test("a queue is paused and resumed", async () => {
    const { page } = tab;
    await jobs().getByRole("button", { name: "Pause the queue of flaky" }).click();
    await confirm(tab, "Pause");
    await page.getByText("The queue of flaky is paused.").waitFor();
    await jobs().getByRole("button", { name: "Resume the queue of flaky" }).click();
    await confirm(tab, "Resume");
    await page.getByText("The queue of flaky is open.").waitFor();
    await jobs().getByRole("button", { name: "Pause the queue of flaky" }).waitFor();
    expect(tab.problems()).toEqual([]);
  });
});
