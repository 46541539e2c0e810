/** Who uses no pointer does all of it: signs in, finds the tables, opens a decision, drains an endpoint, and says no. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Tab } from "./browser.ts";
import { type Dashboard, explainedChat, startDashboard } from "./dashboard.ts";

const chromium = inject("chromium");

/** Far more than there are stops on the way to anything that a test looks for. */
const STOPS_MAX = 80;

/** What has the focus: its name, what it is in, and whether a reader can see that it has it. */
type Focus = {
  readonly name: string;
  readonly tag: string;
  readonly isShown: boolean;
  readonly isInView: boolean;
  readonly dialog: string | null;
};

const FOCUS = `(() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const dialog = one.closest("dialog");
  return {
    name: one.getAttribute("aria-label") ?? one.textContent.trim(),
    tag: one.tagName,
    isShown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    isInView: box.bottom > 0 && box.top < innerHeight,
    dialog: dialog?.querySelector("h2")?.textContent ?? null,
  };
})()`;

describe.skipIf(chromium === null)("the page by keyboard alone", () => {
  let dashboard: Dashboard;
  let tab: Tab;
  beforeAll(async () => {
    dashboard = await startDashboard(chromium, {
      endpoints: [
        { id: "gpu-us", region: "us-east" },
        { id: "gpu-eu", region: "eu-west" },
      ],
    });
    tab = await dashboard.visit();
  });
  afterAll(async () => dashboard.close());

  const focus = async (): Promise<Focus> => (await tab.page.evaluate(FOCUS)) as Focus;
  const press = async (key: string): Promise<void> => tab.page.keyboard.press(key);

  /** Steps on until something of this name has the focus, and sees the focus on every step. */
  async function reach(name: RegExp, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
    const passed: string[] = [];
    for (let stop = 0; stop < STOPS_MAX; stop++) {
      await press(key);
      const at = await focus();
      passed.push(at.name);
      // After the last stop comes the browser itself.
      if (at.tag !== "BODY") expect(at).toMatchObject({ isShown: true, isInView: true });
      if (name.test(at.name)) return;
    }
    throw new Error(`the keyboard does not reach ${name.source}; it passed ${passed.join(" · ")}`);
  }

  /** A key that is pressed before the question is there goes to the page behind it. */
  const asked = async (question: string): Promise<void> => {
    await expect.poll(async () => (await focus()).dialog).toBe(question);
  };

  const standing = async (id: string): Promise<string | undefined> =>
    (await dashboard.fleet.shards()).flatMap(({ status }) => status?.endpoints ?? []).find((one) => one.id === id)
      ?.standing;

  test("the key is typed and sent, and the focus is at the content", async () => {
    // The field has the focus from the beginning.
    await tab.page.keyboard.type(dashboard.fleet.key);
    await press("Enter");
    await tab.page.getByRole("button", { name: "Drain gpu-eu" }).waitFor();
    await expect.poll(async () => tab.page.evaluate("document.activeElement.id")).toBe("content");
  });

  test("the first stop of a fresh page leads past its head", async () => {
    await tab.page.reload();
    await tab.page.getByRole("button", { name: "Drain gpu-eu" }).waitFor();
    await press("Tab");
    expect(await focus()).toMatchObject({ name: "Skip to content", isShown: true, isInView: true });
    await press("Enter");
    await expect.poll(async () => tab.page.evaluate("document.activeElement.id")).toBe("content");
  });

  test("a decision is opened and shut, and what is in it can be read by scrolling", async () => {
    await explainedChat(dashboard);
    const newest = tab.page
      .getByRole("table", { name: /^Requests/ })
      .getByRole("row")
      .nth(1);
    await expect.poll(async () => newest.textContent()).toContain("served");
    await reach(/^Decisions$/);
    await reach(/^[▸]?\d\d:\d\d:\d\d/);
    await press("Enter");
    const timing = tab.page.getByRole("heading", { name: "Timing" });
    await timing.waitFor();
    await reach(/^Candidates$/);
    await reach(/^[▾]\d\d:\d\d:\d\d/, "Shift+Tab");
    await press("Enter");
    await expect.poll(async () => timing.count()).toBe(0);
    // The focus stays where it was.
    expect((await focus()).name).toMatch(/\d\d:\d\d:\d\d/);
  });

  test("a question holds the focus, Escape says no, and the focus is back where it came from", async () => {
    await reach(/^Drain gpu-eu$/, "Shift+Tab");
    await press("Enter");
    await asked("Drain gpu-eu?");
    expect(await tab.axe()).toEqual([]);
    // Round it, and never out of it into the page behind.
    for (let stop = 0; stop < 6; stop++) {
      await press("Tab");
      const at = await focus();
      if (at.tag !== "BODY") expect(at.dialog).toBe("Drain gpu-eu?");
    }
    await press("Escape");
    await expect.poll(async () => tab.page.getByRole("dialog").count()).toBe(0);
    expect(await focus()).toMatchObject({ name: "Drain gpu-eu", isShown: true });
    expect(await standing("gpu-eu")).toBe("admitting");
  });

  test("an endpoint is drained and put back, and its button keeps the focus", async () => {
    await press("Enter");
    await asked("Drain gpu-eu?");
    await reach(/^Drain$/);
    await press("Enter");
    await tab.page.getByText("gpu-eu is draining.", { exact: true }).waitFor();
    expect(await standing("gpu-eu")).toBe("draining");
    await expect.poll(async () => (await focus()).name).toBe("Undrain gpu-eu");
    await press("Enter");
    await asked("Undrain gpu-eu?");
    await reach(/^Undrain$/);
    await press("Enter");
    await expect.poll(async () => (await focus()).name).toBe("Drain gpu-eu");
    expect(await standing("gpu-eu")).toBe("admitting");
    expect(tab.problems()).toEqual([]);
  });
});
