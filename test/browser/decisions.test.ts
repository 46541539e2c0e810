/** A request is on the page when it has ended, with its reason, its candidates and its attempts. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Dashboard, explainedChat, startDashboard } from "./dashboard.ts";
import type { Tab } from "./browser.ts";

const chromium = inject("chromium");

describe.skipIf(chromium === null)("decisions on the page", () => {
  let dashboard: Dashboard;
  let tab: Tab;
  beforeAll(async () => {
    dashboard = await startDashboard(chromium, {
      keys: [{ id: "other", tenant: "globex" }],
      endpoints: [
        { id: "gpu-us", region: "us-east" },
        { id: "gpu-eu", region: "eu-west" },
      ],
    });
    tab = await dashboard.open();
  });
  afterAll(async () => dashboard.close());

  const rows = (text: string | RegExp) =>
    tab.page
      .getByRole("table", { name: /^Requests, the newest first/ })
      .getByRole("row")
      .filter({ hasText: text });

  test("a live decision has its reason, and what is behind it when it is opened", async () => {
    await explainedChat(dashboard);
    const row = rows("gpu-us").filter({ hasText: "nearest warm" }).first();
    await row.waitFor();
    await row.getByRole("button").click();
    const timing = tab.page.getByRole("heading", { name: "Timing" });
    await timing.waitFor();
    await tab.page
      .getByText(/gpu-us in us-east answered: nearest warm/)
      .first()
      .waitFor();
    expect(await tab.page.getByRole("img", { name: /^rails from .* gpu-us from .*first byte at/ }).count()).toBe(1);
    await isWeighed();
    const rails = tab.page.getByRole("group", { name: "Rails" }).getByRole("row");
    expect((await rails.allTextContents()).slice(1).map((text) => /^\D+/.exec(text)?.[0])).toEqual([
      "sizeinputallowdone",
      "secretsinputallowdone",
    ]);
    await tab.shot("decision");
    await row.getByRole("button").click();
    await expect.poll(async () => timing.count()).toBe(0);
    expect(tab.problems()).toEqual([]);
  });

  /** Each candidate has its terms in ms, and they are its sum; the one with the lowest is the one that was chosen. */
  async function isWeighed(): Promise<void> {
    const table = tab.page.getByRole("table", { name: /^Expected time to the first token/ });
    const heads = await table.getByRole("columnheader").allTextContents();
    expect(heads.slice(2, 9)).toEqual(["network", "wait", "load", "prompt", "cold start", "risk", "sum, ms"]);
    const lines = (await table.locator("tbody tr").all()).map(async (line) => line.locator("th, td").allTextContents());
    const [chosen = [], other = [], ...more] = await Promise.all(lines);
    expect(more).toEqual([]);
    expect([chosen[0], chosen[1], other[0], other[1]]).toEqual(["✓ chosen gpu-us", "us-east", "gpu-eu", "eu-west"]);
    for (const line of [chosen, other]) {
      const [sum = Number.NaN, ...terms] = [line[8], ...line.slice(2, 8)].map(Number);
      // Each figure is rounded by itself.
      expect(Math.abs(terms.reduce((total, term) => total + term, 0) - sum)).toBeLessThan(4);
    }
    expect(Number(chosen[8])).toBeLessThan(Number(other[8]));
    expect(other[10]).not.toBe("");
  }

  test("a request that failed over names the attempt that was lost", async () => {
    const { fleet } = dashboard;
    fleet.simulator("gpu-us").setFault({ kind: "status", status: 500, times: 1 });
    expect((await fleet.chat({ place: "us-east" })).headers.get("x-warmpath-reason")).toBe("failover");
    // The focus is in the list, so it stands still until its reader says otherwise.
    await tab.page.getByRole("button", { name: "Show the newest" }).click();
    const row = rows("failover").first();
    await row.waitFor();
    await row.getByRole("button").click();
    const attempts = tab.page.getByRole("group", { name: "Attempts" });
    await expect.poll(async () => attempts.textContent()).toContain("answered with an error");
    await tab.shot("decision-failover");
    await row.getByRole("button").click();
    expect(tab.problems()).toEqual([]);
  });

  test("filters leave what matches, and say so where nothing does", async () => {
    const { fleet } = dashboard;
    const headers = { authorization: `Bearer ${fleet.keyOf("other")}`, "content-type": "application/json" };
    const body = JSON.stringify({ model: fleet.model, messages: [{ role: "user", content: "hello" }] });
    await (await fleet.call("/v1/chat/completions", { method: "POST", headers, body })).text();
    const filters = tab.page.getByRole("form", { name: "Filter decisions" });
    await expect.poll(async () => filters.getByLabel("Tenant").locator("option").allTextContents()).toContain("globex");
    await filters.getByLabel("Tenant").selectOption("globex");
    await expect.poll(async () => rows(/served/).count()).toBe(1);
    await filters.getByLabel("Find").fill("no such thing");
    await tab.page.getByText("No decision matches these filters.").waitFor();
    await filters.getByLabel("Find").fill("");
    await filters.getByLabel("Tenant").selectOption("");
    await expect.poll(async () => rows(/served/).count()).toBeGreaterThan(1);
    expect(tab.problems()).toEqual([]);
  });

  test("while updates are paused nothing moves, and what came meanwhile is there afterwards", async () => {
    const { fleet } = dashboard;
    const { page } = tab;
    await page.getByRole("button", { name: "Pause updates" }).click();
    const before = await rows(/served/).count();
    await (await fleet.chat()).text();
    await page.getByRole("button", { name: /Resume updates.*1 waiting/ }).waitFor();
    expect(await rows(/served/).count()).toBe(before);
    await page.getByRole("button", { name: /Resume updates/ }).click();
    await expect.poll(async () => rows(/served/).count()).toBe(before + 1);
    expect(tab.problems()).toEqual([]);
  });

  test("the panel streams an answer and shows the route that it took", async () => {
    const { page } = tab;
    const panel = page.getByRole("region", { name: "Try it" });
    await panel.getByLabel("Model").selectOption(dashboard.fleet.model);
    await panel.getByLabel("Prompt").fill("<b>hello</b>");
    await panel.getByRole("button", { name: "Send" }).click();
    await panel.getByText("Answered.").waitFor();
    const text = await panel.getByRole("region", { name: "Text of the answer" }).textContent();
    expect(text).not.toBe("");
    await expect.poll(async () => panel.locator(".facts").textContent()).toMatch(/gpu-(?:us|eu)/);
    expect(await panel.getByRole("region", { name: "The request as curl" }).textContent()).toContain("$WARMPATH_KEY");
    expect(await page.locator("html").innerHTML()).not.toContain(dashboard.fleet.key);
    await tab.shot("try-it");
    expect(tab.problems()).toEqual([]);
  });

  test("an answer under way is stopped, and its slot is free", async () => {
    const { fleet } = dashboard;
    const panel = tab.page.getByRole("region", { name: "Try it" });
    for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "slow", factor: 200 });
    await panel.getByRole("button", { name: "Send" }).click();
    await fleet.until(
      async () => fleet.liveLeases(),
      (count) => count > 0,
    );
    await panel.getByRole("button", { name: "Stop" }).click();
    await panel.getByText("Stopped by you.").waitFor();
    for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
    await fleet.until(
      async () => fleet.liveLeases(),
      (count) => count === 0,
    );
    expect(tab.problems()).toEqual([]);
  });
});
