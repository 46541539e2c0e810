/**
 * 200 endpoints and 50 decisions a second. Counted is the work that is done, not the time that it takes: every frame is
 * drawn, the page does not grow, and a frame in which little has changed touches little.
 *
 * The frames are made here and come through a socket that the test holds: no machine of a test serves 200 GPUs.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { sampleEndpoint, sampleFrame, sampleRecord } from "../dashboard/sample-frames.ts";
import { type Dashboard, enter, startDashboard } from "./dashboard.ts";

const chromium = inject("chromium");

const ENDPOINTS = 200;
const DECISIONS = 50;
const FRAMES = 40;

describe.skipIf(chromium === null)("a large fleet on the page", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await startDashboard(chromium, { endpoints: [{ id: "gpu-us", region: "us-east" }] });
  });
  afterAll(async () => dashboard.close());

  const frameAt = (index: number, changed: number): string => {
    const atMs = Date.UTC(2026, 10, 30) + index * 1_000;
    const endpoints = Array.from({ length: ENDPOINTS }, (_, at) =>
      sampleEndpoint({
        id: `gpu-${String(at).padStart(3, "0")}`,
        region: at % 2 === 0 ? "us-east" : "eu-west",
        inFlight: at < changed ? index % 8 : 3,
      }),
    );
    const decisions = Array.from({ length: DECISIONS }, (_, at) =>
      sampleRecord({ id: `req-${index}-${at}`, atMs, endpoint: endpoints[at]?.id ?? null }),
    );
    return JSON.stringify({ ...sampleFrame({ atMs, decisions }, endpoints), atMs, decisions });
  };

  test("every frame is drawn, and the page does not grow", async () => {
    const tab = await dashboard.visit();
    const { page } = tab;
    const { promise: opened, resolve: open } = Promise.withResolvers<(text: string) => void>();
    await page.routeWebSocket(/\/dashboard\/api\/live/, (socket) => open((text) => socket.send(text)));
    await enter(tab, dashboard.fleet.key);
    const send = await opened;
    const newest = page
      .getByRole("table", { name: /^Requests/ })
      .locator("tbody tr")
      .first();
    const nodes = async (): Promise<number> =>
      (await page.evaluate("document.getElementsByTagName('*').length")) as number;
    /** Sends one, and waits until it is drawn: the decision that it brings is the first of the list. */
    const draw = async (index: number, changed: number): Promise<void> => {
      send(frameAt(index, changed));
      await expect
        .poll(async () => page.evaluate("document.querySelector('table.decisions tbody button')?.textContent"))
        .toContain(clock(index));
    };
    for (let index = 1; index <= 10; index++) await draw(index, ENDPOINTS);
    expect(await page.getByRole("button", { name: /^Drain gpu-/ }).count()).toBe(ENDPOINTS);
    const early = await nodes();
    for (let index = 11; index <= FRAMES; index++) await draw(index, ENDPOINTS);
    expect(await newest.count()).toBe(1);
    const late = await nodes();
    expect(late).toBeLessThan(early * 1.05);
    expect(late).toBeLessThan(20_000);

    // Of 200 endpoints three change: the lines of the others are not touched.
    await page.evaluate(`
      window.touched = new Set();
      new MutationObserver((records) => {
        for (const { target } of records) {
          const line = (target.nodeType === 1 ? target : target.parentElement)?.closest("table.endpoints tbody tr");
          if (line) window.touched.add(line);
        }
      }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    `);
    await draw(FRAMES + 1, 3);
    await page.evaluate("window.touched.clear()");
    await draw(FRAMES + 2, 3);
    const touched = (await page.evaluate("window.touched.size")) as number;
    expect(touched).toBeGreaterThan(0);
    expect(touched).toBeLessThanOrEqual(3);
    expect(tab.problems()).toEqual([]);
    await tab.shot("many");
    await tab.close();
  });

  const clock = (index: number): string => {
    const at = new Date(Date.UTC(2026, 10, 30) + index * 1_000);
    return `:${String(at.getMinutes()).padStart(2, "0")}:${String(at.getSeconds()).padStart(2, "0")}`;
  };
});
