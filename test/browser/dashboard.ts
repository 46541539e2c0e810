/**
 * The page as an operator has it: a browser, the built bundle on raw workerd, simulated GPU endpoints behind it. Nothing of
 * it stands in for anything else.
 */
import { type Fleet, type FleetPlan, startFleet } from "../support/fleet.ts";
import { startBrowser, type Tab, type TabOptions, type TestBrowser } from "./browser.ts";

export type Dashboard = {
  readonly fleet: Fleet;
  readonly browser: TestBrowser;
  readonly url: string;
  /** At the door. */
  visit(options?: TabOptions): Promise<Tab>;
  /** Signed in, with a first frame drawn. */
  open(options?: TabOptions): Promise<Tab>;
  close(): Promise<void>;
};

export async function startDashboard(chromium: string | null, plan: FleetPlan): Promise<Dashboard> {
  const [fleet, browser] = await Promise.all([startFleet(plan), startBrowser(chromium ?? "")]);
  const url = `${fleet.router.url}/dashboard`;
  const visit = async (options?: TabOptions): Promise<Tab> => {
    const tab = await browser.open(options);
    await tab.page.goto(url);
    await tab.page.getByLabel("Admin key").waitFor();
    // The page asks whether it has a session, and the browser writes a line for the answer that it has none.
    tab.forgive(/status of 401/);
    return tab;
  };
  return {
    fleet,
    browser,
    url,
    visit,
    async open(options) {
      const tab = await visit(options);
      await enter(tab, fleet.key);
      await tab.page
        .getByRole("table", { name: /^Endpoints/ })
        .getByRole("button", { name: /^(?:Und|D)rain / })
        .first()
        .waitFor();
      return tab;
    },
    async close() {
      await browser.close();
      await fleet.close();
    },
  };
}

/** Types a key at the door and sends it. */
export async function enter({ page }: Tab, key: string): Promise<void> {
  await page.getByLabel("Admin key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** The line of an endpoint. */
export const lineOf = ({ page }: Tab, id: string) =>
  page.getByRole("table", { name: /^Endpoints/ }).getByRole("row", { name: id });

/** Says yes to the question that is open, by the word on its button. */
export async function confirm({ page }: Tab, action: string): Promise<void> {
  await page.getByRole("dialog").getByRole("button", { name: action, exact: true }).click();
}

/**
 * Asks until a request has its candidates on record, and answers with its id: the isolates learn with their next report
 * that somebody watches, and candidates are kept from then on. It is the newest of the list.
 */
export async function explainedChat({ fleet }: Dashboard): Promise<string> {
  const asked = await fleet.until(
    async () => {
      const response = await fleet.chat({ place: "us-east" });
      await response.text();
      const id = response.headers.get("x-request-id") ?? "";
      const record = await fleet.until(
        async () => (await snapshotOf(fleet)).find((one) => one.id === id),
        (found) => found !== undefined,
      );
      return record;
    },
    (record) => record?.candidates !== undefined,
  );
  return asked?.id ?? "";
}

type Recorded = { readonly id: string; readonly candidates?: readonly unknown[] };

async function snapshotOf(fleet: Fleet): Promise<readonly Recorded[]> {
  const response = await fleet.call("/dashboard/api/snapshot");
  return ((await response.json()) as { readonly decisions: readonly Recorded[] }).decisions;
}
