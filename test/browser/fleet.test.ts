/** What an operator sees of the fleet, and what he orders: the real page against the real router. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { confirm, type Dashboard, lineOf, startDashboard } from "./dashboard.ts";

const chromium = inject("chromium");

describe.skipIf(chromium === null)("the fleet on the page", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await startDashboard(chromium, {
      endpoints: [
        { id: "gpu-us", region: "us-east" },
        { id: "gpu-eu", region: "eu-west" },
        { id: "gpu-eu-2", region: "eu-west" },
      ],
    });
  });
  afterAll(async () => dashboard.close());

  test("an endpoint that is killed turns down, with what happened in words", async () => {
    const { fleet } = dashboard;
    const tab = await dashboard.open();
    const line = lineOf(tab, "gpu-us");
    await expect.poll(async () => line.textContent()).toContain("up");
    await fleet.simulator("gpu-us").close();
    // Whoever asks meanwhile is answered by another one.
    const answer = await fleet.chat({ place: "us-east" });
    expect(answer.status).toBe(200);
    await expect.poll(async () => line.textContent()).toMatch(/down|ejected/);
    await expect.poll(async () => line.textContent()).toMatch(/no answer|connection|not reach/i);
    expect(tab.problems()).toEqual([]);
    await tab.shot("fleet-down");
    await tab.close();
  });

  test("an endpoint is drained after a question, and put back", async () => {
    const { fleet } = dashboard;
    const tab = await dashboard.open();
    const { page } = tab;
    const standing = async (): Promise<string | undefined> =>
      (await fleet.shards()).flatMap(({ status }) => status?.endpoints ?? []).find(({ id }) => id === "gpu-eu")
        ?.standing;
    await page.getByRole("button", { name: "Drain gpu-eu", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect(await standing()).toBe("admitting");
    await page.getByRole("button", { name: "Drain gpu-eu", exact: true }).click();
    await confirm(tab, "Drain");
    await page.getByText("gpu-eu is draining.", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Undrain gpu-eu", exact: true }).waitFor();
    expect(await standing()).toBe("draining");
    await page.getByRole("button", { name: "Undrain gpu-eu", exact: true }).click();
    await confirm(tab, "Undrain");
    await page.getByRole("button", { name: "Drain gpu-eu", exact: true }).waitFor();
    expect(await standing()).toBe("admitting");
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });

  test("a filter leaves the lines that match", async () => {
    const tab = await dashboard.open();
    const { page } = tab;
    const filters = page.getByRole("form", { name: "Filter endpoints" });
    await filters.getByLabel("Find").fill("eu-2");
    await expect.poll(async () => lineOf(tab, "gpu-us").count()).toBe(0);
    expect(await lineOf(tab, "gpu-eu-2").count()).toBe(1);
    await filters.getByLabel("Find").fill("");
    await filters.getByLabel("Region").selectOption("us-east");
    await expect.poll(async () => lineOf(tab, "gpu-eu-2").count()).toBe(0);
    expect(await lineOf(tab, "gpu-us").count()).toBe(1);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });
});
