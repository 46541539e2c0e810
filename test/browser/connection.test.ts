/** The page stays up to date whatever happens to its socket. */
import type { WebSocketRoute } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Dashboard, enter, lineOf, startDashboard } from "./dashboard.ts";

const chromium = inject("chromium");

describe.skipIf(chromium === null)("the connection of the page", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await startDashboard(chromium, { endpoints: [{ id: "gpu-us", region: "us-east" }] });
  });
  afterAll(async () => dashboard.close());

  test("a socket that is lost is replaced by questions, and comes back", async () => {
    const tab = await dashboard.visit();
    const { page } = tab;
    let isCut = false;
    const open: WebSocketRoute[] = [];
    // Between the page and the real router: it passes everything on until it is cut.
    await page.routeWebSocket(/\/dashboard\/api\/live/, (socket) => {
      if (isCut) return void socket.close();
      socket.connectToServer();
      open.push(socket);
    });
    await enter(tab, dashboard.fleet.key);
    const state = page.getByRole("status", { name: "Connection" });
    await expect.poll(async () => state.textContent()).toBe("Live");
    isCut = true;
    for (const socket of open.splice(0)) await socket.close();
    await expect.poll(async () => state.textContent()).toMatch(/^Polling/);
    // What changes meanwhile is seen all the same.
    await dashboard.fleet.call("/admin/endpoints/gpu-us/drain", { method: "POST" });
    await expect.poll(async () => lineOf(tab, "gpu-us").textContent()).toContain("draining");
    isCut = false;
    await expect.poll(async () => state.textContent()).toBe("Live");
    await dashboard.fleet.call("/admin/endpoints/gpu-us/undrain", { method: "POST" });
    await expect.poll(async () => lineOf(tab, "gpu-us").textContent()).not.toContain("draining");
    tab.forgive(/WebSocket/);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });

  test("a router that is gone is told, and one that comes back is drawn", async () => {
    const tab = await dashboard.open();
    const { page } = tab;
    const state = page.getByRole("status", { name: "Connection" });
    await page.context().setOffline(true);
    await page.evaluate("dispatchEvent(new Event('offline'))");
    await expect.poll(async () => state.textContent()).toMatch(/Live|Connection lost/);
    await page.context().setOffline(false);
    await expect.poll(async () => state.textContent()).toMatch(/Live|Polling/);
    tab.forgive(/ERR_INTERNET_DISCONNECTED|WebSocket/);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });
});
