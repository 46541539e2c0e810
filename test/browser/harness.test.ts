/** The browser of the tests sees what it is there to see: planted faults, on a page of the test's own. */
import { existsSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startBrowser, type TestBrowser } from "./browser.ts";
import { findOrInstall, type Host } from "./chromium.ts";

const chromium = inject("chromium");

describe.skipIf(chromium === null)("a tab of the tests", () => {
  let browser: TestBrowser;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    browser = await startBrowser(chromium ?? "");
    server = createServer((request, response) => {
      const page = PAGES[request.url ?? ""] ?? "";
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.setHeader("content-security-policy", "default-src 'none'; style-src 'self'");
      if (request.url === "/dark.css") return void response.setHeader("content-type", "text/css").end(DARK);
      response.end(page);
    });
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser.close();
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
  });

  test("finds nothing on a page without fault, and leaves its theme as it was", async () => {
    const tab = await browser.open({ theme: "dark" });
    await tab.page.goto(`${url}/good`);
    expect(await tab.axe()).toEqual([]);
    expect(await tab.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")).toBe(true);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });

  test("sees what the page's policy refused", async () => {
    const tab = await browser.open();
    await tab.page.goto(`${url}/inline-script`);
    expect(tab.problems().filter((problem) => problem.startsWith("policy: script-src"))).not.toEqual([]);
    expect(await tab.page.evaluate("window.ran")).toBeUndefined();
    tab.forgive(/script/);
    expect(tab.problems()).toEqual([]);
    await tab.close();
  });

  test("sees a request to another host", async () => {
    const tab = await browser.open();
    await tab.page.goto(`${url}/good`);
    await tab.page.evaluate("void fetch('http://warmpath.invalid/')").catch(() => undefined);
    await expect.poll(() => tab.problems()).toContainEqual(expect.stringContaining("policy: connect-src"));
    await tab.close();
  });

  test("sees errors that a page writes and throws", async () => {
    const tab = await browser.open();
    await tab.page.goto(`${url}/good`);
    await tab.page.evaluate("console.error('of mine'), setTimeout(() => { throw new Error('of yours') })");
    await expect.poll(() => tab.problems().join("; ")).toBe("console error: of mine; thrown: of yours");
    await tab.close();
  });

  test("sees what hinders people", async () => {
    const tab = await browser.open();
    await tab.page.goto(`${url}/barriers`);
    const found = (await tab.axe()).map((line) => line.split(":", 2).join(":"));
    expect(found).toContain("light: button-name");
    expect(found).toContain("dark: image-alt");
    expect(found).toContain("dark: color-contrast");
    expect(found).not.toContain("light: color-contrast");
    await tab.close();
  });

  test("takes pictures into a folder that git ignores", async () => {
    const paths = ["light", "dark"].map((theme) =>
      join(import.meta.dirname, `../../.screenshots/harness-${theme}.png`),
    );
    for (const path of paths) rmSync(path, { force: true });
    const tab = await browser.open();
    await tab.page.goto(`${url}/good`);
    await tab.shot("harness");
    expect(paths.map(existsSync)).toEqual([true, true]);
    await tab.close();
  });
});

const page = (body: string): string =>
  `<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>${body}</main></html>`;

const PAGES: Readonly<Record<string, string>> = {
  "/good": page("<p>Nothing is wrong.</p>"),
  "/inline-script": page("<script>window.ran = true;</script>"),
  "/barriers": page('<link rel="stylesheet" href="/dark.css"><button></button><img src="data:,"><p>Dim.</p>'),
};

/** Grey on white, but only for who wants it dark. */
const DARK = "@media (prefers-color-scheme: dark) { p { color: #ccc; background: #fff; } }";

describe("where the browser comes from", () => {
  type Machine = {
    readonly programs?: readonly string[];
    readonly env?: Host["env"];
    readonly isRoot?: boolean;
    readonly aptBrings?: string;
    readonly aptFails?: string;
  };
  const ask = ({ programs = [], env = {}, isRoot = false, aptBrings, aptFails }: Machine) => {
    const there = new Set(programs);
    const ran: string[] = [];
    const found = findOrInstall({
      env: { PATH: "/opt/bin:/bin", ...env },
      isRoot,
      isProgram: (path) => there.has(path),
      run(command, args) {
        ran.push([command, ...args].join(" "));
        if (aptFails !== undefined) throw new Error(aptFails);
        if (aptBrings !== undefined && args.includes("install")) there.add(aptBrings);
      },
    });
    return { found, ran };
  };

  test.each([
    ["the one that is named", { env: { WARMPATH_CHROMIUM: "/x/b" }, programs: ["/x/b", "/bin/chromium"] }, "/x/b"],
    ["one on the path", { programs: ["/opt/bin/google-chrome", "/bin/chromium"] }, "/opt/bin/google-chrome"],
    ["Debian's, whatever the path", { programs: ["/usr/bin/chromium"], env: { PATH: "" } }, "/usr/bin/chromium"],
  ] as const)("%s", (_, machine, path) => {
    expect(ask(machine)).toEqual({ found: { ok: true, value: path }, ran: [] });
  });

  test("root installs it, after a look at what there is", () => {
    const { found, ran } = ask({ isRoot: true, aptBrings: "/usr/bin/chromium" });
    expect(found).toEqual({ ok: true, value: "/usr/bin/chromium" });
    expect(ran).toHaveLength(2);
    expect(ran[0]).toMatch(/^apt-get .*update$/);
    expect(ran[1]).toMatch(/^apt-get .*install -y --no-install-recommends chromium/);
  });

  test("in CI it is installed by sudo, which must not ask", () => {
    const { ran } = ask({ env: { CI: "true" }, aptBrings: "/usr/bin/chromium" });
    expect(ran.map((line) => line.startsWith("sudo -n apt-get "))).toEqual([true, true]);
  });

  test("nobody's own machine is changed", () => {
    const { found, ran } = ask({});
    expect(ran).toEqual([]);
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining("apt-get install chromium") });
  });

  test.each([
    ["a name that leads nowhere", { env: { WARMPATH_CHROMIUM: "/gone" }, programs: ["/bin/chromium"] }, "/gone"],
    ["an installation that failed", { isRoot: true, aptFails: "no network" }, "no network"],
    ["an installation that brought none", { isRoot: true }, "brought no program"],
  ] as const)("%s is told", (_, machine, words) => {
    const { found } = ask(machine);
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining(words) });
  });
});
