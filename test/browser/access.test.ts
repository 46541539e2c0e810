/** Everybody can use the page: on a narrow screen, and without motion. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Tab } from "./browser.ts";
import { confirm, type Dashboard, enter, explainedChat, startDashboard } from "./dashboard.ts";

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

  /** With something of everything on it, and one decision open. */
  async function filled(width: number): Promise<Tab> {
    const tab = await dashboard.open({ width });
    const panel = tab.page.getByRole("region", { name: "Try it" });
    await panel.getByRole("button", { name: "Send" }).click();
    await panel.getByText("Answered.").waitFor();
    await explainedChat(dashboard);
    await tab.page
      .getByRole("row")
      .filter({ hasText: "nearest warm" })
      .first()
      .getByRole("button", { name: /^\d\d:/ })
      .click();
    await tab.page.getByRole("heading", { name: "Timing" }).waitFor();
    return tab;
  }

  test.each([320, 1_280])("on %i px, light and dark, nothing is cut off and nobody is hindered", async (width) => {
    const tab = await filled(width);
    expect(await tab.page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(await tab.axe()).toEqual([]);
    await tab.shot(`page-${width}`);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });

  test.each([320, 1_280])("the door and every dialog on %i px hinder nobody, light and dark", async (width) => {
    const tab = await dashboard.visit({ width });
    const { page } = tab;
    expect(await tab.axe()).toEqual([]);
    await tab.shot(`door-${width}`);
    await enter(tab, dashboard.fleet.key);
    const dialog = page.getByRole("dialog");
    const isFine = async (name: string): Promise<void> => {
      await dialog.waitFor();
      expect(await tab.axe()).toEqual([]);
      await tab.shot(`${name}-${width}`);
    };

    await page.getByRole("button", { name: "Drain gpu-us" }).click();
    await isFine("dialog-drain");
    await confirm(tab, "Cancel");

    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel("Tenant", { exact: true }).last().fill("acme");
    expect(await tab.axe()).toEqual([]);
    await page.getByRole("button", { name: "Make the key" }).click();
    await isFine("dialog-secret");
    await dialog.getByRole("button", { name: "I have it" }).click();
    await page.getByText(/^The key .* is made\.$/).waitFor();

    await page.context().clearCookies();
    await page.getByRole("radio", { name: "1 h" }).click();
    await isFine("dialog-over");
    tab.forgive(/status of 401/);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });

  test("who wants no motion sees none", async () => {
    const tab = await dashboard.open({ reducedMotion: true });
    const moving = await tab.page.evaluate("document.getAnimations().length");
    expect(moving).toBe(0);
    await tab.close();
  });
});
