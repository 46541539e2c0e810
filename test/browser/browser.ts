/**
 * A real browser for tests: each tab records whatever a page may not do, and a test ends by asking that it did none of
 * it (`problems`). What the page's policy refused, what it wrote to the console as an error, what it threw, and what
 * it asked of any other host are all one list, so no test has to remember which of them to look at.
 *
 * Playwright's `page.clock` is not used: the page's seconds are real, and tests wait for what it shows.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type axe from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

/** Where pictures go: a folder that git ignores. */
const SHOTS = join(import.meta.dirname, "../../.screenshots");

/** What Debian's Chromium needs in a container, and what keeps it from looking for its maker's hosts. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** Waits that only end what will never end, ms. */
const WAIT_MS_MAX = 60_000;

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const WCAG_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const THEMES = ["light", "dark"] as const;
type Theme = (typeof THEMES)[number];

export type TabOptions = {
  readonly theme?: Theme;
  readonly reducedMotion?: boolean;
  readonly width?: number;
  readonly height?: number;
};

export type Tab = {
  readonly page: Page;
  /** Everything that a page may not do, one line each, since the tab was opened or was last asked to forget. */
  problems(): readonly string[];
  /** What the test itself provoked is no problem: takes out the lines that match. */
  forgive(pattern: RegExp): void;
  /** What axe finds against WCAG 2.2 AA, light and dark, one line for each rule and place. */
  axe(): Promise<readonly string[]>;
  /** Two pictures for a person to look at: `name-light.png` and `name-dark.png`. */
  shot(name: string): Promise<void>;
  close(): Promise<void>;
};

export type TestBrowser = {
  /** A tab with cookies and storage of its own. */
  open(options?: TabOptions): Promise<Tab>;
  close(): Promise<void>;
};

/** `executablePath` is what `inject("chromium")` gives. */
export async function startBrowser(executablePath: string): Promise<TestBrowser> {
  const home = mkdtempSync(join(tmpdir(), "warmpath-browser-"));
  const browser = await chromium.launch({
    executablePath,
    args: FLAGS,
    env: { ...definedEnv(), HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
  });
  return {
    open: async (options = {}) => openTab(browser, options),
    async close() {
      await browser.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function openTab(browser: Browser, options: TabOptions): Promise<Tab> {
  const { theme = "light", reducedMotion = false, width = 1280, height = 900 } = options;
  const settings: BrowserContextOptions = {
    colorScheme: theme,
    reducedMotion: reducedMotion ? "reduce" : "no-preference",
    viewport: { width, height },
  };
  const context = await browser.newContext(settings);
  context.setDefaultTimeout(WAIT_MS_MAX);
  const page = await context.newPage();
  let found: string[] = [];
  await watch(page, (problem) => found.push(problem));
  /** The system changes its mind about light and dark while the page is open, and changes it back. */
  const inEachTheme = async (look: (one: Theme) => Promise<void>): Promise<void> => {
    for (const one of THEMES) {
      await page.emulateMedia({ colorScheme: one });
      await look(one);
    }
    await page.emulateMedia({ colorScheme: theme });
  };
  return {
    page,
    problems: () => found,
    forgive(pattern) {
      found = found.filter((problem) => !pattern.test(problem));
    },
    async axe() {
      const lines: string[] = [];
      await inEachTheme(async (one) => {
        for (const line of await runAxe(page)) lines.push(`${one}: ${line}`);
      });
      return lines;
    },
    async shot(name) {
      mkdirSync(SHOTS, { recursive: true });
      // What is fixed to the window is drawn where the window is: at the top.
      await page.evaluate("scrollTo(0, 0)");
      await inEachTheme(async (one) => {
        await page.screenshot({ path: join(SHOTS, `${name}-${one}.png`), fullPage: true });
      });
    },
    close: async () => context.close(),
  };
}

async function watch(page: Page, tell: (problem: string) => void): Promise<void> {
  // A violation is an event of the document, and nothing else tells of one that the page's own code caught.
  await page.exposeFunction("__tellViolation", (directive: string, blocked: string, sample: string) =>
    tell(`policy: ${directive} refused ${blocked}${sample === "" ? "" : ` (${sample})`}`),
  );
  await page.addInitScript(`
    document.addEventListener("securitypolicyviolation", (event) =>
      window.__tellViolation(event.effectiveDirective, event.blockedURI, event.sample));
  `);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      tell(`console ${message.type()}: ${message.text()}${placeOf(message.location().url)}`);
  });
  page.on("pageerror", (error) => tell(`thrown: ${error.message}`));
  page.on("crash", () => tell("crashed"));
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    const isOwn = hostname === "127.0.0.1" || hostname === "localhost" || protocol === "data:" || protocol === "blob:";
    if (!isOwn) tell(`another host: ${request.url()}`);
  });
}

/** What could not be loaded is told by its path alone. */
const placeOf = (url: string): string => (URL.canParse(url) ? ` (${new URL(url).pathname})` : "");

/**
 * Over the debugger's connection, not as a script of the page: the page's policy stays as it is, and a tag would
 * be refused by it.
 */
async function runAxe(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  const options: axe.RunOptions = { runOnly: { type: "tag", values: WCAG_TAGS } };
  const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as axe.AxeResults;
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary = "" }) => {
      const why = failureSummary.split("\n").at(1)?.trim() ?? "";
      return `${id}: ${help} at ${target.join(" ")} (${why})`;
    }),
  );
}

function definedEnv(): Record<string, string> {
  const entries = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}
