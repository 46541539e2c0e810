/** Everybody can use the page: on a narrow screen, and without motion. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Tab } from "./browser.ts";
import { type Dashboard, startDashboard } from "./dashboard.ts";

const chromium = inject("chromium");

describe.skipIf(chromium === null)("the page for everybody", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await startDashboard(chromium, {
      endpoints: [
        { id: "gpu-us", region: "us-east" },
        { id: "gpu-eu", region: "eu-west", simulator: { startState: "cold" } },
      ],
    });
  });
  afterAll(async () => dashboard.close());

  /** With something of everything on it. */
  async function filled(theme: "light" | "dark", width?: number): Promise<Tab> {
    const tab = await dashboard.open({ theme, ...(width === undefined ? {} : { width }) });
    await (await dashboard.fleet.chat()).text();
    const panel = tab.page.getByRole("region", { name: "Try it" });
    await panel.getByRole("button", { name: "Send" }).click();
    await panel.getByText("Answered.").waitFor();
    await tab.page.getByRole("row").filter({ hasText: "served" }).first().waitFor();
    return tab;
  }

  test("on 320 px nothing is cut off and nothing is wider than the screen", async () => {
    const tab = await filled("light", 320);
    expect(await tab.page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
    expect(await tab.axe()).toEqual([]);
    await tab.shot("page-320");
    await tab.close();
  });

  test("who wants no motion sees none", async () => {
    const tab = await dashboard.open({ reducedMotion: true });
    const moving = await tab.page.evaluate("document.getAnimations().length");
    expect(moving).toBe(0);
    await tab.close();
  });
});
