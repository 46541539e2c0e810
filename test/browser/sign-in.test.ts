/** Who may come in, and how a session ends. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { SESSION_MS_MAX } from "../../src/sight/session.ts";
import { sessionBegunAt } from "../support/dashboard-client.ts";
import { type Dashboard, enter, startDashboard } from "./dashboard.ts";

const chromium = inject("chromium");

describe.skipIf(chromium === null)("the door of the dashboard", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await startDashboard(chromium, {
      keys: [{ id: "plain", scopes: ["infer"] }],
      endpoints: [{ id: "gpu-us", region: "us-east" }],
    });
  });
  afterAll(async () => dashboard.close());

  test("a key that nobody made, and one that may not, are refused in words", async () => {
    const tab = await dashboard.visit();
    const { page } = tab;
    for (const key of ["wp_nobody_0000", dashboard.fleet.keyOf("plain")]) {
      await enter(tab, key);
      await expect.poll(async () => page.getByRole("alert").textContent()).toMatch(/key/);
      expect(await page.getByLabel("Admin key").getAttribute("aria-invalid")).toBe("true");
      expect(await page.getByRole("heading", { name: "Fleet" }).count()).toBe(0);
      await page.getByLabel("Admin key").fill("");
    }
    // The browser itself writes a line for an answer of 401.
    tab.forgive(/status of 40[13]/);
    expect(tab.problems()).toEqual([]);
    expect(await tab.axe()).toEqual([]);
    await tab.close();
  });

  test("an admin key opens it, a reload needs none, and the page keeps none", async () => {
    const tab = await dashboard.open();
    const { page } = tab;
    await page.reload();
    await page.getByRole("heading", { name: "Fleet" }).waitFor();
    const kept = await page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie })");
    expect(kept).not.toContain(dashboard.fleet.key.slice(0, 20));
    expect(kept).not.toContain("warmpath_session");
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });

  test("who signs out is out, also after a reload", async () => {
    const tab = await dashboard.open();
    const { page } = tab;
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Admin key").waitFor();
    await page.reload();
    await page.getByLabel("Admin key").waitFor();
    tab.forgive(/status of 401/);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });

  test("a session that is over leads back to the door, and says so", async () => {
    const tab = await dashboard.open();
    const { page } = tab;
    const over = await sessionBegunAt(dashboard.fleet, Date.now() - SESSION_MS_MAX);
    await page.context().addCookies([{ ...over, url: dashboard.fleet.router.url }]);
    // The next question finds out: the socket was let in before.
    await page.getByRole("radio", { name: "1 h" }).click();
    await page.getByText(/session has ended/).waitFor();
    await enter(tab, dashboard.fleet.key);
    await page.getByRole("heading", { name: "Fleet" }).waitFor();
    tab.forgive(/status of 401/);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });
});
